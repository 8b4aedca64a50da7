package router

import (
	"time"

	"github.com/pgroute/pgroute/internal/cluster"
)

// Bounds of the choice.
const (
	// maxBehindReads is how many reads in a row may skip a slow fence, so
	// that a session is not kept on the primary by its own reads.
	maxBehindReads = 8
	// shareUnit is the share of a standby of weight 1; ramps and slow nodes
	// take fractions of it.
	shareUnit = 1 << 10
	// A standby is slow when its latency is slowFactor times the best one's
	// and at least slowFloor above it.
	slowFactor = 3
	slowFloor  = 2 * time.Millisecond
	// A session leaves a standby, at the price of a fence, when that has
	// rebalanceFloor units outstanding and rebalanceFactor times as much as
	// another; one read in rebalanceEvery looks.
	rebalanceFloor  = 4
	rebalanceFactor = 2
	rebalanceEvery  = 16
	maxWeight       = 1 << 12
)

// Choose takes one node of a set that is not empty by zone, weight and load,
// for who knows by other means that every one of them will do.
func Choose(v *View, set NodeSet, rnd uint32, now time.Time) cluster.NodeID {
	q := query{v: v, now: now}
	return q.pick(q.preferred(set), rnd)
}

// choose takes one of the ready standbys, or decides what to wait for.
func (q *query) choose(d *Decision, rnd uint32) {
	if q.ready == 0 {
		*d = q.withoutReady()
		return
	}
	set := q.ready
	if q.v.Policy.PrimaryReads == PrimaryAlways && q.cause != CauseAskedStandby && q.cause != CauseAskedNode {
		set = q.addPrimary(set)
	}
	n := q.v.Snap.Node(q.pick(q.preferred(set), rnd))
	d.Action, d.Cause, d.Node, d.Life = ActionStandby, q.cause, n.ID, n.Life
	switch {
	case n.ID == q.v.Snap.Primary:
		d.Action, d.Cause = ActionPrimary, CauseReadOnPrimary
	case n.ID == q.sticky && q.cause == CauseRead:
		d.Cause = CauseReadSticky
		if q.shouldLeave(rnd) {
			*d = q.leave(*d)
		}
	}
}

// withoutReady decides when no standby is known to be fresh enough.
func (q *query) withoutReady() Decision {
	otherwise := q.withoutStandby()
	if q.eligible == 0 {
		return otherwise
	}
	mustAsk := q.ask || q.stale || q.moved && q.moveUnknown
	if mustAsk && q.v.Snap.PrimaryNode() == nil {
		return otherwise // nobody can tell the fence
	}
	if otherwise.Action == ActionPrimary && q.tooSlow() {
		otherwise.Cause = CauseFenceSlow
		return otherwise
	}
	return q.wait(otherwise)
}

// tooSlow reports whether waiting is expected to be in vain. Who asked for a
// standby or a node waits all the same.
func (q *query) tooSlow() bool {
	asked := q.cause == CauseAskedStandby || q.cause == CauseAskedNode
	return !asked && q.v.CatchUp > q.v.Policy.FenceWait && q.f.BehindReads < maxBehindReads
}

// withoutStandby decides when no standby can take the unit. What is not a
// read was asked to go to a standby in so many words: it never slips to the
// primary, where it might write.
func (q *query) withoutStandby() Decision {
	if !q.mayFallBack || q.v.Policy.PrimaryReads == PrimaryNever {
		return Decision{Action: ActionHold, Cause: CauseNoStandby, Node: cluster.NoNode}
	}
	return toPrimary(q.v, CauseNoStandby)
}

// addPrimary lets the primary take part in the choice.
func (q *query) addPrimary(set NodeSet) NodeSet {
	p := q.v.Snap.PrimaryNode()
	if p == nil || q.v.Snap.Writes != cluster.WritesOpen || p.Weight <= 0 {
		return set
	}
	return set.With(p.ID)
}

// preferred narrows the set to the preferred zone when that has any.
func (q *query) preferred(set NodeSet) NodeSet {
	zone := q.v.Policy.Prefer
	if zone == "" {
		return set
	}
	var in NodeSet
	nodes := q.v.Snap.Nodes
	for i := range nodes {
		if set.Has(nodes[i].ID) && nodes[i].Zone == zone {
			in = in.With(nodes[i].ID)
		}
	}
	if in == 0 {
		return set
	}
	return in
}

// shares are the claims of the candidates of one choice, by NodeID.
type shares [MaxNodes]uint32

// pick draws two different nodes by their shares and takes the one that would
// have less outstanding work for its share with the unit; the first drawn when
// they are equal or idle. Without the unit an idle node would always be the
// better one, however small its share.
func (q *query) pick(set NodeSet, rnd uint32) cluster.NodeID {
	if set&(set-1) == 0 {
		return set.first()
	}
	var of shares
	var total uint64
	best := q.leastLatency(set)
	for s := set; s != 0; s &= s - 1 {
		id := s.first()
		of[id&(MaxNodes-1)] = uint32(q.share(id, best))
		total += uint64(of[id&(MaxNodes-1)])
	}
	a := of.draw(set, total, rnd&0xFFFF)
	b := of.draw(set.Without(a), total-uint64(of[a]), rnd>>16)
	workA, workB := q.outstanding(a), q.outstanding(b)
	if workA+workB > 0 && (workB+1)*uint64(of[a]) < (workA+1)*uint64(of[b]) {
		return b
	}
	return a
}

// draw picks one node of the set with a probability in proportion to its
// share of the total; r is a random number of 16 bits.
func (of *shares) draw(set NodeSet, total uint64, r uint32) cluster.NodeID {
	at := total * uint64(r) >> 16
	for s := set; ; s &= s - 1 {
		id := s.first()
		if s&(s-1) == 0 {
			return id
		}
		share := uint64(of[id&(MaxNodes-1)])
		if at < share {
			return id
		}
		at -= share
	}
}

// share is a node's claim on reads: its weight, less while it warms up after
// an absence and while it is much slower than the best. It is never zero, so
// that a node which recovers is noticed.
func (q *query) share(id cluster.NodeID, best time.Duration) uint64 {
	share := shareUnit * uint64(min(max(1, q.v.Snap.Nodes[id].Weight), maxWeight))
	load := q.load(id)
	if load == nil {
		return share
	}
	if w := q.v.Policy.WarmUp; w > 0 && !load.ReadableSince.IsZero() {
		if age := q.now.Sub(load.ReadableSince); age < w {
			share = share * uint64(max(age, w/16)) / uint64(w)
		}
	}
	if slow(load.Latency, best) {
		share = share * uint64(best) / uint64(load.Latency)
	}
	return max(1, share)
}

// slow reports whether a latency is far from the best.
func slow(latency, best time.Duration) bool {
	return best > 0 && latency > slowFactor*best && latency > best+slowFloor
}

// leastLatency is the shortest known latency in the set, zero when unknown.
func (q *query) leastLatency(set NodeSet) time.Duration {
	var best time.Duration
	for s := set; s != 0; s &= s - 1 {
		l := q.load(s.first())
		if l != nil && l.Latency > 0 && (best == 0 || l.Latency < best) {
			best = l.Latency
		}
	}
	return best
}

// load gives what is known of a node's load, nil when nothing is.
func (q *query) load(id cluster.NodeID) *NodeLoad {
	if int(id) >= len(q.v.Load) {
		return nil
	}
	return &q.v.Load[id]
}

// outstanding is a node's unanswered work.
func (q *query) outstanding(id cluster.NodeID) uint64 {
	if l := q.load(id); l != nil && l.Outstanding > 0 {
		return uint64(l.Outstanding)
	}
	return 0
}

// shouldLeave reports whether a session that no other standby is ready for
// should pay a fence to leave its own, for one with much less to do or in the
// preferred zone. Few reads look, so that sessions leave one by one.
func (q *query) shouldLeave(rnd uint32) bool {
	if rnd%rebalanceEvery != 0 || q.ready != NodeSet(0).With(q.sticky) || q.v.Snap.PrimaryNode() == nil {
		return false
	}
	others := q.preferred(q.eligible)
	if !others.Has(q.sticky) {
		return true
	}
	best := q.leastLatency(q.eligible)
	mine := q.outstanding(q.sticky)
	for s := others.Without(q.sticky); s != 0 && mine >= rebalanceFloor; s &= s - 1 {
		id := s.first()
		if q.outstanding(id)*q.share(q.sticky, best)*rebalanceFactor < mine*q.share(id, best) {
			return true
		}
	}
	return false
}

// leave turns the decision to stay into a fence that lets the session move;
// it stays if the others do not get there in time.
func (q *query) leave(stay Decision) Decision {
	return Decision{
		Action: ActionFence, Cause: CauseFenceRebalance, Node: cluster.NoNode,
		Standbys:  q.preferred(q.eligible).Without(stay.Node),
		Otherwise: stay.Action, OtherwiseNode: stay.Node, OtherwiseLife: stay.Life,
		shared: q.shared,
	}
}
