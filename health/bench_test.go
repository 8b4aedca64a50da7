package health

import (
	"testing"
	"time"

	"github.com/pgroute/pgroute/internal/cluster"
	"github.com/pgroute/pgroute/internal/pg"
)

// benchHub makes a hub with a primary and two standbys at LSN 0x1000.
func benchHub() *hub {
	h := newHub(3)
	s := &cluster.Snapshot{SystemID: 7, Timeline: 1, SegmentSize: pg.DefaultWALSegmentSize}
	for i := range 3 {
		s.Nodes = append(s.Nodes, cluster.Node{ID: cluster.NodeID(i), Up: true, Life: 1, Weight: 1,
			Role: cluster.RoleStandby, ReplayLSN: 0x1000})
	}
	s.Nodes[0].Role, s.Nodes[0].Exclusion = cluster.RolePrimary, cluster.ExcludedNotStandby
	h.publish(s, time.Now())
	return h
}

func BenchmarkTryFence(b *testing.B) {
	h := benchHub()
	req := FenceRequest{Fence: pg.Position{SystemID: 7, Timeline: 1, LSN: 0x1000}}
	b.ReportAllocs()
	for b.Loop() {
		if r, ok := h.try(req); !ok || r.Node == cluster.NoNode {
			b.Fatal(r)
		}
	}
}

// BenchmarkAwaitFence measures what an event loop pays for a request, and what
// the courier pays to answer it, without the query itself.
func BenchmarkAwaitFence(b *testing.B) {
	h := benchHub()
	req, done := FenceRequest{Budget: time.Second}, func(FenceResult) {}
	b.ReportAllocs()
	for b.Loop() {
		h.await(req, done)
		q, _ := h.startAsk(0, 1, time.Now())
		q.pos.LSN = 0x1000
		h.answered(q.pos, time.Now())
	}
}

func TestTryFenceDoesNotAllocate(t *testing.T) {
	h := benchHub()
	req := FenceRequest{Fence: pg.Position{SystemID: 7, Timeline: 1, LSN: 0x1000}}
	if n := testing.AllocsPerRun(100, func() { h.try(req) }); n != 0 {
		t.Errorf("%v allocations", n)
	}
}
