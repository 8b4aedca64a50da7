package proxy

import (
	"slices"
	"sync/atomic"

	"github.com/pgroute/pgroute/internal/pg"
	"github.com/pgroute/pgroute/router"
)

// Counters are totals over all sessions since the start. They are read while
// they grow.
type Counters struct {
	Logins, LoginFailures, LoginTimeouts, Refused   atomic.Uint64
	Errors, BadMoves, Panics                        atomic.Uint64
	CancelRequests                                  atomic.Uint64
	QueueTimeouts, Holds, HoldTimeouts, HoldRefused atomic.Uint64
	FenceWaits, Fenced, FenceMissed, LostWrites     atomic.Uint64
	ServersLost, Reruns, Refused25006               atomic.Uint64
	Moved, Misplaced                                atomic.Uint64
	Pins                                            [pinCount]atomic.Uint64
	pinned                                          [pinCount]atomic.Int64
	decisions                                       [actionCount][causeCount]atomic.Uint64
	shadowed                                        [actionCount]atomic.Uint64
	reasons                                         [reasonCount]atomic.Uint64
	states                                          [stateCount]atomic.Uint64
	transactions                                    [txKinds]atomic.Uint64
}

// Sizes of the tables by router's enumerations.
const (
	actionCount = 8
	causeCount  = 64
	reasonCount = 96
	stateCount  = 32 // by place in pg.SQLStates; the last counts all others
)

// decided counts a decision.
func (c *Counters) decided(d router.Decision, u *unit) {
	c.decisions[d.Action%actionCount][d.Cause%causeCount].Add(1)
	c.reasons[u.Reason%reasonCount].Add(1)
	if d.Cause == router.CauseShadow {
		c.shadowed[d.Would%actionCount].Add(1)
	}
}

// followed counts a unit that went where its session was linked already.
func (c *Counters) followed(a router.Action, cause router.Cause) {
	c.decisions[a%actionCount][cause%causeCount].Add(1)
}

// failed counts errors of pgroute's own that clients were sent.
func (c *Counters) failed(state pg.SQLState, n uint64) {
	c.Errors.Add(n)
	at := slices.Index(pg.SQLStates(), state)
	if at < 0 || at >= stateCount {
		at = stateCount - 1
	}
	c.states[at].Add(n)
}

// ErrorsByState gives the errors sent to clients by SQLSTATE; the key "other"
// holds those of servers that pgroute passed on in its own words.
func (c *Counters) ErrorsByState() map[string]uint64 {
	all := map[string]uint64{"other": c.states[stateCount-1].Load()}
	for i, state := range pg.SQLStates() {
		all[string(state)] = c.states[i].Load()
	}
	return all
}

// Decisions gives how often units were given that action for that cause.
func (c *Counters) Decisions(a router.Action, cause router.Cause) uint64 {
	return c.decisions[a%actionCount][cause%causeCount].Load()
}

// Reasons gives how often units had that reason for their class.
func (c *Counters) Reasons(r router.Reason) uint64 { return c.reasons[r%reasonCount].Load() }

// Shadowed gives how often shadow mode kept a unit from that action.
func (c *Counters) Shadowed(a router.Action) uint64 { return c.shadowed[a%actionCount].Load() }

// Pinned gives the number of sessions pinned now for the reason at that place
// of PinNames.
func (c *Counters) Pinned(reason int) int64 { return c.pinned[reason].Load() }

// unpinned counts reasons that are gone.
func (c *Counters) unpinned(p pin) {
	for i := range pinCount {
		if p&(1<<i) != 0 {
			c.pinned[i].Add(-1)
		}
	}
}

// PinNames lists the reasons for pins, in the order of Counters.Pins.
func PinNames() []string { return pinNames[:] }
