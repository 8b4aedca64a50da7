package backend

import (
	"slices"
	"strings"
	"unique"
)

// Settings is an immutable set of GUCs with their values. It compares with
// ==, in constant time, whatever it holds. The zero value is empty.
type Settings struct {
	h     unique.Handle[string] // name NUL value NUL …, sorted by name
	valid bool                  // false: empty
}

// NewSettings makes a set of name, value, name, value. Of a name that occurs
// twice (names compare without case) the last value counts.
func NewSettings(pairs ...string) Settings {
	m := map[string]string{}
	for i := 0; i+1 < len(pairs); i += 2 {
		m[strings.ToLower(pairs[i])] = pairs[i+1]
	}
	return settingsOf(m)
}

func settingsOf(m map[string]string) Settings {
	if len(m) == 0 {
		return Settings{}
	}
	names := make([]string, 0, len(m))
	for name := range m {
		names = append(names, name)
	}
	slices.Sort(names)
	var b strings.Builder
	for _, name := range names {
		b.WriteString(name)
		b.WriteByte(0)
		b.WriteString(m[name])
		b.WriteByte(0)
	}
	return Settings{h: unique.Make(b.String()), valid: true}
}

// All calls f with each setting in the order of names until f gives false.
func (s Settings) All(f func(name, value string) bool) {
	if !s.valid {
		return
	}
	rest := s.h.Value()
	for rest != "" {
		name, after, _ := strings.Cut(rest, "\x00")
		value, next, _ := strings.Cut(after, "\x00")
		if !f(name, value) {
			return
		}
		rest = next
	}
}

// Get gives a setting's value; the name is in lower case.
func (s Settings) Get(name string) (value string, ok bool) {
	s.All(func(n, v string) bool {
		if n == name {
			value, ok = v, true
		}
		return !ok
	})
	return value, ok
}

// With gives the set with changes applied: a nil value removes the name.
func (s Settings) With(changes map[string]*string) Settings {
	m := map[string]string{}
	s.All(func(n, v string) bool { m[n] = v; return true })
	for name, v := range changes {
		name = strings.ToLower(name)
		if v == nil {
			delete(m, name)
		} else {
			m[name] = *v
		}
	}
	return settingsOf(m)
}

// Pairs gives name, value, name, value in the order of names.
func (s Settings) Pairs() []string {
	var out []string
	s.All(func(n, v string) bool { out = append(out, n, v); return true })
	return out
}

// IsCustom reports whether a setting's name has a class, as in "app.user".
// The server remembers such a name for the life of the connection, reset or
// not, and a session can see that.
func IsCustom(name string) bool { return strings.IndexByte(name, '.') > 0 }

const (
	roleSetting     = "role"
	encodingSetting = "client_encoding"
)

// OwnIsolation stands in front of queries of pgroute's own where the session's
// transactions are serializable by default: a hot standby refuses those
// (GetSerializableTransactionSnapshot in src/backend/storage/lmgr/predicate.c).
const OwnIsolation = "SET TRANSACTION ISOLATION LEVEL READ COMMITTED; "

// serializable reports whether transactions on the connection are so by default.
func (c *Conn) serializable() bool {
	isolation, set := c.Applied.Get("default_transaction_isolation")
	if !set {
		isolation = c.Defaults.Isolation
	}
	return isolation == "serializable"
}

// DiffSQL gives the statements, one simple Query each, that turn a connection
// on which from is set into one on which to is set; empty when they are
// equal. The encoding goes first and alone because the server reads the rest
// of a query string in it; the role is left before and taken up after
// everything else, because it decides what may be set.
func DiffSQL(from, to Settings) []string {
	if from == to {
		return nil
	}
	var queries []string
	var calls []string
	have, want := from.asMap(), to.asMap()
	role, hasRole := want[roleSetting]
	if _, ok := have[roleSetting]; ok {
		calls = append(calls, setConfig(roleSetting, nil))
	}
	if v, ok := want[encodingSetting]; ok && have[encodingSetting] != v {
		queries = append(queries, "SELECT "+setConfig(encodingSetting, &v))
	} else if _, had := have[encodingSetting]; had && !ok {
		queries = append(queries, "SELECT "+setConfig(encodingSetting, nil))
	}
	calls = append(calls, removals(have, want)...)
	calls = append(calls, additions(have, to)...)
	if hasRole {
		calls = append(calls, setConfig(roleSetting, &role))
	}
	if len(calls) > 0 {
		queries = append(queries, "SELECT "+strings.Join(calls, ", "))
	}
	return queries
}

func (s Settings) asMap() map[string]string {
	m := map[string]string{}
	s.All(func(n, v string) bool { m[n] = v; return true })
	return m
}

func removals(have, want map[string]string) []string {
	var names []string
	for name := range have {
		if _, keep := want[name]; !keep && name != roleSetting && name != encodingSetting {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	for i, name := range names {
		names[i] = setConfig(name, nil)
	}
	return names
}

func additions(have map[string]string, to Settings) []string {
	var calls []string
	to.All(func(name, value string) bool {
		old, ok := have[name]
		if (!ok || old != value) && name != roleSetting && name != encodingSetting {
			calls = append(calls, setConfig(name, &value))
		}
		return true
	})
	return calls
}

// setConfig calls set_config for the session; NULL resets (set_config_by_name
// in src/backend/utils/misc/guc.c).
func setConfig(name string, value *string) string {
	v := "NULL"
	if value != nil {
		v = QuoteLiteral(*value)
	}
	return "pg_catalog.set_config(" + QuoteLiteral(name) + "," + v + ",false)"
}

// QuoteLiteral makes an SQL string literal that reads the same whatever
// standard_conforming_strings says (as PQescapeLiteral in libpq).
func QuoteLiteral(s string) string {
	q := strings.ReplaceAll(s, "'", "''")
	if strings.Contains(q, `\`) {
		return " E'" + strings.ReplaceAll(q, `\`, `\\`) + "'"
	}
	return "'" + q + "'"
}
