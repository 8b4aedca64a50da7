package proxy

import (
	"slices"
	"strings"

	"github.com/pgroute/pgroute/backend"
	"github.com/pgroute/pgroute/internal/pg"
	"github.com/pgroute/pgroute/internal/wire"
	"github.com/pgroute/pgroute/router"
)

// readBack asks the server what the touched settings are now. It is the only
// way to be sure: transactions, savepoints, functions and the server's own
// spelling all have their say.
func (s *session) readBack() {
	s.state.busy = true
	(&reading{s: s, changes: map[string]*string{}}).ask()
}

// maxReadBacks bounds how often the server is asked: a late CancelRequest or a
// short statement_timeout of the client's hits pgroute's query too.
const maxReadBacks = 3

// ask asks for the first time or again.
func (r *reading) ask() {
	s := r.s
	r.asked++
	query := readBackQuery(s.state.touched)
	if s.facts.Serializable || slices.Contains(s.state.touched, "default_transaction_isolation") {
		query = backend.OwnIsolation + query
	}
	s.link.Ask(query, r)
}

// readBackQuery gives name, value, and whether the value was set in this
// session. Settings that pg_settings does not show (role, custom names) are
// told by their value alone.
func readBackQuery(names []string) string {
	var values []string
	for _, n := range names {
		values = append(values, "("+backend.QuoteLiteral(n)+")")
	}
	return "SELECT n.name, pg_catalog.current_setting(n.name, true), s.source OPERATOR(pg_catalog.=) 'session' " +
		"FROM (VALUES " + strings.Join(values, ", ") + ") AS n(name) " +
		"LEFT JOIN pg_catalog.pg_settings AS s ON pg_catalog.lower(s.name) OPERATOR(pg_catalog.=) n.name"
}

// reading collects the answer to readBack.
type reading struct {
	s       *session
	changes map[string]*string
	asked   int
}

// Row takes one setting.
func (r *reading) Row(body []byte) {
	var cols [3]*string
	wire.DataRowColumns(body, func(i int, v []byte) {
		if v != nil && i < len(cols) {
			text := string(v)
			cols[i] = &text
		}
	})
	if cols[0] == nil {
		return
	}
	name, value, mine := *cols[0], cols[1], cols[2]
	switch {
	case mine != nil && *mine != "t":
		value = nil // the default of the connection, which is the session's own
	case name == "role" && value != nil && *value == "none":
		value = nil
	}
	r.changes[name] = value
}

// Done takes the settings in and gives the link back, if nothing keeps it. What
// is not known cannot be brought anywhere else: it keeps the session on the
// primary, and ends one on a standby, where its writes would go too.
func (r *reading) Done(c *backend.Conn, err *pg.Error) {
	s := r.s
	if s.link != c {
		return
	}
	if err != nil && r.asked < maxReadBacks {
		r.ask()
		return
	}
	s.state.busy = false
	switch {
	case err != nil && !s.onPrimary && !s.wantsStandby():
		s.pin(pinSetting) // so that the server connection is cleaned
		s.fatal(pg.Fatalf(pg.ConnectionFailure, "pgroute could not learn the session's settings: %s", err.Message).WithCause(err))
		return
	case err != nil:
		s.pin(pinSetting)
	default:
		s.state.touched = s.state.touched[:0]
		s.state.set = s.state.set.With(r.changes)
		c.Applied = s.state.set
		for name := range r.changes {
			if backend.IsCustom(name) {
				c.NoteCustom(name)
			}
		}
		s.learnSettings()
	}
	s.settle()
	s.w.loop.Defer(s.resume)
}

// learnSettings brings what the router must know up to date.
func (s *session) learnSettings() {
	d := s.user.defaults
	get := func(name, def string) string {
		if v, ok := s.state.set.Get(name); ok {
			return v
		}
		return def
	}
	role := get("role", d.Role)
	path, err := router.ParseSearchPath(get("search_path", d.SearchPath), role)
	if err != nil {
		path = nil
	}
	s.state.path, s.state.scope = path, ""
	if custom, ok := s.state.set.Get("search_path"); ok || role != d.Role {
		s.state.scope = role + "\x00" + custom + "\x00"
	}
	isolation := get("default_transaction_isolation", d.Isolation)
	s.facts.Serializable = isolation == "serializable"
	s.state.stable = isolation != "read committed" && isolation != "read uncommitted"
	s.facts.ReadOnly = isOn(get("default_transaction_read_only", onOff(d.ReadOnly)))
	s.state.escaped = get("standard_conforming_strings", s.reported("standard_conforming_strings")) == "off"
	s.state.encoding = encodingOf(get("client_encoding", s.reported("client_encoding")))
}

func isOn(v string) bool { return v == "on" }

func onOff(b bool) string {
	if b {
		return "on"
	}
	return "off"
}

// encodingOf tells how the lexer may read text in a client encoding. Where a
// byte below 128 may be the second half of a character (the client-only
// encodings of src/include/mb/pg_wchar.h) it may not read it at all.
func encodingOf(name string) router.Encoding {
	switch strings.ToUpper(name) {
	case "UTF8", "UNICODE", "UTF-8":
		return router.EncodingUTF8
	case "SJIS", "SHIFT_JIS_2004", "BIG5", "GBK", "UHC", "GB18030", "JOHAB":
		return router.EncodingUnsafe
	}
	return router.EncodingSingle
}

// reported gives a setting as the client was last told.
func (s *session) reported(name string) string {
	for _, r := range s.user.shown {
		if r.Name == name {
			return r.Value
		}
	}
	return ""
}

// ParameterStatus decides whether the client is told of a setting: only when
// that is news to it. Whether a server is in recovery is pgroute's business;
// a session sees a primary (backend.Frontend).
func (s *session) ParameterStatus(name, value []byte) bool {
	if s.user == nil || string(name) == "in_hot_standby" {
		return false
	}
	for i, r := range s.user.shown {
		if r.Name != string(name) {
			continue
		}
		if r.Value == string(value) {
			return false
		}
		s.ownShown()
		s.user.shown[i].Value = string(value)
		return true
	}
	s.ownShown()
	s.user.shown = append(s.user.shown, backend.Reported{Name: string(name), Value: string(value)})
	return true
}

// ownShown makes the list of reported settings the session's own.
func (s *session) ownShown() {
	if !s.user.ownShown {
		s.user.shown, s.user.ownShown = slices.Clone(s.user.shown), true
	}
}
