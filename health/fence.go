package health

import (
	"math/bits"
	"time"

	"github.com/pgroute/pgroute/internal/cluster"
	"github.com/pgroute/pgroute/internal/pg"
)

// NodeMask is a set of nodes, bit n for NodeID n. The zero mask in a request
// means all nodes.
type NodeMask uint64

// MaskOf makes a set.
func MaskOf(ids ...cluster.NodeID) NodeMask {
	var m NodeMask
	for _, id := range ids {
		m |= 1 << uint(id)
	}
	return m
}

// Has reports whether a node is in the set.
func (m NodeMask) Has(id cluster.NodeID) bool { return id >= 0 && m>>uint(id)&1 == 1 }

// pick takes the member number turn, counted round and round.
func (m NodeMask) pick(turn uint32) cluster.NodeID {
	if m == 0 {
		return cluster.NoNode
	}
	for skip := int(turn) % bits.OnesCount64(uint64(m)); skip > 0; skip-- {
		m &= m - 1
	}
	return cluster.NodeID(bits.TrailingZeros64(uint64(m)))
}

// FenceReason says how a fence request ended. The first two name a standby.
type FenceReason uint8

// Fence reasons.
const (
	FenceKnown        FenceReason = iota // a standby was already known to be past the fence
	FenceReached                         // a standby reached it while we waited
	FenceBudget                          // none reached it within the budget
	FenceSlow                            // waiting would take far longer than the budget
	FenceNoStandby                       // no eligible standby among the acceptable ones
	FenceNoPrimary                       // no primary to ask for the fence
	FenceAskFailed                       // the primary did not answer
	FenceIncomparable                    // the fence is not on the accepted history
	FenceClosed                          // the monitor has stopped
	fenceReasons
)

var fenceNames = [fenceReasons]string{
	"known", "reached", "budget", "slow", "no_standby", "no_primary", "ask_failed", "incomparable", "closed",
}

// String gives the label used in metrics and explanations.
func (r FenceReason) String() string {
	if r < fenceReasons {
		return fenceNames[r]
	}
	return "unknown"
}

// FenceReasons lists every value, for metrics that start at zero.
func FenceReasons() []FenceReason {
	all := make([]FenceReason, fenceReasons)
	for i := range all {
		all[i] = FenceReason(i)
	}
	return all
}

// FenceRequest asks for a standby that has replayed what a session wrote.
type FenceRequest struct {
	// Fence is what must be replayed. Zero: the primary's insert LSN, asked in
	// a query sent after Since.
	Fence pg.Position
	// Since is a moment after the session's last answer from the primary was
	// received, read with time.Now() after that (a time taken earlier in the
	// same loop iteration is too early and unsafe). A fence query that was sent
	// later, even for somebody else, serves this request too. Zero: now.
	Since time.Time
	// Budget is how long the whole request may take.
	Budget time.Duration
	// Standbys are the acceptable nodes; 0 for all.
	Standbys NodeMask
}

// FenceResult is the answer. Fence is the position that was waited for, to be
// kept by the session; zero when it could not be learnt.
type FenceResult struct {
	Fence pg.Position
	// Node is a standby that has replayed Fence in its life Life; NoNode means
	// go to the primary. Nodes are all such standbys among the acceptable ones.
	Node  cluster.NodeID
	Life  cluster.Life
	Nodes NodeMask
	// Lost tells that Fence was moved back to the switch LSN, because what lay
	// beyond it was lost in a switch.
	Lost   bool
	Reason FenceReason
}

// waiter is one request on its way through the hub.
type waiter struct {
	req      FenceRequest
	done     func(FenceResult)
	deadline time.Time
	lsn      pg.LSN // req.Fence on the accepted timeline
	lost     bool
	since    time.Time // of waiting for lsn; whatever it covers was acknowledged before
}

// reply is a result that is to be handed out once the lock is released.
type reply struct {
	done   func(FenceResult)
	result FenceResult
}

// deliver hands results out.
func deliver(replies []reply) {
	for _, r := range replies {
		r.done(r.result)
	}
}
