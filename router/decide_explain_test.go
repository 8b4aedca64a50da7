package router

import (
	"testing"
	"time"

	"github.com/pgroute/pgroute/internal/cluster"
	"github.com/pgroute/pgroute/internal/pg"
)

func TestLabelsAreCompleteAndUnique(t *testing.T) {
	seen := map[string]bool{}
	check := func(kind, label string) {
		if label == "" || seen[kind+label] {
			t.Errorf("%s %q", kind, label)
		}
		seen[kind+label] = true
	}
	for _, a := range Actions() {
		check("action ", a.String())
	}
	for _, c := range Causes() {
		check("cause ", c.String())
		check("text ", c.Text())
	}
	for s := range standings {
		check("standing ", s.String())
	}
}

func TestExplainTellsHowEveryNodeStood(t *testing.T) {
	now := time.Unix(1e9, 0)
	v, f, u := benchWorld(now)
	v.Snap.Nodes = append(v.Snap.Nodes, v.Snap.Nodes[3], v.Snap.Nodes[3], v.Snap.Nodes[3])
	for i := range v.Snap.Nodes {
		v.Snap.Nodes[i].ID = cluster.NodeID(i)
	}
	n := v.Snap.Nodes
	n[2].ReplayLSN = 800 // behind the fence at 900
	n[3].ReplayLSN = 950 // behind what node 1 showed
	n[4].Exclusion = cluster.ExcludedLagTime
	n[5].Weight = 0
	n[6].FreshAt = now.Add(-time.Hour)
	f.Wish.HasStaleness, f.Wish.MaxStaleness = true, time.Minute
	want := []Standing{
		StandingExcluded, StandingChosen, StandingBehind, StandingMoved,
		StandingExcluded, StandingNoWeight, StandingStale,
	}
	e := Explain(f, u, v, 0, now)
	if e.Decision.Action != ActionStandby || e.Fence != 900 || len(e.Alternatives) != len(want) {
		t.Fatalf("%+v", e)
	}
	for i, a := range e.Alternatives {
		if a.Standing != want[i] {
			t.Errorf("node %d: %s, want %s", i, a.Standing, want[i])
		}
	}
	u.Class = ClassWrite
	if e = Explain(f, u, v, 0, now); e.Alternatives[1].Standing != StandingNotRead || e.Decision.Node != 0 {
		t.Errorf("a write: %+v", e.Alternatives[1])
	}
	u.Class, f.Session.DirtySince = ClassRead, now.Add(time.Second)
	if e = Explain(f, u, v, 0, now); e.Alternatives[1].Standing != StandingFenceUnknown {
		t.Errorf("a dirty session: %+v", e.Alternatives[1])
	}
}

func TestTokenIsNoFenceOfTheSession(t *testing.T) {
	now := time.Unix(1e9, 0)
	v, f, u := benchWorld(now)
	f.Wish.MinLSN = pg.Position{SystemID: 7, Timeline: 1, LSN: 5000}
	if d := Decide(f, u, v, 0, now); d.Action != ActionFence || !d.Covers() {
		t.Errorf("session: %v", d)
	}
	f.Wish.Consistency = ConsistencyEventual
	if d := Decide(f, u, v, 0, now); d.Action != ActionFence || d.Covers() {
		t.Errorf("eventual: %v", d)
	}
}
