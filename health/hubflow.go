package health

import (
	"context"
	"time"

	"github.com/pgroute/pgroute/internal/cluster"
	"github.com/pgroute/pgroute/internal/pg"
)

// job is what a courier should do next.
type job uint8

const (
	jobRest job = iota
	jobConnect
	jobAsk
	jobPoll
)

// publish takes a new snapshot in and answers the requests it decides.
func (h *hub) publish(s *cluster.Snapshot, now time.Time) {
	h.mu.Lock()
	old := h.snap
	h.snap, h.eligible = s, 0
	for i := range s.Nodes {
		n := &s.Nodes[i]
		if n.Exclusion == cluster.Eligible && n.Role == cluster.RoleStandby && n.Weight > 0 {
			h.eligible |= MaskOf(n.ID)
		}
		h.noteReplay(n.ID, n.Life, n.ReplayLSN, now)
	}
	h.relax()
	var replies []reply
	// Most snapshots only bring newer positions; those may satisfy somebody,
	// but cannot make a wait pointless.
	if old == nil || moved(old, s) {
		replies = h.reconsider(now)
		for _, ch := range h.wake {
			signal(ch)
		}
	} else {
		replies = h.release(now)
	}
	h.mu.Unlock()
	deliver(replies)
}

// relax lowers the fences of those who wait to the primary's SafeLSN, if that
// was sampled after they had come: it covers all that was acknowledged by then.
func (h *hub) relax() {
	p := h.snap.PrimaryNode()
	if p == nil || p.SafeLSN == pg.InvalidLSN || p.Timeline != h.snap.Timeline {
		return
	}
	for i := range h.waiting {
		w := &h.waiting[i]
		if w.req.Fence.Timeline == p.Timeline && w.lsn > p.SafeLSN && p.SampledAt.After(w.since) {
			w.lsn, w.req.Fence.LSN = p.SafeLSN, p.SafeLSN
		}
	}
}

// moved reports whether anything changed that a waiting request depends on.
func moved(a, b *cluster.Snapshot) bool {
	if a.Primary != b.Primary || a.Timeline != b.Timeline {
		return true
	}
	for i := range a.Nodes {
		if a.Nodes[i].Exclusion != b.Nodes[i].Exclusion || a.Nodes[i].Life != b.Nodes[i].Life {
			return true
		}
	}
	return false
}

// reconsider judges all requests anew under a changed topology.
func (h *hub) reconsider(now time.Time) []reply {
	var replies []reply
	waiting := h.waiting
	h.waiting = nil
	for i := range waiting {
		if r, ok := h.resolve(&waiting[i], now); ok {
			replies = append(replies, r)
		}
	}
	// Whoever asks while no primary is known cannot learn a fence. Those in
	// flight are answered by the courier, whose query fails by itself.
	if h.snap.Primary == cluster.NoNode {
		for i := range h.asking {
			replies = h.unasked(&h.asking[i], FenceNoPrimary, replies, now)
		}
		clear(h.asking)
		h.asking = h.asking[:0]
	}
	return replies
}

// job tells the courier of one node what to do; life is that of its link.
func (h *hub) job(id cluster.NodeID, life cluster.Life, now time.Time) job {
	h.mu.Lock()
	defer h.mu.Unlock()
	n := h.snap.Node(id)
	primary := h.snap.Primary == id
	switch {
	case n == nil || !n.Up || !primary && n.Role != cluster.RoleStandby:
		return jobRest // a deposed node is not asked anything
	case n.Life != life:
		return jobConnect // also while nobody waits, to be ready
	case primary && len(h.asking) > 0:
		return jobAsk
	case h.wanted(id):
		return jobPoll
	}
	// Nobody waits any more, so nobody will see when the mark is reached.
	h.known[id].giveUp(now)
	return jobRest
}

// wanted reports whether a request waits for a standby to catch up.
func (h *hub) wanted(id cluster.NodeID) bool {
	if !h.eligible.Has(id) {
		return false
	}
	for i := range h.waiting {
		if h.waiting[i].req.Standbys.Has(id) {
			return true
		}
	}
	return false
}

// query is a fence query about to be sent.
type query struct {
	pos     pg.Position // all but the LSN
	segment uint64
}

// startAsk takes all who ask into the query that the primary's courier sends
// next, unless the primary has moved meanwhile. The position it will learn is
// on the accepted timeline: within one life a writable node has only one.
func (h *hub) startAsk(id cluster.NodeID, life cluster.Life, now time.Time) (query, bool) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.snap.Primary != id || h.snap.Nodes[id].Life != life {
		return query{}, false
	}
	h.asking, h.inflight = h.inflight[:0], h.asking
	h.sentAt = now
	h.stats.Queries++
	return query{pg.Position{SystemID: h.snap.SystemID, Timeline: h.snap.Timeline}, h.snap.SegmentSize}, true
}

// answered takes the fence query's outcome in; a zero LSN means it failed.
func (h *hub) answered(pos pg.Position, now time.Time) {
	h.mu.Lock()
	var replies []reply
	if pos.LSN != 0 {
		h.lastAsk = asked{h.sentAt, pos}
	}
	for i := range h.inflight {
		w := &h.inflight[i]
		if pos.LSN == 0 {
			replies = h.unasked(w, FenceAskFailed, replies, now)
			continue
		}
		if w.req.Fence.LSN == 0 || w.req.Fence.Timeline != pos.Timeline || pos.LSN < w.req.Fence.LSN {
			w.req.Fence = pos // a known fence is only ever lowered
		}
		if r, ok := h.resolve(w, now); ok {
			replies = append(replies, r)
		}
	}
	clear(h.inflight)
	h.inflight = h.inflight[:0]
	h.mu.Unlock()
	deliver(replies)
}

// unasked ends the question of one request without an answer. A fence that was
// known before stays as it was.
func (h *hub) unasked(w *waiter, why FenceReason, replies []reply, now time.Time) []reply {
	if w.req.Fence.LSN == 0 {
		return append(replies, h.none(w, why))
	}
	if r, ok := h.resolve(w, now); ok {
		replies = append(replies, r)
	}
	return replies
}

// replayed takes a standby's replay LSN in and answers those it satisfies.
func (h *hub) replayed(id cluster.NodeID, life cluster.Life, lsn pg.LSN, now time.Time) {
	h.mu.Lock()
	h.stats.Polls++
	h.noteReplay(id, life, lsn, now)
	replies := h.release(now)
	h.mu.Unlock()
	deliver(replies)
}

// noteReplay remembers a replay LSN. Within a life it never goes back; a new
// life starts from nothing.
func (h *hub) noteReplay(id cluster.NodeID, life cluster.Life, lsn pg.LSN, now time.Time) {
	k := &h.known[id]
	switch {
	case life < k.life || life == 0:
		return // an answer from before the connection broke
	case life > k.life:
		k.life, k.replay = life, lsn
	default:
		k.replay = max(k.replay, lsn)
	}
	k.reached(k.replay, now)
}

// release answers the waiting requests that a standby satisfies by now.
func (h *hub) release(now time.Time) []reply {
	var replies []reply
	kept := h.waiting[:0]
	for i := range h.waiting {
		w := &h.waiting[i]
		if nodes := h.satisfied(w); nodes != 0 {
			replies = append(replies, h.found(w, nodes, FenceReached))
			continue
		}
		kept = append(kept, *w)
	}
	clear(h.waiting[len(kept):]) // lets go of the callbacks
	h.waiting = kept
	return replies
}

// runDispatch hands out what was decided at once and expires what waited too
// long, until ctx ends; then everything left is answered.
func (h *hub) runDispatch(ctx context.Context) {
	timer := time.NewTimer(time.Hour)
	defer timer.Stop()
	for {
		select {
		case <-ctx.Done():
			h.close()
			return
		case <-h.dispatch:
		case <-timer.C:
		}
		if next := h.expire(time.Now()); !next.IsZero() {
			timer.Reset(time.Until(next))
		}
	}
}

// expire answers the requests whose budget is used up and gives the next
// deadline, zero when none is left.
func (h *hub) expire(now time.Time) time.Time {
	h.mu.Lock()
	replies := h.decided
	h.decided = nil
	h.armed = time.Time{}
	for _, list := range []*[]waiter{&h.asking, &h.inflight, &h.waiting} {
		replies = h.expireList(list, now, replies)
	}
	next := h.armed
	h.mu.Unlock()
	deliver(replies)
	return next
}

// expireList removes expired requests from one list and notes the earliest
// deadline of the others.
func (h *hub) expireList(list *[]waiter, now time.Time, replies []reply) []reply {
	kept := (*list)[:0]
	for i := range *list {
		w := &(*list)[i]
		if !w.deadline.After(now) {
			replies = append(replies, h.none(w, FenceBudget))
			continue
		}
		if h.armed.IsZero() || w.deadline.Before(h.armed) {
			h.armed = w.deadline
		}
		kept = append(kept, *w)
	}
	clear((*list)[len(kept):])
	*list = kept
	return replies
}

// close answers everything that is left.
func (h *hub) close() {
	h.mu.Lock()
	h.closed = true
	replies := h.decided
	for _, list := range [][]waiter{h.asking, h.inflight, h.waiting} {
		for i := range list {
			replies = append(replies, h.none(&list[i], FenceClosed))
		}
	}
	h.asking, h.inflight, h.waiting, h.decided = nil, nil, nil, nil
	h.mu.Unlock()
	deliver(replies)
}
