package lab_test

import (
	"fmt"
	"testing"

	"github.com/pgroute/pgroute/internal/lab"
	"github.com/pgroute/pgroute/internal/lab/labtest"
)

// TestOldPrimaryReturnsOnNewTimeline is the round trip of a failover: crash with
// commits that no standby has, promotion, rewind, and the same once more back.
func TestOldPrimaryReturnsOnNewTimeline(t *testing.T) {
	t.Parallel()
	for _, auth := range []lab.Auth{lab.AuthTrust, lab.AuthSCRAM} {
		t.Run(string(auth), func(t *testing.T) {
			t.Parallel()
			l := labtest.Start(t, lab.Options{Standbys: 2, Auth: auth})
			exec(t, l.Node("primary"), "CREATE TABLE t (i int)")
			failOver(t, l, "primary", "standby1", 2)
			failOver(t, l, "standby1", "primary", 3)
			if got := count(t, l.Node("standby2"), "t"); got != 2 {
				t.Errorf("standby2 has %d rows, one per promotion is 2", got)
			}
		})
	}
}

// failOver crashes one node right after a commit that it keeps to itself,
// promotes another, writes there, and brings the first back.
func failOver(t *testing.T, l *lab.Lab, from, to string, timeline int) {
	t.Helper()
	ctx := within(t)
	try(t, l.WaitCaughtUp(ctx))
	cutOff(t, l, from)
	exec(t, l.Node(from), "CREATE TABLE lost (i int)")
	try(t, l.Kill(ctx, from))
	if l.Node(from).Running() {
		t.Fatalf("%s runs after Kill", from)
	}
	try(t, l.Promote(ctx, to))
	try(t, l.WaitStreaming(ctx))
	exec(t, l.Node(to), fmt.Sprintf("INSERT INTO t VALUES (%d)", timeline))
	try(t, l.Rewind(ctx, from))
	try(t, l.WaitCaughtUp(ctx))

	s := l.Node(from).Status(ctx)
	if s.Role != lab.RoleStandby || s.Timeline != timeline || s.Receiver == nil || s.Receiver.From != to {
		t.Fatalf("%s after rewind: %+v, receiver %+v; want a standby of %s on timeline %d", from, s, s.Receiver, to, timeline)
	}
	exec(t, l.Node(to), "CREATE TABLE lost (was boolean)") // would fail if the commit had survived
	exec(t, l.Node(to), "DROP TABLE lost")
	try(t, l.WaitCaughtUp(ctx))
}

// cutOff makes all standbys of a node stop receiving from it.
func cutOff(t *testing.T, l *lab.Lab, from string) {
	t.Helper()
	for _, n := range l.Nodes() {
		if n.Name != from {
			exec(t, n, "ALTER SYSTEM SET primary_conninfo = 'port=1'")
			exec(t, n, "SELECT pg_reload_conf()")
		}
	}
	await(t, func() bool { return len(l.Node(from).Status(t.Context()).Standbys) == 0 })
}

func TestDeposedPrimaryComesBackWritable(t *testing.T) {
	t.Parallel()
	ctx := within(t)
	l := labtest.Start(t, lab.Options{Standbys: 1})
	try(t, l.Kill(ctx, "primary"))
	try(t, l.Promote(ctx, "standby1"))
	try(t, l.StartNode(ctx, "primary"))
	exec(t, l.Node("primary"), "CREATE TABLE rival (i int)")
	if _, err := l.Primary(ctx); err == nil {
		t.Error("two primaries, and Primary chose one")
	}
	try(t, l.Rewind(ctx, "primary")) // stops it first
	if _, err := l.Primary(ctx); err != nil {
		t.Error(err)
	}
}

func TestPromotionByAnyoneIsSeen(t *testing.T) {
	t.Parallel()
	ctx := within(t)
	l := labtest.Start(t, lab.Options{Standbys: 2})
	try(t, l.StopNode(ctx, "primary"))
	exec(t, l.Node("standby2"), "SELECT pg_promote()")
	if p, err := l.Primary(ctx); err != nil || p.Name != "standby2" {
		t.Fatalf("primary is %v, %v; want standby2", p, err)
	}
	try(t, l.Follow(ctx, "standby2"))
	try(t, l.WaitStreaming(ctx))
	try(t, l.Rewind(ctx, "primary")) // nothing to rewind after a clean stop
}

func TestStoppedStandbyReturnsToThePrimaryOfNow(t *testing.T) {
	t.Parallel()
	ctx := within(t)
	l := labtest.Start(t, lab.Options{Standbys: 2})
	try(t, l.StopNode(ctx, "standby2"))
	try(t, l.Kill(ctx, "primary"))
	try(t, l.Promote(ctx, "standby1"))
	try(t, l.StartNode(ctx, "standby2"))
	try(t, l.WaitStreaming(ctx))
	if s := l.Node("standby2").Status(ctx); s.Receiver == nil || s.Receiver.From != "standby1" || s.Timeline != 2 {
		t.Errorf("standby2: %+v, receiver %+v; want it to stream timeline 2 from standby1", s, s.Receiver)
	}
}

// TestPromotedStandbyTakesWhatOthersHave promotes the standby that received less.
// Without its taking the rest first, the other could not follow it.
func TestPromotedStandbyTakesWhatOthersHave(t *testing.T) {
	t.Parallel()
	ctx := within(t)
	l := labtest.Start(t, lab.Options{Standbys: 2})
	exec(t, l.Node("standby1"), "ALTER SYSTEM SET primary_conninfo = 'port=1'")
	exec(t, l.Node("standby1"), "SELECT pg_reload_conf()")
	await(t, func() bool { return len(l.Node("primary").Status(ctx).Standbys) == 1 })
	exec(t, l.Node("primary"), "CREATE TABLE t AS SELECT generate_series(1, 1000) i")
	await(t, func() bool {
		s := l.Node("primary").Status(ctx).Standbys
		return len(s) == 1 && s[0].LagBytes == 0
	})
	try(t, l.Kill(ctx, "primary"))
	try(t, l.Promote(ctx, "standby1"))
	if got := count(t, l.Node("standby1"), "t"); got != 1000 {
		t.Errorf("the promoted standby has %d of 1000 rows that standby2 had", got)
	}
	try(t, l.WaitStreaming(ctx))
}

func TestQuorumCommitSurvivesFailover(t *testing.T) {
	t.Parallel()
	ctx := within(t)
	l := labtest.Start(t, lab.Options{Standbys: 2, Sync: true})
	exec(t, l.Node("primary"), "CREATE TABLE t AS SELECT 1")
	for _, s := range l.Node("primary").Status(ctx).Standbys {
		if s.SyncState != "quorum" {
			t.Errorf("%s is %s, not quorum", s.Name, s.SyncState)
		}
	}
	try(t, l.Kill(ctx, "primary"))
	try(t, l.Promote(ctx, "standby1"))
	exec(t, l.Node("standby1"), "INSERT INTO t VALUES (2)") // needs standby2's vote
}

func TestPausedReplayStandsStill(t *testing.T) {
	t.Parallel()
	ctx := within(t)
	l := labtest.Start(t, lab.Options{Standbys: 1})
	exec(t, l.Node("primary"), "CREATE TABLE t (i int)")
	try(t, l.WaitCaughtUp(ctx))
	try(t, l.PauseReplay(ctx, "standby1"))
	exec(t, l.Node("primary"), "INSERT INTO t SELECT generate_series(1, 10000)")
	await(t, func() bool {
		p := l.Node("primary").Status(ctx)
		return len(p.Standbys) == 1 && p.Standbys[0].LagBytes > 100_000
	})
	if s := l.Node("standby1").Status(ctx); !s.Paused || count(t, l.Node("standby1"), "t") != 0 {
		t.Errorf("replay goes on while paused: %+v", s)
	}
	try(t, l.ResumeReplay(ctx, "standby1"))
	try(t, l.WaitCaughtUp(ctx))
	if got := count(t, l.Node("standby1"), "t"); got != 10000 {
		t.Errorf("standby1 has %d rows of 10000 after resume", got)
	}
}

func TestFrozenNodeAnswersAfterThaw(t *testing.T) {
	t.Parallel()
	ctx := within(t)
	l := labtest.Start(t, lab.Options{})
	try(t, l.Freeze("primary"))
	if s := l.Node("primary").Status(ctx); s.Role != lab.RoleUnreachable {
		t.Errorf("a frozen node is %s", s.Role)
	}
	try(t, l.Thaw("primary"))
	if s := l.Node("primary").Status(ctx); s.Role != lab.RolePrimary {
		t.Errorf("a thawed node is %s: %s", s.Role, s.Error)
	}
}
