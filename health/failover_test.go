package health

import (
	"context"
	"testing"
	"time"

	"github.com/pgroute/pgroute/internal/cluster"
	"github.com/pgroute/pgroute/internal/lab"
	"github.com/pgroute/pgroute/internal/pg"
)

// watchPromotion polls a standby without pause and gives the last moment at
// which it was still in recovery.
func (r *rig) watchPromotion(node string) <-chan time.Time {
	conn, err := r.lab.Node(node).Connect(r.t.Context(), "postgres")
	if err != nil {
		r.t.Fatal(err)
	}
	last := make(chan time.Time, 1)
	go func() {
		defer conn.Close(context.Background())
		for {
			sent := time.Now()
			var recovery bool
			err := conn.QueryRow(context.Background(), "SELECT pg_is_in_recovery()").Scan(&recovery)
			if err != nil || !recovery {
				last <- sent
				return
			}
		}
	}()
	return last
}

func TestPromotionIsFollowed(t *testing.T) {
	r := startRig(t, lab.Options{Standbys: 2}, nil)
	first := r.steady()
	if first.PrimaryNode().Name != "primary" || first.Timeline != 1 {
		t.Fatalf("%+v", first)
	}
	r.do(r.lab.Kill, "primary")
	lost := r.await("primary lost", func(s *cluster.Snapshot) bool { return s.Writes == cluster.WritesLost })
	if n := lost.ByName("standby1"); n.Exclusion != cluster.Eligible {
		t.Errorf("reads must go on: %+v", n)
	}
	promoted := r.watchPromotion("standby1")
	r.do(r.lab.Promote, "standby1")
	s := r.await("standby1 accepted", primaryIs("standby1"))
	t.Logf("promotion seen after %v", s.At.Sub(<-promoted))
	if len(s.History) != 1 || s.History[0].Timeline != 1 || s.History[0].End == pg.InvalidLSN || s.Timeline != 2 {
		t.Errorf("history: %+v", s.History)
	}
	r.await("standby2 follows", excluded("standby2", cluster.Eligible))
}

func TestPlannedSwitchoverAndReturnThroughRewind(t *testing.T) {
	r := startRig(t, lab.Options{Standbys: 1}, nil)
	r.steady()
	r.do(r.lab.StopNode, "primary")
	r.await("primary lost", func(s *cluster.Snapshot) bool { return s.Writes == cluster.WritesLost })
	r.do(r.lab.Promote, "standby1")
	r.await("standby1 accepted", primaryIs("standby1"))
	r.do(r.lab.Rewind, "primary")
	s := r.await("old primary is a standby", excluded("primary", cluster.Eligible))
	if n := s.ByName("primary"); n.Role != cluster.RoleStandby || n.Timeline != 2 {
		t.Errorf("%+v", n)
	}
	if n := r.Stats().Events[EventWritesLost]; n != 0 {
		t.Error("a planned switchover counted lost writes")
	}
}

func TestResurrectedPrimaryGetsNothing(t *testing.T) {
	r := startRig(t, lab.Options{Standbys: 1}, nil)
	r.steady()
	r.do(r.lab.Kill, "primary")
	r.do(r.lab.Promote, "standby1")
	r.await("standby1 accepted", primaryIs("standby1"))
	r.do(r.lab.StartNode, "primary")
	s := r.await("old primary answers", func(s *cluster.Snapshot) bool { return s.ByName("primary").Up })
	if n := s.ByName("primary"); n.Role != cluster.RoleDeposed || n.Exclusion == cluster.Eligible {
		t.Errorf("%+v", n)
	}
	if !primaryIs("standby1")(s) {
		t.Errorf("writes must stay open on standby1: %+v", s)
	}
	r.do(r.lab.Rewind, "primary")
	r.await("rewound primary is read", excluded("primary", cluster.Eligible))
}

func TestFrozenPrimaryIsLostAndThawedOneTakenBack(t *testing.T) {
	r := startRig(t, lab.Options{Standbys: 1}, func(c *Config) { c.Timeout = 500 * time.Millisecond })
	r.steady()
	r.freeze("primary")
	s := r.await("primary lost", func(s *cluster.Snapshot) bool { return s.Writes == cluster.WritesLost })
	if s.ByName("standby1").Exclusion != cluster.Eligible {
		t.Error("reads must go on")
	}
	r.thaw("primary")
	r.await("primary is back", primaryIs("primary"))
	r.freeze("primary")
	r.do(r.lab.Promote, "standby1")
	r.await("standby1 accepted", primaryIs("standby1"))
	r.thaw("primary")
	r.await("deposed primary answers", func(s *cluster.Snapshot) bool {
		n := s.ByName("primary")
		return n.Up && n.Role == cluster.RoleDeposed && primaryIs("standby1")(s)
	})
}

// freeze stops a node's processes and makes sure they go on at the end.
func (r *rig) freeze(node string) {
	r.t.Helper()
	if err := r.lab.Freeze(node); err != nil {
		r.t.Fatal(err)
	}
	r.t.Cleanup(func() { _ = r.lab.Thaw(node) }) // already thawed when all is well
}

func (r *rig) thaw(node string) {
	r.t.Helper()
	if err := r.lab.Thaw(node); err != nil {
		r.t.Fatal(err)
	}
}

func TestTwoPromotedStandbysRefuseWrites(t *testing.T) {
	r := startRig(t, lab.Options{Standbys: 2}, nil)
	r.steady()
	r.do(r.lab.Kill, "primary")
	r.exec("standby1", "SELECT pg_promote()")
	r.await("standby1 accepted", primaryIs("standby1"))
	r.exec("standby2", "SELECT pg_promote()")
	s := r.await("writes refused", func(s *cluster.Snapshot) bool { return s.Writes == cluster.WritesRefused })
	if s.WritesWhy == "" || s.ByName("standby2").Role != cluster.RoleDeposed {
		t.Errorf("%+v", s)
	}
	r.do(r.lab.StopNode, "standby2")
	r.await("writes go on", primaryIs("standby1"))
}

// With a role that may do nothing, a promotion is still followed, and it is
// said that this was done on the timeline's number alone.
func TestPromotionIsFollowedWithoutAnyRight(t *testing.T) {
	r := startRig(t, lab.Options{Standbys: 1}, nil)
	r.exec("primary", "CREATE ROLE plain LOGIN")
	r.steady()
	cfg := r.cfg
	cfg.User = "plain"
	awaitReplayed(r, "standby1")
	plain := &rig{Monitor: runMonitor(t, cfg), t: t, lab: r.lab}
	plain.await("steady", func(s *cluster.Snapshot) bool {
		return primaryIs("primary")(s) && excluded("standby1", cluster.Eligible)(s)
	})
	r.do(r.lab.Kill, "primary")
	plain.await("lost", func(s *cluster.Snapshot) bool { return s.Writes == cluster.WritesLost })
	r.do(r.lab.Promote, "standby1")
	s := plain.await("standby1 accepted", primaryIs("standby1"))
	if len(s.History) != 1 || s.History[0].End == pg.InvalidLSN {
		t.Errorf("the promotion was seen, its switch LSN is known: %+v", s.History)
	}
	stats := plain.Stats()
	if stats.Events[EventUnverified] != 1 || stats.Events[EventHistory] == 0 || stats.Reason != ReasonUnverified {
		t.Errorf("it must be said: %+v", stats)
	}
}

// awaitReplayed waits until a standby has replayed what the primary has
// written so far.
func awaitReplayed(r *rig, node string) {
	r.t.Helper()
	res := fence(r.t, r.Monitor, FenceRequest{Budget: limit, Standbys: MaskOf(r.Snapshot().ByName(node).ID)})
	if res.Node == cluster.NoNode {
		r.t.Fatalf("%+v", res)
	}
}
