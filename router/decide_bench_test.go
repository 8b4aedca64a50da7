package router

import (
	"testing"
	"time"

	"github.com/pgroute/pgroute/internal/cluster"
	"github.com/pgroute/pgroute/internal/pg"
)

// benchWorld is a primary with three standbys that have replayed everything.
func benchWorld(now time.Time) (*View, *Facts, *Unit) {
	s := &cluster.Snapshot{SystemID: 7, Timeline: 1, Primary: 0, Nodes: make([]cluster.Node, 4)}
	for i := range s.Nodes {
		s.Nodes[i] = cluster.Node{
			ID: cluster.NodeID(i), Weight: 1, Up: true, Life: 3, Timeline: 1, Role: cluster.RoleStandby,
			ReplayLSN: 1000, ReplayBound: 1000, SampledAt: now.Add(-10 * time.Millisecond), FreshAt: now.Add(-11 * time.Millisecond),
		}
	}
	s.Nodes[0].Role, s.Nodes[0].InsertLSN, s.Nodes[0].SafeLSN, s.Nodes[0].Exclusion = cluster.RolePrimary, 1000, 1000, cluster.ExcludedNotStandby
	v := &View{Snap: s, Policy: &Policy{FenceWait: 20 * time.Millisecond, WarmUp: time.Minute}, Load: make([]NodeLoad, 4)}
	for i := range v.Load {
		v.Load[i] = NodeLoad{Outstanding: int32(i), Latency: time.Millisecond, ReadableSince: now.Add(-time.Hour)}
	}
	f := &Facts{Wish: Wish{Consistency: ConsistencySession}}
	f.Session = Knowledge{
		Fence:  pg.Position{SystemID: 7, Timeline: 1, LSN: 900},
		Sticky: 1, StickyLife: 3, ReadAt: now.Add(-time.Second),
	}
	return v, f, &Unit{Class: ClassRead, Reason: ReasonRead}
}

func TestDecideAllocatesNothing(t *testing.T) {
	now := time.Now()
	v, f, u := benchWorld(now)
	rnd := uint32(1)
	n := testing.AllocsPerRun(1000, func() {
		rnd = rnd*1664525 + 1013904223
		if d := Decide(f, u, v, rnd, now); d.Action != ActionStandby {
			t.Fatal(d)
		}
	})
	if n != 0 {
		t.Fatalf("%v allocations per decision", n)
	}
}

func BenchmarkDecide(b *testing.B) {
	now := time.Now()
	v, f, u := benchWorld(now)
	b.ReportAllocs()
	rnd := uint32(1)
	for b.Loop() {
		rnd = rnd*1664525 + 1013904223
		Decide(f, u, v, rnd, now)
	}
}

func BenchmarkDecideWrite(b *testing.B) {
	now := time.Now()
	v, f, u := benchWorld(now)
	u.Class = ClassWrite
	b.ReportAllocs()
	for b.Loop() {
		Decide(f, u, v, 1, now)
	}
}
