package proxy

import (
	"errors"
	"time"

	"github.com/pgroute/pgroute/backend"
	"github.com/pgroute/pgroute/internal/cluster"
	"github.com/pgroute/pgroute/internal/pg"
	"github.com/pgroute/pgroute/internal/wire"
	"github.com/pgroute/pgroute/router"
)

// lostTx says whether the client believes to be in a transaction whose server
// is gone.
type lostTx uint8

const (
	lostNone       lostTx = iota
	lostUnreported        // the client has not been told
	lostReported          // it has; until it rolls back everything fails
)

// risk notes what a statement about to be sent puts at stake; nil for one
// that is not known.
func (s *session) risk(sc *router.Script) {
	f := flightCommit
	switch {
	case sc == nil:
	case s.link.Tx() != wire.TxIdle && !sc.Transaction:
		f = flightTx
	case sc.Class == router.ClassRead && sc.Retryable():
		f = flightRead
	case sc.Transaction && !commits(sc):
		f = flightTx
	}
	s.flight = max(s.flight, f)
}

// commits reports whether a query string may end a transaction with success,
// or do something outside of one.
func commits(sc *router.Script) bool {
	for i := range sc.Len() {
		switch sc.Statement(i).Verb {
		case router.VerbBegin, router.VerbRollback, router.VerbSavepoint, router.VerbRollbackTo,
			router.VerbRelease, router.VerbSetTransaction:
		default:
			return true
		}
	}
	return false
}

// Lost deals with the loss of the server connection (backend.Frontend). body
// is the server's own last words, if it had any.
func (s *session) Lost(c *backend.Conn, body []byte, err error) {
	if s.phase == phaseClosing || s.link != c {
		return
	}
	s.w.counters.ServersLost.Add(1)
	mid, owed, tx := c.MidMessage(), c.Owed(), c.Tx()
	rerun := s.mayRerun(c, tx)
	pinned, flight, batch := s.state.pins, s.flight, c.InBatch()
	unread := s.state.busy && len(s.state.touched) > 0 && tx == wire.TxIdle
	s.dropLink()
	s.w.monitor.Suspect(c.Key.Node)
	switch {
	case pinned != 0:
		s.fatal(pg.Fatalf(pg.AdminShutdown, "terminating connection: the server that held state of this session (%s) was lost", pinned).
			WithCause(err))
		return
	case unread:
		s.fatal(pg.Fatalf(pg.AdminShutdown, "terminating connection: the server was lost before the session's settings were known").
			WithCause(err))
		return
	case mid:
		s.fatal(pg.Fatalf(pg.ConnectionFailure, "the server was lost in the middle of a result").WithCause(err))
		return
	case rerun:
		s.runAgain(c.Key.Node)
		return
	}
	s.forgetAgain()
	s.grant = 0
	if tx != wire.TxIdle {
		s.lost = lostUnreported
	}
	s.move(phaseIdle)
	s.answerLost(owed, batch, s.lossError(flight, tx, body, err))
	s.w.loop.Defer(s.resume)
}

// mayRerun reports whether everything unanswered can be run elsewhere: reads
// outside a transaction of which nothing was forwarded.
func (s *session) mayRerun(c *backend.Conn, tx byte) bool {
	if tx != wire.TxIdle || c.Answered() || s.rest > 0 {
		return false
	}
	return len(s.again) > 0 && c.NothingForwarded()
}

// dropLink forgets the link. The grant stays: it tells how much of the last
// unit has not been sent.
func (s *session) dropLink() {
	s.w.set.End(s.node)
	s.releaseCatalog()
	s.link, s.flight = nil, flightNone
	s.w.out = s.w.out[:0]
	s.state.busy = false
	s.state.touched = s.state.touched[:0]
	if s.rest > 0 {
		s.drop = true
	}
}

// lossError says what the loss of a server means for what was under way.
func (s *session) lossError(f flight, tx byte, body []byte, err error) *pg.Error {
	what := "the server connection was lost"
	if body != nil {
		e := wire.ServerError(body)
		what = e.Message
	}
	switch {
	case f == flightCommit:
		return pg.Errorf(pg.TransactionResolutionUnknown, "%s before it answered: whether this was carried out is not known", what).
			WithHint("Look for its effects before you repeat it.").WithCause(err)
	case tx != wire.TxIdle || f == flightTx:
		return pg.Errorf(pg.SerializationFailure, "%s: the transaction was rolled back", what).
			WithHint("Run the transaction again; nothing of it was committed.").WithCause(err)
	}
	return pg.Errorf(pg.ConnectionFailure, "%s: the statement did not complete", what).WithCause(err)
}

// answerLost gives each unit that was under way an answer of its own.
func (s *session) answerLost(owed int, batch bool, err *pg.Error) {
	out := s.w.local()
	for range owed {
		out = wire.AppendError(out, err)
		out = wire.AppendReadyForQuery(out, s.lostStatus())
	}
	if batch {
		if owed == 0 {
			out = wire.AppendError(out, err)
			s.lostStatus()
		}
		s.skipping = true
	}
	s.w.counters.failed(err.State, uint64(owed))
	s.send(out)
}

// lostStatus is the transaction status to tell, now that the loss is told.
func (s *session) lostStatus() byte {
	if s.lost != lostNone {
		s.lost = lostReported
	}
	return s.txStatus()
}

// txStatus is the transaction status of a session without a link.
func (s *session) txStatus() byte {
	switch s.lost {
	case lostUnreported:
		return wire.TxOpen
	case lostReported:
		return wire.TxFailed
	}
	return wire.TxIdle
}

// reportLost answers the first unit after an idle transaction was lost: it is
// not run. ROLLBACK is what the client owes anyway.
func (s *session) reportLost(p []byte, u *unit) int {
	s.lost = lostReported
	s.answerError(u, s.lossError(flightTx, wire.TxOpen, nil, errIdleLoss), wire.TxFailed)
	return s.dropUnit(p, u)
}

var errIdleLoss = errors.New("lost while idle in a transaction")

// failTx puts the new link into the state the client is in: a transaction
// that failed. The server itself then refuses everything but its end.
func (s *session) failTx() {
	s.link.Ask("BEGIN; ROLLBACK TO SAVEPOINT pgroute_lost", &failing{s})
}

// failing waits for failTx.
type failing struct{ s *session }

// Row ignores results.
func (*failing) Row([]byte) {}

// Done lets the session go on in its failed transaction.
func (f *failing) Done(c *backend.Conn, _ *pg.Error) {
	s := f.s
	if s.link != c {
		return
	}
	s.state.busy = false
	s.lost = lostNone
	s.w.loop.Defer(s.resume)
}

// keepAgain keeps a unit sent to a standby, so that it can be run elsewhere.
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

// remember notes what to take back of a unit before it is run again.
func (s *session) remember(u backend.Undo) {
	if len(s.again) > 0 {
		s.againUndo = append(s.againUndo, u)
	}
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
// forwarded (backend.Frontend).
func (s *session) Rerun(state pg.SQLState, body []byte) bool {
	if len(s.again) == 0 || s.link.Tx() != wire.TxIdle || s.rest > 0 {
		return false
	}
	refused := refusedByStandby(state)
	if !refused && !conflict(state, body) {
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
}

func (s *session) readStandby() {
	k := &s.facts.Session
	k.Sticky, k.StickyLife, k.ReadAt = s.node, s.link.Life, time.Now()
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
