package proxy

import (
	"sync/atomic"

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
	Pins                                            [pinCount]atomic.Uint64
	decisions                                       [actionCount][causeCount]atomic.Uint64
	reasons                                         [reasonCount]atomic.Uint64
}

// Sizes of the tables by router's enumerations.
const (
	actionCount = 8
	causeCount  = 64
	reasonCount = 96
)

// decided counts a decision.
func (c *Counters) decided(d router.Decision, u *unit) {
	c.decisions[d.Action%actionCount][d.Cause%causeCount].Add(1)
	c.reasons[u.Reason%reasonCount].Add(1)
}

// Decisions gives how often units were given that action for that cause.
func (c *Counters) Decisions(a router.Action, cause router.Cause) uint64 {
	return c.decisions[a%actionCount][cause%causeCount].Load()
}

// Reasons gives how often units had that reason for their class.
func (c *Counters) Reasons(r router.Reason) uint64 { return c.reasons[r%reasonCount].Load() }

// PinNames lists the reasons for pins, in the order of Counters.Pins.
func PinNames() []string { return pinNames[:] }
