package health

import (
	"sync"
	"time"

	"github.com/pgroute/pgroute/internal/cluster"
	"github.com/pgroute/pgroute/internal/pg"
)

// hub brings together those who wait for a fence, the query that learns the
// fence from the primary, and the replay positions of the standbys.
//
// A request moves asking → inflight → waiting → answered, and may be answered
// from anywhere. Callers only append under the lock; the couriers and the
// dispatcher do the rest and hand results out in batches after unlocking.
type hub struct {
	mu     sync.Mutex
	snap   *cluster.Snapshot
	closed bool

	// A request is in exactly one of these lists, or answered.
	asking   []waiter  // join the next fence query
	inflight []waiter  // served by the query under way
	sentAt   time.Time // when that query was sent
	waiting  []waiter  // fence known, not yet replayed
	decided  []reply   // answered at once, to be handed out by the dispatcher

	eligible NodeMask   // standbys that snap allows to be read
	known    []standing // by NodeID
	lastAsk  asked
	turn     uint32
	trial    time.Time // of the last request let through although slow

	armed    time.Time       // the deadline the dispatcher is set to; zero for none
	dispatch chan struct{}   // wakes the dispatcher
	wake     []chan struct{} // wakes the courier of each node

	stats FenceStats
}

// asked is the newest completed fence query.
type asked struct {
	sentAt time.Time
	pos    pg.Position
}

// standing is what is known of one standby's replay in its current life.
type standing struct {
	life   cluster.Life
	replay pg.LSN
	estimate
}

// newHub makes a hub for n nodes.
func newHub(n int) *hub {
	h := &hub{known: make([]standing, n), dispatch: make(chan struct{}, 1)}
	for range n {
		h.wake = append(h.wake, make(chan struct{}, 1))
	}
	return h
}

// signal wakes whoever listens on ch; signals coalesce.
func signal(ch chan struct{}) {
	select {
	case ch <- struct{}{}:
	default:
	}
}

// await takes a request in. Called from event loops: it appends and returns.
func (h *hub) await(req FenceRequest, done func(FenceResult)) {
	now := time.Now()
	w := waiter{req: req, done: done, deadline: now.Add(req.Budget)}
	if w.req.Standbys == 0 {
		w.req.Standbys = ^NodeMask(0)
	}
	if w.req.Since.IsZero() {
		w.req.Since = now
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	h.stats.Requests++
	if r, ok := h.enter(&w, now); ok {
		if h.closed { // nobody dispatches any more
			go deliver([]reply{r})
			return
		}
		h.decided = append(h.decided, r)
		signal(h.dispatch)
		return
	}
	if h.armed.IsZero() || w.deadline.Before(h.armed) {
		h.armed = w.deadline
		signal(h.dispatch)
	}
}

// try answers a request whose fence is known and already satisfied, without
// queueing anything.
func (h *hub) try(req FenceRequest) (FenceResult, bool) {
	if req.Standbys == 0 {
		req.Standbys = ^NodeMask(0)
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.closed || req.Fence.LSN == 0 && !h.reuse(&req) {
		return FenceResult{}, false
	}
	lsn, lineage := h.snap.Resolve(req.Fence)
	w := waiter{req: req, lsn: lsn, lost: lineage == cluster.LineageLost}
	nodes := h.satisfied(&w)
	if lineage == cluster.LineageUnknown || nodes == 0 {
		return FenceResult{}, false
	}
	h.stats.Requests++
	return h.found(&w, nodes, FenceKnown).result, true
}

// replayedOf gives what is known of one node's replay.
func (h *hub) replayedOf(id cluster.NodeID) (cluster.Life, pg.LSN) {
	if id < 0 || int(id) >= len(h.known) {
		return 0, pg.InvalidLSN
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.known[id].life, h.known[id].replay
}

// enter puts a new request where it belongs, or answers it.
func (h *hub) enter(w *waiter, now time.Time) (reply, bool) {
	switch {
	case h.closed:
		return h.none(w, FenceClosed), true
	case w.req.Standbys&h.eligible == 0:
		return h.none(w, FenceNoStandby), true
	case w.req.Fence.LSN != 0 && !h.quiet(w):
		return h.resolve(w, now)
	case w.req.Fence.LSN == 0 && h.reuse(&w.req):
		h.stats.Reused++
		return h.resolve(w, now)
	case h.snap.Primary == cluster.NoNode:
		return h.none(w, FenceNoPrimary), true
	case len(h.inflight) > 0 && h.sentAt.After(w.req.Since):
		h.stats.Shared++
		h.inflight = append(h.inflight, *w)
		return reply{}, false
	}
	// The query under way may have been sent before this session's write was
	// finished: only the next one is certain to cover it.
	h.asking = append(h.asking, *w)
	signal(h.wake[h.snap.Primary])
	return reply{}, false
}

// quiet reports whether a known fence lies in what the primary has not flushed
// and no standby can have, while nothing committed in there when it was last
// probed. The fence was taken at an unknown time, perhaps elsewhere, so it
// cannot simply be lowered: a commit may have been flushed up to it since. A
// query sent now tells.
func (h *hub) quiet(w *waiter) bool {
	p, fence := h.snap.PrimaryNode(), w.req.Fence
	if p == nil || fence.SystemID != h.snap.SystemID || fence.Timeline != h.snap.Timeline ||
		fence.LSN <= p.SafeLSN || fence.LSN > p.InsertLSN {
		return false
	}
	w.lsn = fence.LSN
	return h.satisfied(w) == 0
}

// reuse takes the fence of a query that somebody else had sent after this
// session's last answer from the primary.
func (h *hub) reuse(req *FenceRequest) bool {
	if req.Since.IsZero() || !h.lastAsk.sentAt.After(req.Since) || h.lastAsk.pos.Timeline != h.snap.Timeline {
		return false
	}
	req.Fence = h.lastAsk.pos
	return true
}

// resolve deals with a request whose fence is known: answers it, or lets it
// wait for a standby. It is called again for those who wait whenever the
// topology changes, so it must come to the same end from any state.
func (h *hub) resolve(w *waiter, now time.Time) (reply, bool) {
	lsn, lineage := h.snap.Resolve(w.req.Fence)
	if lineage == cluster.LineageUnknown {
		return h.none(w, FenceIncomparable), true
	}
	w.lsn = lsn
	if lineage == cluster.LineageLost && !w.lost {
		w.lost = true
		w.req.Fence = pg.Position{SystemID: h.snap.SystemID, Timeline: h.snap.Timeline, LSN: lsn}
		h.stats.Lost++
	}
	candidates := w.req.Standbys & h.eligible
	if candidates == 0 {
		return h.none(w, FenceNoStandby), true
	}
	if nodes := h.satisfied(w); nodes != 0 {
		h.credit(nodes, now)
		return h.found(w, nodes, FenceKnown), true
	}
	left := w.deadline.Sub(now)
	switch {
	case left <= 0:
		return h.none(w, FenceBudget), true
	case h.hopeless(candidates, w.req.Budget, now):
		return h.none(w, FenceSlow), true
	}
	h.wait(w, candidates, now)
	return reply{}, false
}

// wait parks a request until a standby has replayed its fence.
func (h *hub) wait(w *waiter, candidates NodeMask, now time.Time) {
	if w.since.IsZero() {
		w.since = now
	}
	h.waiting = append(h.waiting, *w)
	for i := range h.known {
		if candidates.Has(cluster.NodeID(i)) {
			h.known[i].mark(w.lsn, now)
			signal(h.wake[i])
		}
	}
}

// satisfied gives the acceptable standbys that have replayed a fence. Their
// timeline is the accepted one, for they are eligible, so that their LSNs may
// be compared; what an earlier life had replayed does not count.
func (h *hub) satisfied(w *waiter) NodeMask {
	var nodes NodeMask
	for i := range h.known {
		id := cluster.NodeID(i)
		k := &h.known[i]
		if (w.req.Standbys & h.eligible).Has(id) && k.life == h.snap.Nodes[i].Life && k.replay >= w.lsn {
			nodes |= MaskOf(id)
		}
	}
	return nodes
}

// found answers with a standby, a different one each time.
func (h *hub) found(w *waiter, nodes NodeMask, why FenceReason) reply {
	h.turn++
	id := nodes.pick(h.turn)
	h.stats.Results[why]++
	return reply{w.done, FenceResult{
		Fence: w.req.Fence, Node: id, Life: h.snap.Nodes[id].Life, Nodes: nodes, Lost: w.lost, Reason: why,
	}}
}

// none answers with the primary; the fence, where known, is still told, so that
// the session need not ask for it again.
func (h *hub) none(w *waiter, why FenceReason) reply {
	h.stats.Results[why]++
	return reply{w.done, FenceResult{Fence: w.req.Fence, Node: cluster.NoNode, Lost: w.lost, Reason: why}}
}
