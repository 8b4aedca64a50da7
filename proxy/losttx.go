package proxy

import (
	"errors"

	"github.com/pgroute/pgroute/backend"
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
	if s.opening.stage == openMoving {
		return wire.TxOpen
	}
	return wire.TxIdle
}

var errIdleLoss = errors.New("lost while idle in a transaction")

// Errors of a transaction that is lost, as PostgreSQL words them for one that
// failed (exec_simple_query and RollbackToSavepoint).
var (
	errAborted     = pg.Errorf(pg.InFailedTransaction, "current transaction is aborted, commands ignored until end of transaction block")
	errNoSavepoint = pg.Errorf(pg.InvalidSavepoint, "savepoint does not exist")
)

// answerLostTx deals with a unit of a client that believes to be in a
// transaction whose server is gone. No server is needed for most: the first
// statement is told of the loss and not run, others are refused until the
// client ends the transaction. What ends it in a form that only a server can
// answer is left to one (failTx).
func (s *session) answerLostTx(p []byte, u *unit) (n int, done bool) {
	verb, alone := s.firstVerb(u)
	unreported := s.lost == lostUnreported
	s.lost = lostReported
	switch {
	case unreported && verb != router.VerbRollback:
		l := &loss{flight: flightTx, tx: wire.TxOpen, words: "the server connection was lost", cause: errIdleLoss}
		if verb == router.VerbCommit || verb == router.VerbPrepareTransaction {
			s.lost = lostNone // it ends by failing
		}
		s.answerError(u, l.error(), s.txStatus())
	case alone && (verb == router.VerbRollback || verb == router.VerbCommit):
		s.lost = lostNone
		out := wire.AppendCommandComplete(s.w.local(), "ROLLBACK")
		s.send(wire.AppendReadyForQuery(out, wire.TxIdle))
	case verb == router.VerbRollback || verb == router.VerbCommit || verb == router.VerbPrepareTransaction:
		return 0, false
	case verb == router.VerbRollbackTo:
		s.answerError(u, errNoSavepoint, s.txStatus())
	default:
		s.answerError(u, errAborted, s.txStatus())
	}
	return s.dropUnit(p, u), true
}

// firstVerb tells what the first statement of a unit does, and whether it is a
// simple Query of that statement and nothing else, a new transaction included.
func (s *session) firstVerb(u *unit) (verb router.Verb, alone bool) {
	if u.text == nil {
		return router.VerbUnknown, false
	}
	sc := s.classify(u.text)
	if sc.Len() == 0 {
		return router.VerbUnknown, false
	}
	st := sc.Statement(0)
	alone = u.end == wire.Query && sc.Len() == 1 && st.Flags&router.FlagChain == 0
	return st.Verb, alone
}

// failTx puts the new link into the state the client is in: a transaction
// that failed. The server itself then refuses everything but its end.
func (s *session) failTx() {
	s.link.Ask("BEGIN; ROLLBACK TO SAVEPOINT pgroute_lost", &then{s, (*session).failedTx})
}

// failedTx lets the session go on in its failed transaction.
func (s *session) failedTx(*backend.Conn, *pg.Error) {
	s.lost = lostNone
	s.w.loop.Defer(s.resume)
}
