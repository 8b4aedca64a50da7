package faults

import (
	"testing"

	"github.com/pgroute/pgroute/internal/cluster"
	"github.com/pgroute/pgroute/internal/lab"
)

// untouched fails the test when a node has answered anything meanwhile.
func (r *rig) untouched(node string, meanwhile func()) {
	r.t.Helper()
	before := r.answered(node)
	meanwhile()
	if n := r.answered(node) - before; n > 0 {
		r.t.Errorf("%s answered %d units", node, n)
	}
}

func TestResurrectedPrimaryGetsNothingUntilRewound(t *testing.T) {
	r := start(t, lab.Options{Standbys: 2})
	l := r.begin(12, autocommit, read, transaction, simple)
	r.do(r.lab.Kill, "primary")
	r.do(r.lab.Promote, "standby1")
	l.awaitRounds(5)
	r.do(r.lab.StartNode, "primary")
	r.Await("the old primary is seen", func(s *cluster.Snapshot) bool {
		n := s.ByName("primary")
		return n.Up && n.Role == cluster.RoleDeposed
	})
	r.untouched("primary", func() { l.awaitRounds(20) })
	old := r.direct("primary")
	if got := must(t, old, "SELECT count(*) FROM pg_stat_activity WHERE backend_type = 'client backend' AND usename = 'postgres' AND pid <> pg_backend_pid()"); got != "0" {
		t.Errorf("%s connections lead to the deposed primary", got)
	}
	_ = old.Close(t.Context())
	r.do(r.lab.Rewind, "primary")
	r.awaitNode("primary", cluster.Eligible)
	before := r.answered("primary")
	poll(t, "the old primary is read as a standby", func() bool {
		must(t, r.Connect(t), "SELECT 1")
		return r.answered("primary") > before
	})
	f := l.audit(r.direct("standby1"))
	t.Logf("%s", &f)
	if len(f.twice)+len(f.ghosts) > 0 { // what the crash lost, it lost: replication is asynchronous
		t.Errorf("twice %v, ghosts %v", f.twice, f.ghosts)
	}
}

func TestThawedPrimaryGetsNothing(t *testing.T) {
	r := start(t, lab.Options{Standbys: 2, Sync: true}, "health.timeout=500ms", "pool.connect_timeout=10s", "workers=3")
	l := r.begin(16, autocommit, transaction, read, simple)
	r.freeze("primary")
	r.awaitLost()
	promoted := r.promotion("standby1")
	r.do(r.lab.Promote, "standby1")
	at := <-promoted
	r.awaitPrimary("standby1")
	// Statements under way on the frozen server, and connections being made to
	// it, would go on when it does.
	r.thaw("primary")
	r.untouched("primary", func() { l.awaitRounds(20) })
	f := l.audit(r.direct("standby1"))
	t.Logf("%s", &f)
	f.check(t)
	r.reportGap(l, at)
	for state := range f.states {
		if state != "08007" && state != "40001" {
			t.Errorf("clients were told SQLSTATE %s", state)
		}
	}
}
