package proxy

import (
	"github.com/pgroute/pgroute/backend"
	"github.com/pgroute/pgroute/internal/pg"
	"github.com/pgroute/pgroute/internal/wire"
	"github.com/pgroute/pgroute/router"
)

// risk notes what a statement about to be sent puts at stake; nil for one
// that is not known.
func (s *session) risk(sc *router.Script) {
	f, inBlock := flightCommit, s.link.Tx() != wire.TxIdle
	switch {
	case sc == nil:
	case !inBlock && sc.Retryable():
		f = flightRead
	case !commits(sc, inBlock):
		f = flightTx
	}
	s.flight = max(s.flight, f)
	s.ends = s.ends || sc != nil && sc.Transaction && ends(sc)
	if inBlock || s.tx != txNone || sc != nil && sc.Transaction {
		s.watch(sc, inBlock)
	}
}

// commits reports whether a query string may end a transaction with success,
// or do something outside of a block.
func commits(sc *router.Script, inBlock bool) bool {
	for i := range sc.Len() {
		switch st := sc.Statement(i); st.Verb {
		case router.VerbBegin:
			inBlock = true
		case router.VerbRollback:
			inBlock = st.Flags&router.FlagChain != 0
		case router.VerbCommit, router.VerbPrepareTransaction:
			return true
		default:
			if !inBlock {
				return true
			}
		}
	}
	return false
}

// ends reports whether a query string ends the transaction it is sent in,
// even by failing.
func ends(sc *router.Script) bool {
	for i := range sc.Len() {
		switch sc.Statement(i).Verb {
		case router.VerbCommit, router.VerbRollback, router.VerbPrepareTransaction:
			return true
		}
	}
	return false
}

// loss is what was at stake when a server connection was lost.
type loss struct {
	flight flight
	tx     byte // transaction status of the server's last answer
	ends   bool // what was in flight ends the transaction, even by failing
	owed   int  // units that wait for their answer
	batch  bool // an extended batch was begun and not ended
	// rolledBack: the server said it stops before it answered anything, which
	// it does only after it has given up what was under way.
	rolledBack bool
	words      string // the server's last
	cause      error
}

// lossOf takes stock before the link is dropped.
func (s *session) lossOf(c *backend.Conn, body []byte, err error) *loss {
	l := &loss{
		flight: s.flight, tx: c.Tx(), ends: s.ends, owed: c.Owed(), batch: c.InBatch(),
		words: "the server connection was lost", cause: err,
	}
	if body != nil {
		e := wire.ServerError(body)
		l.words = e.Message
		l.rolledBack = e.State == pg.AdminShutdown && s.atomic && c.NothingForwarded()
	}
	return l
}

// Lost deals with the loss of the server connection (backend.Frontend). body
// is the server's own last words, if it had any.
func (s *session) Lost(c *backend.Conn, body []byte, err error) {
	if s.phase == phaseClosing || s.link != c {
		return
	}
	s.w.counters.ServersLost.Add(1)
	l := s.lossOf(c, body, err)
	rerun := s.mayRerun(c, l, body != nil)
	unread := s.state.busy && len(s.state.touched) > 0 && l.tx == wire.TxIdle && s.opening.stage != openMoving
	gone := s.state.goneWith(l.tx)
	s.dropLink()
	s.w.monitor.Suspect(c.Key.Node)
	switch {
	case c.MidMessage():
		s.finish() // whatever was sent now would be taken for the rest of it
	case body != nil && deserved(wire.ErrorState(body), s.state.pins):
		s.send(append(wire.AppendHeader(s.w.local(), wire.ErrorResponse, len(body)), body...))
		s.finish()
	case gone != 0:
		s.fatal(l.fatal("the server that held state of this session (" + gone.String() + ") was lost"))
	case unread:
		s.fatal(l.fatal("the server was lost before the session's settings were known"))
	case rerun:
		s.forgetPins()
		s.runAgain(c.Key.Node)
	default:
		s.forgetPins()
		s.tellLoss(l)
	}
}

// deserved tells the FATAL errors by which a server ends one session for what
// that session did, and not because of what happens to the server. That a
// connection was idle for too long counts only while it was the session's.
func deserved(state pg.SQLState, pinned pin) bool {
	switch state {
	case pg.ProtocolViolation, pg.IdleInTransactionTimeout, pg.TransactionTimeout, pg.DatabaseDropped:
		return true
	case pg.IdleSessionTimeout:
		return pinned != 0
	}
	return false
}

// tellLoss answers what was under way and goes on without the link.
func (s *session) tellLoss(l *loss) {
	s.forgetAgain()
	s.state.parsed(true)
	s.grant = 0
	switch {
	case l.tx == wire.TxOpen && !l.ends:
		s.lost = lostUnreported
	case l.tx == wire.TxFailed && !l.ends:
		s.lost = lostReported // the client knows that it failed
	}
	s.move(phaseIdle)
	s.answerLost(l)
	s.w.loop.Defer(s.resume)
}

// dropLink forgets the link. The grant stays: it tells how much of the last
// unit has not been sent.
func (s *session) dropLink() {
	s.w.set.End(s.node)
	s.releaseCatalog()
	s.link, s.flight, s.ends, s.tx = nil, flightNone, false, txNone
	s.w.out = s.w.out[:0]
	s.state.busy = false
	if s.opening.stage != openMoving {
		s.opening.reset()
		s.state.touched = s.state.touched[:0]
	}
	if s.rest > 0 {
		s.drop = true
	}
}

// error says what the loss means for what was under way.
func (l *loss) error() *pg.Error {
	switch {
	case l.flight == flightCommit && !l.rolledBack:
		return pg.Errorf(pg.TransactionResolutionUnknown, "%s before it answered: whether this was carried out is not known", l.words).
			WithHint("Look for its effects before you repeat it.").WithCause(l.cause)
	case l.tx != wire.TxIdle || l.flight >= flightTx:
		return pg.Errorf(pg.SerializationFailure, "%s: the transaction was rolled back", l.words).
			WithHint("Run the transaction again; nothing of it was committed.").WithCause(l.cause)
	}
	return pg.Errorf(pg.ConnectionFailure, "%s: the statement did not complete", l.words).WithCause(l.cause)
}

// fatal is the error of a session that cannot go on. Nothing but its state was
// lost when nothing was under way.
func (l *loss) fatal(why string) *pg.Error {
	e := l.error()
	if l.flight == flightNone && l.tx == wire.TxIdle {
		e = pg.Errorf(pg.AdminShutdown, "%s", l.words).WithCause(l.cause)
	}
	e.Message = "terminating connection: " + why + "; " + e.Message
	return e
}

// answerLost gives each unit that was under way an answer of its own.
func (s *session) answerLost(l *loss) {
	err := l.error()
	out := s.w.local()
	for range l.owed {
		out = wire.AppendError(out, err)
		out = wire.AppendReadyForQuery(out, s.lostStatus())
	}
	if l.batch { // its Sync, which is still to come, has its ReadyForQuery
		out = wire.AppendError(out, err)
		s.lostStatus()
		s.skipping = true
	}
	s.w.counters.failed(err.State, uint64(l.owed))
	s.send(out)
}
