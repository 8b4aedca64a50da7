package router

import (
	"math/rand/v2"
	"time"

	"github.com/pgroute/pgroute/internal/cluster"
	"github.com/pgroute/pgroute/internal/pg"
)

// dice draws from small sets of values, so that equal ones meet often.
type dice struct{ *rand.Rand }

func (r dice) chance(percent int) bool { return r.IntN(100) < percent }

func (r dice) lsn() pg.LSN { return pg.LSN(100 * r.IntN(6)) }

func (r dice) ago(now time.Time) time.Time {
	return now.Add(-time.Duration(r.IntN(6)) * 10 * time.Millisecond)
}

func (r dice) position() pg.Position {
	return pg.Position{SystemID: uint64(7 + r.IntN(20)/19), Timeline: pg.TimelineID(1 + r.IntN(3)), LSN: r.lsn()}
}

// randomWorld makes a world of up to five nodes.
func randomWorld(rnd *rand.Rand) *twin {
	r := dice{rnd}
	now := time.Unix(1e9, 0)
	s := &cluster.Snapshot{SystemID: 7, Timeline: 2, Primary: cluster.NoNode, Nodes: make([]cluster.Node, 1+r.IntN(5))}
	s.History = []cluster.Ancestor{{Timeline: 1, End: r.lsn()}}
	s.Writes = cluster.WriteState(r.IntN(4) * (r.IntN(4) / 3))
	for i := range s.Nodes {
		s.Nodes[i] = randomNode(r, cluster.NodeID(i), now)
	}
	if s.Writes == cluster.WritesOpen && r.chance(90) {
		p := &s.Nodes[r.IntN(len(s.Nodes))]
		p.Role, p.Exclusion, p.Up, s.Primary = cluster.RolePrimary, cluster.ExcludedNotStandby, true, p.ID
	}
	v := &View{Snap: s, Policy: &Policy{
		Shadow: r.chance(5), PrimaryReads: PrimaryReads(r.IntN(3)), FenceWait: 20 * time.Millisecond, WarmUp: time.Second,
	}}
	if r.chance(20) {
		v.Policy.Prefer = "x"
	}
	if r.chance(10) {
		v.CatchUp = time.Second
	}
	for range r.IntN(len(s.Nodes) + 1) {
		v.Load = append(v.Load, NodeLoad{
			Outstanding: int32(r.IntN(30)), Latency: time.Duration(r.IntN(9)) * time.Millisecond, ReadableSince: r.ago(now),
		})
	}
	return &twin{f: randomFacts(r, s, now), u: randomUnit(r, s), v: v, now: now}
}

func randomNode(r dice, id cluster.NodeID, now time.Time) cluster.Node {
	n := cluster.Node{
		ID: id, Weight: r.IntN(4), Up: true, Life: cluster.Life(1 + r.IntN(2)), Timeline: 2, Role: cluster.RoleStandby,
		ReplayLSN: r.lsn(), ReplayBound: r.lsn(), InsertLSN: r.lsn() + 50, SafeLSN: r.lsn(), SampledAt: r.ago(now), FreshAt: r.ago(now),
	}
	if r.chance(20) {
		n.Exclusion = cluster.Exclusions()[r.IntN(len(cluster.Exclusions()))]
		n.Up = n.Exclusion != cluster.ExcludedUnreachable
	}
	if r.chance(10) {
		n.FreshAt = time.Time{}
	}
	if r.chance(5) {
		n.Timeline = 1
	}
	n.Zone = []string{"", "x", "y"}[r.IntN(3)]
	return n
}

func randomFacts(r dice, s *cluster.Snapshot, now time.Time) *Facts {
	f := &Facts{BoundTo: cluster.NoNode, Session: randomKnowledge(r, s, now), ReadOnly: r.chance(20), Serializable: r.chance(5)}
	f.Wish = Wish{Node: cluster.NoNode, Consistency: Consistency(1 + r.IntN(4))}
	if r.chance(5) {
		f.Bound, f.BoundTo = Bound(1+r.IntN(3)), cluster.NodeID(r.IntN(len(s.Nodes)))
	}
	if r.chance(70) {
		k := randomKnowledge(r, s, now)
		f.Shared = &k
	}
	if r.chance(10) {
		f.Wish.Target = Target(r.IntN(3))
	}
	if r.chance(10) {
		f.Wish.MinLSN = r.position()
	}
	if r.chance(10) {
		f.Wish.HasStaleness, f.Wish.MaxStaleness = true, 25*time.Millisecond
	}
	f.BehindReads = uint8(r.IntN(12))
	return f
}

func randomKnowledge(r dice, s *cluster.Snapshot, now time.Time) Knowledge {
	var k Knowledge
	if r.chance(60) {
		k.Fence = r.position()
	}
	if r.chance(30) {
		k.DirtySince = r.ago(now)
	}
	if r.chance(50) {
		k.Reached, k.ReachedLife = cluster.NodeID(r.IntN(len(s.Nodes))), cluster.Life(1+r.IntN(2))
	}
	if r.chance(50) {
		k.Sticky, k.StickyLife, k.ReadAt = cluster.NodeID(r.IntN(len(s.Nodes))), cluster.Life(1+r.IntN(2)), r.ago(now)
	}
	return k
}

func randomUnit(r dice, s *cluster.Snapshot) *Unit {
	u := &Unit{Class: ClassRead, Wish: Wish{Node: cluster.NoNode}}
	if r.chance(30) {
		u.Class = Classes()[r.IntN(len(Classes()))]
	}
	if r.chance(20) {
		u.Class, u.Block, u.Isolated = ClassTransaction, Block(1+r.IntN(3)), r.chance(20)
	}
	if r.chance(10) {
		u.Wish.Target, u.Wish.Node = Target(r.IntN(4)), cluster.NodeID(r.IntN(len(s.Nodes)+2)-1)
	}
	if r.chance(10) {
		u.Wish.Consistency = Consistency(r.IntN(5))
	}
	if r.chance(5) {
		u.Wish.HasStaleness, u.Wish.MaxStaleness = true, 15*time.Millisecond
	}
	return u
}
