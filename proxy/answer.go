package proxy

import (
	"bytes"

	"github.com/pgroute/pgroute/backend"
	"github.com/pgroute/pgroute/internal/wire"
	"github.com/pgroute/pgroute/router"
)

// Forward passes what the server sent on to the client (backend.Frontend). A
// client that does not read stops the server from being read.
func (s *session) Forward(p []byte) {
	s.conn.Write(p)
	if s.conn.Congested() {
		s.link.PauseRead()
	}
}

// ServerDrained goes on with input that the server would not take
// (backend.Frontend).
func (s *session) ServerDrained() {
	if s.phase == phaseClosing {
		return
	}
	s.resume()
}

// Ready takes the end of the answer to one unit (backend.Frontend).
func (s *session) Ready(tx byte) {
	s.countAnswer(tx)
	if len(s.againLens) > 0 {
		s.answeredAgain()
	}
	if !s.link.Answered() {
		return
	}
	s.flight, s.active = flightNone, s.w.tick
	s.ends, s.excluded, s.reruns = false, 0, 0
	if tx == wire.TxIdle {
		s.releaseCatalog()
	}
	if s.onPrimary {
		s.touchedPrimary()
	} else {
		s.readStandby()
	}
	if tx == wire.TxIdle && len(s.state.touched) > 0 && !s.link.InCopy() {
		s.readBack()
		return
	}
	if tx == wire.TxIdle {
		s.rejudge()
	}
	s.settle()
	if len(s.in) > 0 {
		s.resume()
	}
}

// atRest reports whether a linked session does nothing, outside a transaction.
func (s *session) atRest() bool {
	return s.link != nil && s.link.Quiet() && !s.state.busy && s.rest == 0
}

// settle gives the link back unless something keeps it.
func (s *session) settle() {
	if !s.atRest() {
		return
	}
	if s.state.pins != 0 {
		if s.w.draining.Load() {
			s.fatal(errShutdown)
		}
		return
	}
	s.flush()
	link := s.link
	s.w.set.End(s.node)
	s.link, s.grant = nil, 0
	s.forgetAgain()
	s.move(phaseIdle)
	link.Unlink()
	if s.w.draining.Load() {
		s.fatal(errShutdown)
	}
}

// Completed takes the tags of statements that forget what the session has
// (backend.Frontend).
func (s *session) Completed(tag []byte) {
	switch {
	case string(tag) == "DISCARD ALL":
		clear(s.state.named)
		s.unpin(s.state.pins)
		s.forgetDoubts()
		s.state.unnamed, s.state.touched = nil, s.state.touched[:0]
		s.state.set = backend.Settings{}
		s.learnSettings()
	case string(tag) == "DEALLOCATE ALL":
		clear(s.state.named)
		s.unpin(pinSQLPrepare)
	case string(tag) == "DEALLOCATE" && s.state.dropping != "":
		delete(s.state.named, s.state.dropping)
	}
	s.state.dropping = ""
}

// bringNames makes the server know, under the client's names, the
// protocol-level statements that SQL on its way refers to: EXECUTE and
// DEALLOCATE work on those too.
func (s *session) bringNames(sc *router.Script, text []byte) {
	if len(s.state.named) == 0 || s.link.InBatch() {
		return
	}
	for i := range sc.Len() {
		st := sc.Statement(i)
		if st.Verb != router.VerbExecute && st.Verb != router.VerbDeallocate {
			continue
		}
		name := identifier(st.Name.Of(text))
		known, ok := s.state.named[name]
		if !ok {
			continue
		}
		s.w.out = s.link.AppendStray(s.w.out, name, known.st)
		if st.Verb == router.VerbDeallocate {
			s.state.dropping = name
		}
	}
}

// identifier reads a name as PostgreSQL does: quoted ones as they are, others
// in lower case.
func identifier(name []byte) string {
	if len(name) > 1 && name[0] == '"' {
		return string(bytes.ReplaceAll(name[1:len(name)-1], []byte(`""`), []byte(`"`)))
	}
	return string(bytes.ToLower(name))
}
