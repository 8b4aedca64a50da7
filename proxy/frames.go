package proxy

import (
	"slices"

	"github.com/pgroute/pgroute/backend"
	"github.com/pgroute/pgroute/internal/wire"
	"github.com/pgroute/pgroute/router"
)

// frame passes one whole message of the client's on to the link, under the
// server's names for prepared statements.
func (s *session) frame(typ byte, msg []byte) {
	body := msg[wire.HeaderSize:]
	switch typ {
	case wire.Query:
		s.passQuery(msg, body)
		return
	case wire.Parse:
		s.passParse(msg, body)
		return
	case wire.Bind:
		s.passBind(msg, len(msg))
		return
	case wire.Describe:
		s.passDescribe(msg, body)
		return
	case wire.Close:
		s.passClose(msg, body)
		return
	case wire.Execute:
		s.passExecute(msg, body)
		return
	case wire.Sync:
		s.link.ExpectSync()
	case wire.Flush:
		s.link.ExpectFlush()
	case wire.FunctionCall:
		if s.misplaced(nil, nil) {
			s.refuseQuery(nil)
			return
		}
		s.opening.fix()
		s.risk(nil)
		s.link.ExpectFunction()
		s.sure(pinUnknownState)
	case wire.CopyDone, wire.CopyFail:
		s.link.EndCopy()
	}
	s.pass(msg)
}

// pass sends a message as it is, together with its neighbours.
func (s *session) pass(msg []byte) {
	if len(msg) <= passLimit {
		s.w.out = append(s.w.out, msg...)
		return
	}
	s.flush()
	s.link.Send(msg)
}

// passLimit is the size in bytes up to which copying a message to join its
// neighbours is cheaper than a system call of its own.
const passLimit = 16 << 10

// passQuery passes a simple Query.
func (s *session) passQuery(msg, body []byte) {
	text, _, _ := wire.CString(body)
	sc := s.classify(text)
	s.state.unnamed = nil
	if hasOwn(sc) {
		s.link.ExpectQuery(nil)
		s.w.out = wire.AppendQuery(s.w.out, refusalSQL)
		return
	}
	if s.misplaced(sc, text) {
		s.refuseQuery(sc)
		return
	}
	s.follow(sc, text)
	s.note(sc, text)
	s.risk(sc)
	s.bringNames(sc, text, false)
	s.link.ExpectQuery(s.forget(sc, text))
	s.pass(msg)
}

// passParse passes a Parse, or answers it when the server has the statement.
func (s *session) passParse(msg, body []byte) {
	name, tail, _ := wire.CString(body)
	st, own := s.statementFor(tail)
	if sc := s.classify(st.Text()); sc.Class == router.ClassSession {
		s.bringNames(sc, st.Text(), true)
	}
	if len(name) == 0 {
		s.state.unnamed, s.state.own = st, own
		s.link.ExpectUnnamed(st, s)
		if own != nil {
			s.w.out = wire.AppendParse(s.w.out, "", st.Tail)
			return
		}
		s.pass(msg)
		return
	}
	if known, ok := s.state.named[string(name)]; ok && !known.unsure {
		// The server itself shall refuse, which it does after reading the text.
		s.w.out = s.link.AppendPrepared(s.w.out, known.st)
		s.link.ExpectRefusedParse(&known.alias)
		s.rename(msg, len(msg), 0, len(name), known.st.Name)
		return
	}
	made := &prepared{st: st, alias: backend.Alias{Server: st.Name, Client: string(name)}, own: own}
	undo := &undoParse{s, made}
	s.remember(undo)
	s.state.setName(made.alias.Client, made)
	s.state.parsing = append(s.state.parsing, made)
	switch {
	case slices.Contains(s.state.sqlNames, made.alias.Client):
		s.link.ExpectParse(nil, undo)
		s.pass(msg)
	case !s.link.Knows(st):
		s.w.out = s.link.AppendParse(s.w.out, st, undo)
	case s.link.Current(st) && s.link.Outstanding() == 0 && s.link.Tx() != wire.TxFailed:
		s.link.AnswerLocally(wire.AppendEmpty(nil, wire.ParseComplete), undo)
	default: // it may fail now, or what comes before may: the server must answer
		s.w.out = s.link.AppendReparse(s.w.out, st, undo)
	}
}

// undoParse takes back a Parse that made no statement.
type undoParse struct {
	s *session
	*prepared
}

// Undo forgets the name; it may be called twice.
func (u *undoParse) Undo(bool) {
	if u.s.state.named[u.alias.Client] == u.prepared {
		delete(u.s.state.named, u.alias.Client)
	}
}

// Undo takes back a Parse of the unnamed statement (backend.Undo).
func (s *session) Undo(bool) { s.state.unnamed = nil }

// passBind passes a Bind, of which msg may be the beginning and size is the
// whole size in bytes; the server gets to know the statement first.
func (s *session) passBind(msg []byte, size int) {
	body := msg[wire.HeaderSize:]
	portal, rest, _ := wire.CString(body)
	name, _, _ := wire.CString(rest)
	st, alias := s.state.find(name)
	if st == nil {
		if s.state.pins&(pinLargeStatement|pinSQLPrepare) != 0 {
			s.opening.fix()
			s.sure(pinUnknownState)
			s.risk(nil)
		}
		msg, alias = s.foreign(msg, name)
		s.link.ExpectBind(alias)
		s.pass(msg)
		return
	}
	if st != s.w.refusal { // that one does nothing
		text := st.Text()
		sc := s.classify(text)
		if s.misplaced(sc, text) {
			s.refuseBind(sc, portal)
			return
		}
		if s.follow(sc, text); len(portal) > 0 {
			s.opening.fix()
		}
		s.note(sc, text)
		s.risk(sc)
		if s.bindPortal(portal, sc, st); sc.Class == router.ClassSession {
			s.bringNames(sc, text, true)
		}
	}
	switch {
	case len(name) == 0:
		s.w.out = s.link.AppendUnnamed(s.w.out, st)
		s.link.ExpectBind(nil)
		s.pass(msg)
	default:
		s.w.out = s.link.AppendPrepared(s.w.out, st)
		s.link.ExpectBind(alias)
		s.rename(msg, size, len(portal)+1, len(name), st.Name)
	}
}

// passDescribe passes a Describe.
func (s *session) passDescribe(msg, body []byte) {
	name := body[1 : len(body)-1]
	st, alias := s.state.find(name)
	switch {
	case body[0] != 'S':
		s.link.ExpectDescribe(nil)
		s.pass(msg)
	case st == nil:
		msg, alias = s.foreign(msg, name)
		s.link.ExpectDescribe(alias)
		s.pass(msg)
	case len(name) == 0:
		s.w.out = s.link.AppendUnnamed(s.w.out, st)
		s.link.ExpectDescribe(nil)
		s.pass(msg)
	default:
		s.w.out = s.link.AppendPrepared(s.w.out, st)
		s.link.ExpectDescribe(alias)
		s.rename(msg, len(msg), 1, len(name), st.Name)
	}
}

// passClose passes a Close. A statement with a name stays on the server for
// others; the client is told all the same that it is closed.
func (s *session) passClose(msg, body []byte) {
	name := body[1 : len(body)-1]
	switch known := s.state.named[string(name)]; {
	case body[0] != 'S':
		s.link.ExpectClose(nil)
		s.pass(msg)
	case len(name) == 0:
		s.state.unnamed = nil
		s.link.ExpectCloseUnnamed()
		s.pass(msg)
	case known != nil:
		undo := &undoClose{s, known}
		s.remember(undo)
		delete(s.state.named, known.alias.Client)
		if s.link.HasStray(known.alias.Client) {
			s.link.ExpectClose(undo)
			s.pass(msg)
			return
		}
		s.link.AnswerLocally(wire.AppendEmpty(nil, wire.CloseComplete), undo)
	default:
		msg, _ = s.foreign(msg, name)
		s.link.ExpectClose(nil)
		s.pass(msg)
	}
}

// undoClose takes back a Close that was not carried out.
type undoClose struct {
	s *session
	*prepared
}

// Undo brings the statement back; it may be called twice.
func (u *undoClose) Undo(bool) {
	if _, ok := u.s.state.named[u.alias.Client]; !ok {
		u.s.state.setName(u.alias.Client, u.prepared)
	}
}

// rename passes a message whose body has, at an offset, a name of that length
// to be replaced.
func (s *session) rename(msg []byte, size, at, length int, name string) {
	body := msg[wire.HeaderSize:]
	s.w.out = wire.AppendHeader(s.w.out, msg[0], size-wire.HeaderSize-length+len(name))
	s.w.out = append(s.w.out, body[:at]...)
	s.w.out = append(s.w.out, name...)
	s.pass(body[at+length:])
}

// foreign guards the statements of other sessions, the unnamed one and those
// under names that pgroute gives them on servers, from a client that uses what
// it never prepared. The server answers for a name it cannot have. What the
// client did prepare under such a name, and pgroute did not see, it may use.
func (s *session) foreign(msg, name []byte) ([]byte, *backend.Alias) {
	if len(name) == 0 {
		if s.state.pins&pinLargeStatement == 0 {
			s.w.out = s.link.AppendNoUnnamed(s.w.out)
		}
		return msg, nil
	}
	if !s.w.ids.Made(unsafeString(name)) {
		return msg, nil
	}
	at := len(msg) - len(name) - 1
	if msg[0] == wire.Bind {
		portal, _, _ := wire.CString(msg[wire.HeaderSize:])
		at = wire.HeaderSize + len(portal) + 1
	}
	out := append([]byte(nil), msg...)
	out[at] = '?'
	return out, &backend.Alias{Server: "?" + string(name[1:]), Client: string(name)}
}

// stream passes on the rest of a message too long to be kept.
func (s *session) stream(p []byte) int {
	n := min(s.rest, len(p))
	if !s.drop {
		s.flush()
		s.link.Send(p[:n])
	}
	s.rest -= n
	return n
}

// passLarge passes the beginning of a message that streams. What it does
// cannot be known for sure, so it pins the session, but for a Bind whose
// statement is known and COPY data.
func (s *session) passLarge(typ byte, size int, p []byte) {
	s.rest, s.drop = size-len(p), false
	if typ != wire.Bind && isStatement(typ) && s.misplaced(nil, nil) {
		s.refuseLarge(typ)
		return
	}
	switch typ {
	case wire.Bind:
		s.passBind(p, size)
	case wire.Parse:
		s.passLargeParse(size, p)
	case wire.Query:
		s.opening.fix()
		s.state.unnamed = nil
		s.sure(pinUnknownState)
		s.risk(nil)
		s.link.ExpectQuery(nil)
		s.pass(p)
	case wire.FunctionCall:
		s.opening.fix()
		s.sure(pinUnknownState)
		s.risk(nil)
		s.link.ExpectFunction()
		s.pass(p)
	default:
		s.pass(p)
	}
	s.flush()
}

// passLargeParse passes the beginning of a Parse that streams. The server has
// the statement under the client's name for it.
func (s *session) passLargeParse(size int, p []byte) {
	name, _, _ := wire.CString(p[wire.HeaderSize:])
	known := s.state.named[string(name)]
	switch {
	case len(name) == 0:
		s.state.unnamed = nil
		s.link.ExpectUnnamed(nil, nil)
	case known != nil: // the server shall refuse
		s.w.out = s.link.AppendPrepared(s.w.out, known.st)
		s.link.ExpectRefusedParse(&known.alias)
		s.rename(p, size, 0, len(name), known.st.Name)
		return
	default:
		s.link.ExpectParse(nil, nil)
	}
	s.pin(pinLargeStatement)
	s.pass(p)
}

// isStatement tells the messages that carry, or are, something to execute.
func isStatement(typ byte) bool {
	switch typ {
	case wire.Query, wire.Parse, wire.FunctionCall:
		return true
	}
	return false
}
