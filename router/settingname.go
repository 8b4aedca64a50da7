package router

import "bytes"

// proxyPrefix begins the names of pgroute's own settings.
const proxyPrefix = "pgroute."

// settingID recognises a setting's name as PostgreSQL knows it, in any case.
func settingID(name []byte) SettingID {
	if hasPrefixFold(name, proxyPrefix) {
		return SettingProxy
	}
	for _, s := range knownSettings {
		if equalFold(name, s.name) {
			return s.id
		}
	}
	return SettingOther
}

// partedID is settingID for a name of several parts, of which first is the
// first. Custom settings alone have several.
func partedID(first []byte) SettingID {
	if equalFold(first, proxyPrefix[:len(proxyPrefix)-1]) {
		return SettingProxy
	}
	return SettingOther
}

// knownSettings are those whose value the router or the session acts upon.
var knownSettings = [...]struct {
	name string
	id   SettingID
}{
	{"transaction_read_only", SettingTransactionReadOnly},
	{"transaction_isolation", SettingTransactionIsolation},
	{"transaction_deferrable", SettingTransactionDeferrable},
	{"default_transaction_read_only", SettingDefaultReadOnly},
	{"default_transaction_isolation", SettingDefaultIsolation},
	{"default_transaction_deferrable", SettingDefaultDeferrable},
	{"search_path", SettingSearchPath},
	{"standard_conforming_strings", SettingStandardStrings},
	{"client_encoding", SettingClientEncoding},
	{"timezone", SettingTimeZone},
	{"role", SettingRole},
	{"session_authorization", SettingSessionAuthorization},
}

// shownSetting tells whether SHOW of a setting gives the same everywhere:
// ReasonRead, or why it does not. Unlisted settings are the node's.
func shownSetting(name []byte) Reason {
	if equalFold(name, "transaction_read_only") || equalFold(name, "in_hot_standby") {
		return ReasonRoleProbe
	}
	if bytes.IndexByte(name, '.') >= 0 {
		return ReasonRead // a custom setting, which is the session's
	}
	for _, s := range sessionSettings {
		if equalFold(name, s) {
			return ReasonRead
		}
	}
	return ReasonNodeLocal
}

// sessionSettings are settings that follow the session to every node, or that
// physical replication makes equal on all of them.
var sessionSettings = [...]string{
	"application_name", "bytea_output", "client_encoding", "client_min_messages", "datestyle",
	"default_transaction_deferrable", "default_transaction_isolation", "default_transaction_read_only",
	"extra_float_digits", "idle_in_transaction_session_timeout", "integer_datetimes", "intervalstyle",
	"is_superuser", "lc_collate", "lc_ctype", "lock_timeout", "max_identifier_length", "role", "search_path",
	"server_encoding", "server_version", "server_version_num", "session_authorization",
	"standard_conforming_strings", "statement_timeout", "timezone", "transaction_deferrable",
	"transaction_isolation", "xmloption",
}

// equalFold compares with a name in lower case, ASCII letters without regard
// to case.
func equalFold(b []byte, name string) bool {
	return len(b) == len(name) && hasPrefixFold(b, name)
}

// hasPrefixFold is the like for prefixes.
func hasPrefixFold(b []byte, prefix string) bool {
	if len(b) < len(prefix) {
		return false
	}
	for i := range len(prefix) {
		c := b[i]
		if 'A' <= c && c <= 'Z' {
			c += 'a' - 'A'
		}
		if c != prefix[i] {
			return false
		}
	}
	return true
}
