package proxy

import (
	"github.com/pgroute/pgroute/backend"
	"github.com/pgroute/pgroute/internal/wire"
)

// Forward passes what the server sent on to the client (backend.Frontend). A
// client that does not read stops the server from being read.
func (s *session) Forward(p []byte) {
	s.conn.Write(p)
	if s.conn.Congested() {
		s.link.PauseRead()
	}
}

// PID is the number that BackendKeyData told (backend.Frontend).
func (s *session) PID() uint32 { return s.key.pid }

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
	s.state.answered(tx)
	s.state.parsed(false)
	if tx == wire.TxIdle {
		s.endTx()
		s.opening.reset()
		s.releaseCatalog()
		if s.state.changesSchema {
			s.state.changesSchema = false
			s.user.tenant.SchemaChanged()
		}
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
	s.leaveStandby()
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
		s.forgotten(true)
		s.state.sqlNames = nil
		s.unpin(s.state.pins)
		s.forgetDoubts()
		s.state.touched = s.state.touched[:0]
		s.state.set = backend.Settings{}
		s.learnSettings()
		s.forgetWishes()
	case string(tag) == "DEALLOCATE ALL":
		s.forgotten(true)
		s.state.sqlNames = nil
		s.unpin(pinSQLPrepare)
	case string(tag) == "DEALLOCATE":
		s.forgotten(false)
	}
}
