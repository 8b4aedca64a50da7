package proxy

import (
	"time"

	"github.com/pgroute/pgroute/internal/cluster"
	"github.com/pgroute/pgroute/router"
)

// How long standbys take for a read is measured where a unit is placed, from
// the moment it has its connection to the end of its answer. What follows on
// the same link is not measured.

const (
	// latencyShare is the weight of the past in the moving average, less one.
	latencyShare = 8
	// A read that takes long counts as latencyLeap times the average, or
	// latencyFloor: one report must not make a standby look slow, while a
	// standby that is slow for all is noticed within a few reads.
	latencyLeap  = 4
	latencyFloor = 20 * time.Millisecond
	// forgetShare is what of its distance to the best a standby's latency loses
	// with each snapshot during which nothing was read there: who is shed
	// must get reads again to show that it has recovered.
	forgetShare = 16
)

// smooth adds a measurement to a moving average; zero is unknown.
func smooth(avg, sample time.Duration) time.Duration {
	sample = max(1, min(sample, max(latencyFloor, latencyLeap*avg)))
	if avg == 0 {
		return sample
	}
	return max(1, avg+(sample-avg)/latencyShare)
}

// measured takes in how long a standby took for a unit.
func (w *worker) measured(node cluster.NodeID, took time.Duration) {
	if int(node) >= len(w.view.Load) {
		return
	}
	l := &w.view.Load[node].Latency
	*l = smooth(*l, took)
	w.fresh = w.fresh.With(node)
	w.queries[node].latency.Store(int64(*l))
}

// fadeLatencies lets what was not measured lately come closer to the best.
func (w *worker) fadeLatencies() {
	var best time.Duration
	for i := range w.view.Load {
		if l := w.view.Load[i].Latency; l > 0 && (best == 0 || l < best) {
			best = l
		}
	}
	for i := range w.view.Load {
		if l := &w.view.Load[i].Latency; *l > best && !w.fresh.Has(cluster.NodeID(i)) {
			*l -= (*l - best) / forgetShare
			w.queries[i].latency.Store(int64(*l))
		}
	}
	w.fresh = router.NodeSet(0)
}

// recovered begins anew with a node that may be read again: its share grows
// within routing.warm_up, and what it was like before says nothing.
func (w *worker) recovered(node cluster.NodeID, now time.Time) {
	w.view.Load[node].ReadableSince, w.view.Load[node].Latency = now, 0
	w.queries[node].latency.Store(0)
}

// Latency is the moving average of reads on a standby, as the loop sees it that
// finds it slowest; zero while unknown.
func (s *Server) Latency(node cluster.NodeID) (slowest time.Duration) {
	for _, w := range s.workers {
		slowest = max(slowest, time.Duration(w.queries[node].latency.Load()))
	}
	return slowest
}
