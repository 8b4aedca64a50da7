package router

import (
	"time"

	"github.com/pgroute/pgroute/internal/cluster"
	"github.com/pgroute/pgroute/internal/pg"
)

// query is one decision about a read under way: what a standby must satisfy,
// and which ones do.
type query struct {
	f    *Facts
	v    *View
	wish *Wish
	now  time.Time
	// cause is given when a standby takes it.
	cause Cause
	// mayFallBack: the unit is a read, so the primary may take it.
	mayFallBack bool

	// A standby must have replayed fence; when ask is set the fence is not
	// known, and askCause says why.
	fence    pg.LSN
	ask      bool
	askCause Cause
	// reached has replayed reachedLSN at least, whatever the snapshot says.
	reached    cluster.NodeID
	reachedLSN pg.LSN

	// A standby other than sticky must have replayed moveFence; when
	// moveUnknown is set, no position is known that would do.
	sticky      cluster.NodeID
	moveFence   pg.LSN
	moveUnknown bool

	shared   bool    // Facts.Shared is what is known, not Facts.Session
	eligible NodeSet // readable at all
	ready    NodeSet // and fresh enough, as far as the snapshot knows
	stale    bool    // an eligible one is out only by max_staleness
	moved    bool    // an eligible one is out by moveFence
}

// learn works out what a standby must have replayed, from the consistency
// level and the knowledge it refers to.
func (q *query) learn() {
	q.sticky, q.reached = cluster.NoNode, cluster.NoNode
	if q.wish.MinLSN.LSN != pg.InvalidLSN {
		q.demand(q.wish.MinLSN)
	}
	k := &q.f.Session
	switch q.wish.Consistency {
	case ConsistencyEventual:
		return
	case ConsistencyStrong:
		q.askFor(CauseFenceStrong)
		return
	case ConsistencyProxy:
		if q.f.Shared != nil {
			k, q.shared = q.f.Shared, true
		}
	}
	q.learnFence(k)
	q.learnSticky(k)
}

// askFor notes that only a fence asked of the primary from now on will do.
func (q *query) askFor(cause Cause) {
	if !q.ask {
		q.ask, q.askCause = true, cause
	}
}

// demand adds a position that must have been replayed, as far as it belongs to
// the accepted history. Of one that cannot be compared, all that may have
// survived is behind every position of the accepted primary.
func (q *query) demand(p pg.Position) {
	if lsn, l := q.v.Snap.Resolve(p); l != cluster.LineageUnknown {
		q.fence = max(q.fence, lsn)
		return
	}
	if n := q.sampledPrimary(); n != nil {
		q.fence = max(q.fence, n.SafeLSN)
		return
	}
	q.askFor(CauseFenceUnknown)
}

// sampledPrimary gives the accepted primary if it is known which position
// covers all commits.
func (q *query) sampledPrimary() *cluster.Node {
	n := q.v.Snap.PrimaryNode()
	if n == nil || n.SafeLSN == pg.InvalidLSN || n.Timeline != q.v.Snap.Timeline {
		return nil
	}
	return n
}

// learnFence is read-your-writes. A probe of the primary sent after the
// session's last answer from there is as good as a fence of its own.
func (q *query) learnFence(k *Knowledge) {
	if k.DirtySince.IsZero() {
		if k.Fence.LSN != pg.InvalidLSN {
			q.demand(k.Fence)
			q.learnReached(k)
		}
		return
	}
	if n := q.sampledPrimary(); n != nil && n.SampledAt.After(k.DirtySince) {
		q.fence = max(q.fence, n.SafeLSN)
		return
	}
	q.askFor(CauseFenceUnknown)
}

// learnReached notes the standby that the session's fence was waited for at.
// Until the next probe the snapshot shows an older position of it, by which
// the session would have to wait again with each read.
func (q *query) learnReached(k *Knowledge) {
	n := q.v.Snap.Node(k.Reached)
	if k.ReachedLife == 0 || n == nil || n.Life != k.ReachedLife {
		return
	}
	if lsn, l := q.v.Snap.Resolve(k.Fence); l != cluster.LineageUnknown {
		q.reached, q.reachedLSN = k.Reached, lsn
	}
}

// replayed is what a standby is known to have replayed.
func (q *query) replayed(n *cluster.Node) pg.LSN {
	if n.ID == q.reached {
		return max(n.ReplayLSN, q.reachedLSN)
	}
	return n.ReplayLSN
}

// learnSticky is monotonic reads. What the last read saw on its standby is
// bounded by a position sampled after it: the standby's own ReplayBound, in
// the same life, or the primary's safe position, which covers every commit
// that a standby can have shown by then. A commit is visible before the replay
// position passes it, so the replay position is no such bound.
func (q *query) learnSticky(k *Knowledge) {
	if k.StickyLife == 0 {
		return
	}
	q.moveUnknown = true
	a := q.v.Snap.Node(k.Sticky)
	if a != nil && a.Life == k.StickyLife {
		q.sticky = k.Sticky
		if a.ReplayBound != pg.InvalidLSN && a.Timeline == q.v.Snap.Timeline && a.SampledAt.After(k.ReadAt) {
			q.moveFence, q.moveUnknown = a.ReplayBound, false
		}
	}
	p := q.sampledPrimary()
	if p != nil && p.SampledAt.After(k.ReadAt) && (q.moveUnknown || p.SafeLSN < q.moveFence) {
		q.moveFence, q.moveUnknown = p.SafeLSN, false
	}
}

// verdict says what stands between a node and a read.
type verdict uint8

const (
	verdictReady    verdict = iota
	verdictExcluded         // not readable: Node.Exclusion, or no weight
	verdictStale            // beyond max_staleness
	verdictAsk              // the fence is not known
	verdictBehind           // has not replayed the fence
	verdictMoved            // may not have replayed what the last read saw
)

// judge says what stands between an eligible standby and this read.
func (q *query) judge(n *cluster.Node) verdict {
	switch {
	case q.ask:
		return verdictAsk
	case q.replayed(n) < q.fence:
		return verdictBehind
	case q.wish.HasStaleness && staleness(n, q.now) > q.wish.MaxStaleness:
		return verdictStale
	case n.ID == q.sticky:
		return verdictReady
	case q.moveUnknown || q.replayed(n) < q.moveFence:
		return verdictMoved
	}
	return verdictReady
}

// neverFresh is the staleness of a standby of which nothing is known.
const neverFresh = time.Duration(1<<63 - 1)

// staleness bounds how old the data of a standby are now.
func staleness(n *cluster.Node, now time.Time) time.Duration {
	if n.FreshAt.IsZero() {
		return neverFresh
	}
	return max(0, now.Sub(n.FreshAt))
}

// judgeAll sorts all nodes.
func (q *query) judgeAll() {
	nodes := q.v.Snap.Nodes
	for i := range nodes {
		if readable(&nodes[i]) {
			q.sort(&nodes[i])
		}
	}
}

// sort puts a readable node into the sets.
func (q *query) sort(n *cluster.Node) {
	q.eligible = q.eligible.With(n.ID)
	switch q.judge(n) {
	case verdictReady:
		q.ready = q.ready.With(n.ID)
	case verdictStale:
		q.stale = true
	case verdictMoved:
		q.moved = true
	case verdictBehind:
		// Who waits there for the fence must not go back by going there.
		q.moved = q.moved || q.moveUnknown && n.ID != q.sticky
	}
}

// readable reports whether a standby takes reads at all.
func readable(n *cluster.Node) bool {
	return n.Exclusion == cluster.Eligible && n.Role == cluster.RoleStandby && n.Weight > 0
}

// wait is the decision to let a standby catch up. The fence is asked for when
// no known position would do.
func (q *query) wait(otherwise Decision) Decision {
	s := q.v.Snap
	d := Decision{
		covers: q.wish.Consistency != ConsistencyEventual,
		Action: ActionFence, Cause: CauseFenceAhead, Node: cluster.NoNode, Standbys: q.eligible,
		Otherwise: otherwise.Action, OtherwiseNode: otherwise.Node, OtherwiseLife: otherwise.Life,
		shared: q.shared,
	}
	switch {
	case q.ask:
		d.Cause = q.askCause
		return d
	case q.stale:
		d.Cause = CauseFenceStale
		return d
	case q.moved && q.moveUnknown:
		d.Cause = CauseFenceMonotonic
		return d
	case q.moved:
		d.Cause = CauseFenceMonotonic
	}
	d.Fence = pg.Position{SystemID: s.SystemID, Timeline: s.Timeline, LSN: max(q.fence, q.moveFence)}
	return d
}
