package proxy

import (
	"context"
	"sync/atomic"

	"github.com/pgroute/pgroute/internal/cluster"
	"github.com/pgroute/pgroute/internal/netloop"
	"github.com/pgroute/pgroute/internal/wire"
	"github.com/pgroute/pgroute/router"
)

// nodeQueries counts the units that one node answered, by the role it had, and
// keeps its latency for others to read, in nanoseconds.
type nodeQueries struct {
	asPrimary, asStandby atomic.Uint64
	latency              atomic.Int64
}

// countAnswer counts the answer to a unit. The first one over a link is that
// to the unit that was placed; those after it followed where they had to, or
// to the same standby, and are counted as placed now.
func (s *session) countAnswer(tx byte) {
	s.w.answered(s.node, s.onPrimary)
	before := s.answeredTx
	s.answeredTx = tx
	action, cause := router.ActionBound, router.CauseInBatch
	switch {
	case before == 0:
		return
	case before != wire.TxIdle:
		cause = router.CauseInTransaction
	case s.state.pins != 0:
		cause = router.CausePinned
	case !s.onPrimary:
		action, cause = router.ActionStandby, router.CauseReadSticky
	}
	s.w.counters.followed(action, cause)
}

// answered counts a unit that a node has answered.
func (w *worker) answered(node cluster.NodeID, primary bool) {
	if node < 0 || int(node) >= len(w.queries) {
		return
	}
	if primary {
		w.queries[node].asPrimary.Add(1)
	} else {
		w.queries[node].asStandby.Add(1)
	}
}

// Queries gives the number of units that a node has answered as the primary
// and as a standby.
func (s *Server) Queries(node cluster.NodeID) (asPrimary, asStandby uint64) {
	for _, w := range s.workers {
		asPrimary += w.queries[node].asPrimary.Load()
		asStandby += w.queries[node].asStandby.Load()
	}
	return asPrimary, asStandby
}

// WorkerStats is what one event loop and its sessions hold at one moment.
type WorkerStats struct {
	Loop     netloop.Stats
	Sessions int64
	// Responsive: the loop ran a function posted to it in time. What follows
	// is zero when it did not.
	Responsive bool
	Cache      router.CacheStats
	Learned    int // texts that standbys refused
	Prepared   int // distinct prepared statements of clients
	PrepBytes  int // their texts, in bytes
}

// Workers asks every event loop for its state; those that do not answer
// before ctx ends are reported as such.
func (s *Server) Workers(ctx context.Context) []WorkerStats {
	out := make([]WorkerStats, len(s.workers))
	answers := make([]chan WorkerStats, len(s.workers))
	for i, w := range s.workers {
		out[i] = WorkerStats{Loop: w.loop.Stats(), Sessions: w.count.Load()}
		answers[i] = make(chan WorkerStats, 1)
		w.loop.Post(func() { answers[i] <- w.stats() })
	}
	for i := range answers {
		select {
		case out[i] = <-answers[i]:
		case <-ctx.Done():
		}
	}
	return out
}

// stats is called on the loop.
func (w *worker) stats() WorkerStats {
	return WorkerStats{
		Loop: w.loop.Stats(), Sessions: w.count.Load(), Responsive: true,
		Cache: w.cache.Stats(), Learned: w.learned.texts.Len(),
		Prepared: w.stmts.Len(), PrepBytes: w.stmtSize,
	}
}

// MaxClients is the limit of client connections.
func (s *Server) MaxClients() int { return s.tuned().MaxClients }

// Draining reports whether the server has stopped taking clients.
func (s *Server) Draining() bool { return s.draining.Load() }
