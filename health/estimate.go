package health

import (
	"time"

	"github.com/pgroute/pgroute/internal/cluster"
	"github.com/pgroute/pgroute/internal/pg"
)

// estimate is how long a standby usually takes to replay what the primary has
// just inserted: a moving average over marks, one at a time.
type estimate struct {
	mean   time.Duration
	marked bool
	goal   pg.LSN
	since  time.Time
}

const (
	// estimateShare is the weight of a new sample, one in so many.
	estimateShare = 4
	// censored multiplies the time of a mark that was given up: the standby
	// would have taken longer, nobody knows how much.
	censored = 4
	// hopelessFactor is how far the estimate must exceed a budget for a request
	// not to wait at all.
	hopelessFactor = 2
	// trialInterval lets one request wait although it looks hopeless, to learn
	// when the standby is quick again.
	trialInterval = 50 * time.Millisecond
)

// mark starts measuring with a fence that was just learnt.
func (e *estimate) mark(lsn pg.LSN, now time.Time) {
	if !e.marked {
		e.marked, e.goal, e.since = true, lsn, now
	}
}

// reached ends the measurement when the standby has got there.
func (e *estimate) reached(replay pg.LSN, now time.Time) {
	if e.marked && replay >= e.goal {
		e.marked = false
		e.sample(now.Sub(e.since))
	}
}

// giveUp ends the measurement because nobody waits any more.
func (e *estimate) giveUp(now time.Time) {
	if e.marked {
		e.marked = false
		e.sample(max(e.mean, censored*now.Sub(e.since)))
	}
}

func (e *estimate) sample(d time.Duration) { e.mean += (d - e.mean) / estimateShare }

// credit records that standbys needed no waiting at all.
func (h *hub) credit(nodes NodeMask, now time.Time) {
	for i := range h.known {
		if k := &h.known[i]; nodes.Has(cluster.NodeID(i)) {
			k.reached(k.replay, now)
			k.sample(0)
		}
	}
}

// hopeless reports whether every acceptable standby is expected to take far
// longer than the budget. Now and then it lets a request through regardless.
func (h *hub) hopeless(candidates NodeMask, budget time.Duration, now time.Time) bool {
	for i := range h.known {
		if candidates.Has(cluster.NodeID(i)) && h.known[i].mean <= hopelessFactor*budget {
			return false
		}
	}
	if now.Sub(h.trial) >= trialInterval {
		h.trial = now
		return false
	}
	return true
}
