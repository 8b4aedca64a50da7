package proxy

import (
	"github.com/pgroute/pgroute/backend"
	"github.com/pgroute/pgroute/internal/pg"
	"github.com/pgroute/pgroute/internal/wire"
	"github.com/pgroute/pgroute/router"
)

// ownAnswer makes the answer to a unit of pgroute's own statements. Portals
// live as long as the unit does.
type ownAnswer struct {
	s   *session
	out []byte
	tx  byte
	// changes: the unit sets or resets something; token: it shows pgroute.lsn.
	changes, token bool
	// portal and bound are the portal that was made last, and its text.
	portal, bound []byte
	has           bool
}

// all reports whether a unit has nothing but statements of pgroute's own.
func (a *ownAnswer) all(unit []byte) bool {
	unnamed := false // the unit itself parses the unnamed statement
	for len(unit) > 0 {
		typ, size, _ := wire.Header(unit)
		body := unit[wire.HeaderSize:size]
		unit = unit[size:]
		switch typ {
		case wire.Query:
			text, _, _ := wire.CString(body)
			if !a.look(text) {
				return false
			}
		case wire.Parse:
			name, tail, _ := wire.CString(body)
			text, _, _ := wire.CString(tail)
			unnamed = unnamed || len(name) == 0
			if !a.look(text) {
				return false
			}
		case wire.FunctionCall, wire.CopyData, wire.CopyDone, wire.CopyFail, wire.Terminate:
			return false
		}
		name, ok := statementNamed(typ, body)
		if !ok || typ == wire.Close || len(name) == 0 && unnamed {
			continue
		}
		// A name that the unit itself has parsed is looked up when it is run.
		if text, own := a.s.ownText(name); own {
			a.look(text)
		} else if st, _ := a.s.state.find(name); st != nil {
			return false
		}
	}
	return true
}

// look takes a text in; false when it is not one statement of pgroute's own.
func (a *ownAnswer) look(text []byte) bool {
	sc := a.s.classify(text)
	st := sc.Single()
	if st == nil || !isOwnVerb(st.Verb) {
		return false
	}
	a.changes = a.changes || st.Verb == router.VerbSetProxy || st.Verb == router.VerbResetProxy
	a.token = a.token || st.Verb == router.VerbShowProxy && st.Ident(text) == "pgroute.lsn"
	return true
}

// run answers message by message up to the first error.
func (a *ownAnswer) run(unit []byte) *pg.Error {
	for len(unit) > 0 {
		typ, size, _ := wire.Header(unit)
		if err := a.message(typ, unit[wire.HeaderSize:size]); err != nil {
			return err
		}
		unit = unit[size:]
	}
	return nil
}

// message answers one message.
func (a *ownAnswer) message(typ byte, body []byte) *pg.Error {
	switch typ {
	case wire.Query:
		text, _, _ := wire.CString(body)
		a.s.state.unnamed = nil
		return a.execute(text, true)
	case wire.Parse:
		return a.parse(body)
	case wire.Bind:
		return a.bind(body)
	case wire.Describe:
		return a.describe(body[0] == 'S', body[1:len(body)-1])
	case wire.Execute:
		name, _, _ := wire.CString(body)
		if !a.has || string(name) != string(a.portal) {
			return pg.Errorf(invalidCursorName, "portal %q does not exist", name)
		}
		return a.execute(a.bound, false)
	case wire.Close:
		return a.close(body[0] == 'S', body[1:len(body)-1])
	}
	return nil
}

// invalidCursorName is the SQLSTATE for portals that do not exist.
const invalidCursorName pg.SQLState = "34000"

// parse makes a prepared statement. Should it ever reach a server, it does so
// as the refusal.
func (a *ownAnswer) parse(body []byte) *pg.Error {
	name, tail, _ := wire.CString(body)
	text, _, _ := wire.CString(tail)
	st := &a.s.state
	text = append([]byte(nil), text...)
	st.owns = true
	switch {
	case len(name) == 0:
		st.unnamed, st.own = a.s.w.refusal, text
	case st.named[string(name)] != nil:
		return pg.Errorf(pg.DuplicatePreparedStatement, "prepared statement %q already exists", name)
	default:
		if st.named == nil {
			st.named = map[string]*prepared{}
		}
		alias := backend.Alias{Server: a.s.w.refusal.Name, Client: string(name)}
		st.named[alias.Client] = &prepared{st: a.s.w.refusal, alias: alias, own: text}
	}
	a.out = wire.AppendEmpty(a.out, wire.ParseComplete)
	return nil
}

// bind makes the portal.
func (a *ownAnswer) bind(body []byte) *pg.Error {
	portal, rest, _ := wire.CString(body)
	name, _, _ := wire.CString(rest)
	text, ok := a.s.ownText(name)
	if !ok {
		return noStatement(name)
	}
	a.portal, a.bound, a.has = portal, text, true
	a.out = wire.AppendEmpty(a.out, wire.BindComplete)
	return nil
}

func noStatement(name []byte) *pg.Error {
	return pg.Errorf(pg.InvalidStatementName, "prepared statement %q does not exist", name)
}

// describe tells parameters, of which there are none, and columns.
func (a *ownAnswer) describe(statement bool, name []byte) *pg.Error {
	text := a.bound
	if statement {
		var ok bool
		if text, ok = a.s.ownText(name); !ok {
			return noStatement(name)
		}
		a.out = append(wire.AppendHeader(a.out, wire.ParameterDescription, 2), 0, 0)
	} else if !a.has || string(name) != string(a.portal) {
		return pg.Errorf(invalidCursorName, "portal %q does not exist", name)
	}
	if columns := ownColumns(a.s.classify(text), text); columns != nil {
		a.out = wire.AppendTextColumns(a.out, columns)
	} else {
		a.out = wire.AppendEmpty(a.out, wire.NoData)
	}
	return nil
}

// close forgets a statement or the portal.
func (a *ownAnswer) close(statement bool, name []byte) *pg.Error {
	switch {
	case !statement:
		a.has = a.has && string(name) != string(a.portal)
	case len(name) == 0:
		a.s.state.unnamed = nil
	default:
		if p := a.s.state.named[string(name)]; p != nil {
			delete(a.s.state.named, p.alias.Client)
		}
	}
	a.out = wire.AppendEmpty(a.out, wire.CloseComplete)
	return nil
}

// ownColumns gives the columns of the statement's result; nil when it has none.
func ownColumns(sc *router.Script, text []byte) []string {
	switch st := sc.Single(); st.Verb {
	case router.VerbShowProxy:
		return []string{st.Ident(text)}
	case router.VerbExplainRoute:
		return explainColumns[:]
	}
	return nil
}

// execute carries a statement out; a simple Query is told the columns as well.
func (a *ownAnswer) execute(text []byte, columns bool) *pg.Error {
	s := a.s
	sc := s.classify(text)
	st := *sc.Single()
	names := ownColumns(sc, text)
	var rows [][]string
	var err *pg.Error
	tag := "EXPLAIN"
	switch st.Verb {
	case router.VerbShowProxy:
		tag = "SHOW"
		var value string
		value, err = s.showOwn(names[0])
		rows = [][]string{{value}}
	case router.VerbExplainRoute:
		rows, err = s.explainRoute(sc, text)
	default:
		tag, err = s.changeOwn(sc, &st, text)
	}
	if err != nil {
		return err
	}
	if columns && names != nil {
		a.out = wire.AppendTextColumns(a.out, names)
	}
	a.out = wire.AppendTextRows(a.out, rows)
	a.out = wire.AppendCommandComplete(a.out, tag)
	return nil
}

// showOwn gives the value of a setting.
func (s *session) showOwn(name string) (string, *pg.Error) {
	if name == "pgroute.lsn" {
		return s.takeToken()
	}
	return showWish(&s.facts.Wish, name)
}

// changeOwn carries out SET or RESET and gives its tag.
func (s *session) changeOwn(sc *router.Script, st *router.Statement, text []byte) (string, *pg.Error) {
	if st.Verb == router.VerbResetProxy {
		settings := sc.Settings(st)
		name := st.Ident(text)
		if len(settings) > 0 {
			name = router.SettingName(text, settings[0])
		}
		return "RESET", s.changeWish(func(w *router.Wish) *pg.Error { return resetWish(w, name) })
	}
	set := sc.Settings(st)[0]
	name := router.SettingName(text, set)
	if set.Local || set.Kind == router.SetCall {
		return "", pg.Errorf(pg.FeatureNotSupported, "%s cannot be set for one transaction", name).
			WithHint("SET it for the session, or put a hint into the statement: /* pgroute: standby */.")
	}
	if set.Kind == router.SetDefault {
		return "SET", s.changeWish(func(w *router.Wish) *pg.Error { return resetWish(w, name) })
	}
	value, bad := router.SettingText(text, set)
	if bad != nil {
		return "", pg.Errorf(pg.InvalidParameterValue, "the value of %s is not a plain word or string", name).
			WithHint("Write it in single quotes.")
	}
	return "SET", s.changeWish(func(w *router.Wish) *pg.Error { return setWish(w, name, value, s.w.view.Snap) })
}
