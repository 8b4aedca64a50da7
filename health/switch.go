package health

import (
	"fmt"
	"time"

	"github.com/pgroute/pgroute/internal/cluster"
)

// SwitchState is where the switch from one primary to the next stands.
type SwitchState uint8

// Switch states. Holding: statements for the primary wait. Draining: a primary
// is accepted and what was held is being released.
const (
	SwitchSteady SwitchState = iota
	SwitchHolding
	SwitchDraining
	switchStates
)

var switchNames = [switchStates]string{"steady", "holding", "draining"}

// String gives the label used in metrics and SHOW EVENTS.
func (s SwitchState) String() string { return switchNames[s] }

// SwitchStates lists every value, for metrics that start at zero.
func SwitchStates() []SwitchState {
	return []SwitchState{SwitchSteady, SwitchHolding, SwitchDraining}
}

// HoldEnd is how the hold of one statement ended.
type HoldEnd uint8

// Ends of a hold: all but the first are evictions.
const (
	HoldDrained  HoldEnd = iota // went on, on the accepted primary
	HoldTimeout                 // hold_timeout passed
	HoldRefused                 // writes are refused
	HoldFull                    // too many were held
	HoldGone                    // the client went away
	HoldShutdown                // pgroute stops
	holdEnds
)

var holdNames = [holdEnds]string{"drained", "timeout", "refused", "full", "gone", "shutdown"}

// String gives the label used in metrics.
func (h HoldEnd) String() string { return holdNames[h] }

// HoldEnds lists every value, for metrics that start at zero.
func HoldEnds() []HoldEnd {
	all := make([]HoldEnd, holdEnds)
	for i := range all {
		all[i] = HoldEnd(i)
	}
	return all
}

// switchMachine moves between steady, holding and draining. Two inputs drive
// it: whether writes are open, and how many statements are held. At all times
// began = held + Σ ended, so no held statement is lost or counted twice. It
// starts holding, for no primary is known yet. Not safe for concurrent use.
type switchMachine struct {
	state SwitchState
	since time.Time
	held  int

	began  uint64
	ended  [holdEnds]uint64
	moves  [switchStates]uint64
	reason [reasons]uint64 // why holding began
	// gap is how long the last hold of writes took, from losing the primary
	// to accepting one.
	gap time.Duration
}

// newSwitch starts holding at now.
func newSwitch(now time.Time) *switchMachine {
	return &switchMachine{state: SwitchHolding, since: now}
}

// writes tells whether a primary accepts writes, and why not. It reports
// whether the state moved.
func (s *switchMachine) writes(w cluster.WriteState, r Reason, now time.Time) bool {
	open := w == cluster.WritesOpen
	switch {
	case !open && s.state != SwitchHolding:
		s.reason[r]++
		s.move(SwitchHolding, now)
	case open && s.state == SwitchHolding:
		s.gap = now.Sub(s.since)
		s.move(SwitchDraining, now)
		s.settle(now)
	default:
		return false
	}
	return true
}

// begin counts a statement that is held from now on. One that arrives while
// draining is held too, behind those that wait already.
func (s *switchMachine) begin() {
	s.began++
	s.held++
}

// end counts a statement that is held no more. It reports whether the state
// moved.
func (s *switchMachine) end(how HoldEnd, now time.Time) bool {
	if s.held == 0 {
		panic(fmt.Sprintf("health: hold ended as %v, but none began", how))
	}
	s.held--
	s.ended[how]++
	return s.settle(now)
}

// settle ends draining when nothing is held any more.
func (s *switchMachine) settle(now time.Time) bool {
	if s.state != SwitchDraining || s.held > 0 {
		return false
	}
	s.move(SwitchSteady, now)
	return true
}

func (s *switchMachine) move(to SwitchState, now time.Time) {
	s.state, s.since = to, now
	s.moves[to]++
}
