package proxy

import (
	"time"

	"github.com/pgroute/pgroute/internal/cluster"
	"github.com/pgroute/pgroute/internal/pg"
	"github.com/pgroute/pgroute/internal/wire"
)

// idleTick is the time between looks for sessions that do nothing, and so the
// precision of the idle limits.
const idleTick = time.Second

// retune takes changed settings into use.
func (w *worker) retune(t *Tunables) {
	w.tune = t
	w.view.Policy = t.Policy
	w.idle.Reset(idleTick)
}

// assign counts the session to a standby's load, or to none.
func (s *session) assign(node cluster.NodeID) {
	if s.assigned == node {
		return
	}
	if s.assigned >= 0 {
		s.w.assigned[s.assigned]--
	}
	if node >= 0 {
		s.w.assigned[node]++
	}
	s.assigned = node
}

// endIdle ends the sessions that have been idle for longer than they may.
func (w *worker) endIdle() {
	w.tick++
	for s := range w.sessions {
		if w.tick-s.active > 1 {
			s.assign(cluster.NoNode)
		}
		if err := s.idleTooLong(); err != nil {
			s.fatal(err)
		}
	}
	w.retune(w.tune)
}

// idleTooLong gives the error for a session that its time has run out on, in
// PostgreSQL's words for its own limits of that kind.
func (s *session) idleTooLong() *pg.Error {
	idle := time.Duration(s.w.tick-s.active) * idleTick
	t := s.w.tune
	switch {
	case len(s.in) > 0:
	case s.phase == phaseIdle && t.IdleTimeout > 0 && idle > t.IdleTimeout:
		return pg.Fatalf(pg.IdleSessionTimeout, "terminating connection due to idle-session timeout")
	case s.phase == phaseLinked && t.IdleInTx > 0 && idle > t.IdleInTx &&
		s.link.Answered() && s.link.Tx() != wire.TxIdle:
		return pg.Fatalf(pg.IdleInTransactionTimeout, "terminating connection due to idle-in-transaction timeout")
	}
	return nil
}
