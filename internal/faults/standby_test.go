package faults

import (
	"syscall"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/pgroute/pgroute/internal/cluster"
	"github.com/pgroute/pgroute/internal/lab"
)

// unharmed ends the load: nobody was told anything but success.
func (l *load) unharmed(node *pgx.Conn) {
	l.t.Helper()
	f := l.audit(node)
	l.t.Logf("%s", &f)
	f.check(l.t)
	if len(f.states) > 0 {
		l.t.Errorf("clients were told %v", f.states)
	}
}

func TestReadsSurviveStandbyCrash(t *testing.T) {
	r := start(t, lab.Options{Standbys: 2}, "workers=2", "pool.size=3")
	l := r.begin(12, read, read, autocommit)
	r.do(r.lab.Kill, "standby1")
	l.awaitRounds(20)
	r.awaitNode("standby1", cluster.ExcludedUnreachable)
	r.do(r.lab.StartNode, "standby1")
	r.awaitNode("standby1", cluster.Eligible)
	l.awaitRounds(5)
	l.unharmed(r.direct("primary"))
	t.Logf("%d units were placed anew", r.Server().Counters().Reruns.Load())
}

func TestReadsSurviveFrozenStandby(t *testing.T) {
	r := start(t, lab.Options{Standbys: 2}, "health.timeout=500ms", "health.interval=100ms", "workers=2", "pool.size=3")
	l := r.begin(12, read, read, autocommit)
	r.freeze("standby1")
	frozen := time.Now()
	r.awaitNode("standby1", cluster.ExcludedUnreachable)
	l.awaitRounds(5)
	t.Logf("all clients had gone on %v after the standby froze", time.Since(frozen))
	r.thaw("standby1")
	r.awaitNode("standby1", cluster.Eligible)
	l.awaitRounds(5)
	l.unharmed(r.direct("primary"))
}

// Killing any backend of a standby restarts its recovery, from which it comes
// back with less than it had shown. Sessions must not see that.
func TestNoSessionSeesAStandbyGoBack(t *testing.T) {
	r := start(t, lab.Options{Standbys: 2}, "routing.read_from_primary=never")
	l := r.begin(12, read, read, transaction)
	for range 2 {
		life := r.Monitor().Snapshot().ByName("standby1").Life
		victim := r.direct("standby1")
		if err := syscall.Kill(int(victim.PgConn().PID()), syscall.SIGKILL); err != nil {
			t.Fatal(err)
		}
		r.Await("a new life", func(s *cluster.Snapshot) bool { return s.ByName("standby1").Life != life })
		r.awaitNode("standby1", cluster.Eligible)
		l.awaitRounds(5)
	}
	l.monotonic()
	l.unharmed(r.direct("primary"))
}

// A read that was under way on each server as it died may be what kills them:
// it is tried once more, not everywhere.
func TestAReadThatKillsItsServersIsGivenUp(t *testing.T) {
	r := start(t, lab.Options{Standbys: 2})
	c := r.Connect(t)
	const poison = "SELECT count(*) FROM generate_series(1, 200000000) AS poison"
	done := async(t, c, poison)
	for range 2 {
		node, pid := r.findBackend("%AS poison")
		if node == "primary" {
			t.Fatal("the primary was tried before the other standby")
		}
		if err := syscall.Kill(pid, syscall.SIGKILL); err != nil {
			t.Fatal(err)
		}
	}
	if a := await(t, done); state(a.err) != "08006" {
		t.Errorf("told %v", a.err)
	}
	must(t, c, "SELECT 1")
}

// findBackend waits for a server process that runs such a query, and names its
// node; a process that was found before is not found again.
func (r *rig) findBackend(like string) (node string, pid int) {
	r.t.Helper()
	poll(r.t, "the query is under way", func() bool {
		for _, n := range r.lab.Nodes() {
			conn, err := n.Connect(r.t.Context(), "postgres")
			if err != nil {
				continue // it recovers
			}
			err = conn.QueryRow(r.t.Context(), "SELECT pid FROM pg_stat_activity WHERE state = 'active' AND query LIKE $1 AND pid <> pg_backend_pid()", like).Scan(&pid)
			_ = conn.Close(r.t.Context())
			if err == nil && pid != r.found {
				node, r.found = n.Name, pid
				return true
			}
		}
		return false
	})
	return node, pid
}
