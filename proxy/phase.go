package proxy

import "fmt"

// phase is what a session is doing. Facts that do not exclude each other
// (transaction status, pins, unanswered requests) are kept elsewhere.
type phase uint8

const (
	phaseStartup phase = iota // until the first ReadyForQuery
	phaseIdle                 // no server connection, nothing unanswered
	phaseWaiting              // for a server connection or a fence
	phaseHeld                 // until a snapshot offers a node
	phaseLinked               // a server connection serves the session
	phaseClosing              // nothing more is read; the end is near
	phases
)

var phaseNames = [phases]string{"startup", "idle", "waiting", "held", "linked", "closing"}

// String gives the label used in metrics.
func (p phase) String() string { return phaseNames[p] }

// moves lists what may follow each phase.
var moves = [phases]uint8{
	phaseStartup: 1<<phaseIdle | 1<<phaseClosing,
	phaseIdle:    1<<phaseWaiting | 1<<phaseHeld | 1<<phaseLinked | 1<<phaseClosing,
	phaseWaiting: 1<<phaseIdle | 1<<phaseHeld | 1<<phaseLinked | 1<<phaseWaiting | 1<<phaseClosing,
	phaseHeld:    1<<phaseIdle | 1<<phaseWaiting | 1<<phaseLinked | 1<<phaseClosing,
	phaseLinked:  1<<phaseIdle | 1<<phaseClosing,
	phaseClosing: 0,
}

// badMove is the panic of a session that breaks the table; it ends that
// session only.
type badMove struct{ from, to phase }

// Error says which move was tried.
func (b badMove) Error() string { return fmt.Sprintf("session moved from %s to %s", b.from, b.to) }

// move is the only function that changes a session's phase.
func (s *session) move(to phase) {
	if moves[s.phase]&(1<<to) == 0 {
		s.w.counters.BadMoves.Add(1)
		panic(badMove{s.phase, to})
	}
	s.w.inPhase[s.phase].Add(-1)
	s.w.inPhase[to].Add(1)
	s.phase = to
}
