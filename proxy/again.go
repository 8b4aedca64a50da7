package proxy

import (
	"time"

	"github.com/pgroute/pgroute/backend"
	"github.com/pgroute/pgroute/internal/cluster"
	"github.com/pgroute/pgroute/internal/pg"
	"github.com/pgroute/pgroute/internal/wire"
	"github.com/pgroute/pgroute/router"
)

// A unit that may have to be run elsewhere is kept until it is answered, and
// its answer is held back until it is known to be one. That is so for every
// unit sent to a standby, for reads on the primary, and for writes that are a
// transaction of their own: those are run again only if the server itself has
// said that it stops, and so has rolled back what it had only just begun.

const (
	// maxReruns bounds how often one unit is placed anew after a loss. A server
	// that dies without a word counts for all of them but one: the unit
	// itself may be what kills it.
	maxReruns = 3
	// young is how long a write may have been under way to be taken for one
	// that came to a server about to stop. What ran longer was likely stopped
	// on purpose.
	young = 250 * time.Millisecond
)

// keepAgain keeps a unit about to be sent.
func (s *session) keepAgain(p []byte, size int) {
	if s.again == nil {
		s.again = s.w.getBuffer()
	}
	s.again = append(s.again, p[:size]...)
	s.againLens = append(s.againLens, size)
}

// answeredAgain forgets the first of the units kept: it is answered.
func (s *session) answeredAgain() {
	if len(s.againLens) <= 1 {
		s.forgetAgain()
		return
	}
	n := s.againLens[0]
	s.again = s.again[:copy(s.again, s.again[n:])]
	s.againLens = s.againLens[:copy(s.againLens, s.againLens[1:])]
}

func (s *session) forgetAgain() {
	s.w.putBuffer(s.again)
	s.again, s.againLens = nil, s.againLens[:0]
	s.againUndo = nil
}

// endAgain gives up the second try: something follows on the link that has no
// part in it.
func (s *session) endAgain() {
	s.forgetAgain()
	s.link.EndHoldback()
}

// remember notes what to take back of a unit before it is run again.
func (s *session) remember(u backend.Undo) {
	if len(s.again) > 0 {
		s.againUndo = append(s.againUndo, u)
	}
}

// atomicVerb tells the statements that, alone and outside a block, are one
// transaction: all of it is done or nothing.
func atomicVerb(v router.Verb) bool {
	switch v {
	case router.VerbSelect, router.VerbInsert, router.VerbUpdate, router.VerbDelete, router.VerbMerge, router.VerbBegin:
		return true
	}
	return false
}

// mayRerun reports whether everything unanswered can be run elsewhere: units
// outside a transaction of which nothing was forwarded, and which are reads
// or are known to be rolled back.
func (s *session) mayRerun(c *backend.Conn, l *loss, lastWords bool) bool {
	if l.tx != wire.TxIdle || c.Answered() || s.rest > 0 || len(s.again) == 0 || !c.NothingForwarded() {
		return false
	}
	if s.onPrimary && !s.repeatable && (!l.rolledBack || time.Now().UnixNano()-s.sentAt > int64(young)) {
		return false
	}
	if s.reruns >= maxReruns {
		return false
	}
	s.reruns++
	if !lastWords {
		s.reruns = maxReruns
	}
	return true
}

// runAgain puts the units kept back at the head of the input, to be placed
// anew, without the node that failed them.
func (s *session) runAgain(failed cluster.NodeID) {
	for i := len(s.againUndo) - 1; i >= 0; i-- {
		s.againUndo[i].Undo(false)
	}
	unsent := min(s.grant, len(s.in))
	s.in = append(s.again, s.in[unsent:]...)
	s.again, s.grant = nil, 0
	s.forgetAgain()
	s.excluded = s.excluded.With(failed)
	s.w.counters.Reruns.Add(1)
	s.move(phaseIdle)
	s.w.loop.Defer(s.resume)
}

// Rerun decides about an error that came before anything of the answer was
// forwarded (backend.Frontend). What a standby that was asked for refuses is
// what the client wanted to know.
func (s *session) Rerun(state pg.SQLState, body []byte) bool {
	if s.onPrimary || len(s.again) == 0 || s.link.Tx() != wire.TxIdle || s.rest > 0 {
		return false
	}
	if backend.Outdated(body) {
		return false // the client must hear of it wherever it happens
	}
	refused := refusedByStandby(state)
	if refused && s.hinted || !refused && !conflict(state, body) {
		return false
	}
	node := s.node
	link := s.link
	s.dropLink()
	link.Unlink()
	if refused {
		s.w.counters.Refused25006.Add(1)
		s.learn()
		s.excluded = s.w.standbys()
	}
	s.runAgain(node)
	return true
}

// refusedByStandby tells the errors with which a hot standby refuses what a
// primary would do.
func refusedByStandby(state pg.SQLState) bool {
	switch state {
	case pg.ReadOnlySQLTransaction, pg.FeatureNotSupported, pg.ObjectNotInPrerequisiteState, pg.InternalError:
		return true
	}
	return false
}

// conflict tells the errors that another server may not give: recovery
// conflicts and servers that stop or are full.
func conflict(state pg.SQLState, body []byte) bool {
	switch state {
	case pg.SerializationFailure:
		return string(wire.ErrorField(body, 'R')) == "ProcessRecoveryConflictInterrupt" ||
			string(wire.ErrorField(body, 'R')) == "ProcessInterrupts"
	case pg.AdminShutdown, pg.CrashShutdown, pg.CannotConnectNow, pg.TooManyConnections:
		return true
	}
	return false
}

// touchedPrimary and readStandby note what the session has seen, for what
// later reads of its must see.
func (s *session) touchedPrimary() {
	k := &s.facts.Session
	k.DirtySince, k.StickyLife = time.Now(), 0
	s.assign(cluster.NoNode)
}

func (s *session) readStandby() {
	s.assign(s.node)
	now := time.Now()
	if s.sentAt != 0 {
		s.w.measured(s.node, time.Duration(now.UnixNano()-s.sentAt))
		s.sentAt = 0
	}
	k := &s.facts.Session
	k.Sticky, k.StickyLife, k.ReadAt = s.node, s.link.Life, now
}

// failUnit answers the unit at the head of the input, for which a link was
// there but could not be made ready, with an error.
func (s *session) failUnit(err *pg.Error) {
	link := s.link
	s.dropLink()
	link.Unlink()
	s.forgetAgain()
	s.grant = 0
	s.move(phaseIdle)
	u := &s.w.unit
	if _, bad := s.collect(s.in, u); bad != nil {
		s.fatal(bad)
		return
	}
	s.answerError(u, err, s.txStatus())
	s.consumed(s.dropUnit(s.in, u))
	s.w.loop.Defer(s.resume)
}
