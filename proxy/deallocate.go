package proxy

import (
	"bytes"
	"slices"

	"github.com/pgroute/pgroute/backend"
	"github.com/pgroute/pgroute/internal/wire"
	"github.com/pgroute/pgroute/router"
)

// forgetting is a DEALLOCATE or DISCARD ALL that was sent and not answered.
// What it forgets is forgotten at once, because messages behind it, which may
// use the names anew, must find the session as it will be.
type forgetting struct {
	s      *session
	all    bool
	lost   map[string]*prepared
	server backend.Undo // takes back what the link has forgotten
}

// Undo brings back what was not forgotten after all.
func (f *forgetting) Undo(failed bool) {
	if !f.known() {
		return // the statement itself had succeeded
	}
	for name, p := range f.lost {
		if f.s.state.named[name] == nil {
			f.s.state.setName(name, p)
		}
	}
	if f.server != nil {
		f.server.Undo(failed)
	}
}

// known ends the wait for the statement's fate; false when it had ended.
func (f *forgetting) known() bool {
	i := slices.Index(f.s.state.forgets, f)
	if i < 0 {
		return false
	}
	f.s.state.forgets = slices.Delete(f.s.state.forgets, i, i+1)
	return true
}

// undoAll is several that are undone together, the last first.
type undoAll []*forgetting

// Undo undoes all.
func (u undoAll) Undo(failed bool) {
	for i := len(u) - 1; i >= 0; i-- {
		u[i].Undo(failed)
	}
}

// deallocates tells the statements that forget prepared statements.
func deallocates(v router.Verb) bool {
	return v == router.VerbDeallocate || v == router.VerbDeallocateAll || v == router.VerbDiscardAll
}

// forget forgets what a query string about to be run deallocates; nil when
// that is nothing.
func (s *session) forget(sc *router.Script, text []byte) backend.Undo {
	var all undoAll
	for i := range sc.Len() {
		st := sc.Statement(i)
		if !deallocates(st.Verb) {
			continue
		}
		f := &forgetting{s: s}
		switch st.Verb {
		case router.VerbDeallocateAll, router.VerbDiscardAll:
			f.all = true
			f.lost, s.state.named = s.state.named, nil
			f.server = s.link.Deallocating()
		case router.VerbDeallocate:
			name := identifier(st.Name.Of(text))
			f.lost = map[string]*prepared{}
			if p := s.state.named[name]; p != nil {
				f.lost[name] = p
				delete(s.state.named, name)
			}
		}
		s.state.forgets = append(s.state.forgets, f)
		all = append(all, f)
	}
	if all == nil {
		return nil
	}
	return all
}

// forgotten takes the command tag of a DEALLOCATE or DISCARD ALL.
func (s *session) forgotten(all bool) {
	for _, f := range s.state.forgets {
		if f.all == all {
			f.known()
			return
		}
	}
	if all { // nobody saw it coming, as inside a function
		clear(s.state.named)
	}
}

// bringNames makes the server know, under the client's names, the
// protocol-level statements that SQL on its way refers to: to PostgreSQL they
// are the same as those of PREPARE.
func (s *session) bringNames(sc *router.Script, text []byte, extended bool) {
	for i := range sc.Len() {
		st := sc.Statement(i)
		switch st.Verb {
		case router.VerbExecute, router.VerbDeallocate, router.VerbPrepare, router.VerbExplain:
		default:
			continue
		}
		if st.Name.Len() == 0 {
			continue
		}
		name := identifier(st.Name.Of(text))
		known := s.state.named[name]
		switch {
		case known != nil && extended:
			s.w.out = s.link.AppendStray(s.w.out, name, known.st)
		case known != nil && !s.link.InBatch():
			s.w.out = s.link.AppendStraySync(s.w.out, name, known.st)
		}
		if st.Verb == router.VerbPrepare && !slices.Contains(s.state.sqlNames, name) {
			s.state.sqlNames = append(s.state.sqlNames, name)
		}
	}
}

// bindPortal notes which portal stands for a statement that deallocates others.
func (s *session) bindPortal(portal []byte, sc *router.Script, st *backend.Statement) {
	b := &s.state.bound
	switch {
	case sc.Class == router.ClassSession:
		b.portal, b.st = string(portal), st
	case b.st != nil && b.portal == string(portal):
		b.st = nil
	}
}

// bound is the last portal made for a statement of class session.
type bound struct {
	portal string
	st     *backend.Statement
}

// passExecute passes an Execute.
func (s *session) passExecute(msg, body []byte) {
	var undo backend.Undo
	if st := s.state.bound.st; st != nil {
		if portal, _, _ := wire.CString(body); string(portal) == s.state.bound.portal {
			undo = s.forget(s.classify(st.Text()), st.Text())
		}
	}
	if _, rows, ok := wire.CString(body); s.opening.stage != openNone && !(ok && allRows(rows)) {
		s.opening.fix() // the portal stays open
	}
	s.link.ExpectExecute(undo)
	s.pass(msg)
}

// allRows reports whether an Execute asks for all rows.
func allRows(limit []byte) bool { return string(limit) == "\x00\x00\x00\x00" }

// identifier reads a name as PostgreSQL does: quoted ones as they are, others
// in lower case.
func identifier(name []byte) string {
	if len(name) > 1 && name[0] == '"' {
		return string(bytes.ReplaceAll(name[1:len(name)-1], []byte(`""`), []byte(`"`)))
	}
	return string(bytes.ToLower(name))
}
