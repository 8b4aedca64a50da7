package faults

import (
	"testing"

	"github.com/pgroute/pgroute/internal/cluster"
	"github.com/pgroute/pgroute/internal/lab"
)

// counting takes about a second on a server and says how far it counted.
const counting = "SELECT count(*) FROM generate_series(1, 4000000) AS counted"

// terminate ends server processes by what pg_stat_activity tells of them.
func (r *rig) terminate(node, which string) {
	r.t.Helper()
	r.at(node, "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid <> pg_backend_pid() AND "+which)
}

func TestReadOfATerminatedBackendIsRunElsewhere(t *testing.T) {
	for _, hint := range []string{"", "/* pgroute: primary */ "} {
		r := start(t, lab.Options{Standbys: 2})
		c := r.Connect(t)
		done := async(t, c, hint+counting)
		node, pid := r.findBackend("%AS counted")
		if (node == "primary") != (hint != "") {
			t.Errorf("%s%s: on %s", hint, counting, node)
		}
		r.terminate(node, "pid = "+itoa(pid))
		if a := await(t, done); a.err != nil || a.value != "4000000" {
			t.Errorf("%s%s: %q, %v", hint, counting, a.value, a.err)
		}
		if r.Server().Counters().Reruns.Load() != 1 {
			t.Errorf("%s%s: run again %d times", hint, counting, r.Server().Counters().Reruns.Load())
		}
	}
}

func TestTerminatedBackendsAreReplacedUnnoticed(t *testing.T) {
	r := start(t, lab.Options{Standbys: 2})
	r.setup("CREATE TABLE t (a int)")
	reader, writer := r.Connect(t), r.Connect(t)
	for i := range 3 {
		must(t, reader, "SELECT count(*) FROM t")
		must(t, writer, "INSERT INTO t VALUES (1)")
		dialled := r.Backends().Counters().Dialled
		for _, n := range r.lab.Nodes() {
			r.terminate(n.Name, "usename = 'postgres' AND backend_type = 'client backend'")
		}
		poll(t, "pgroute knows that they are gone", func() bool {
			for _, p := range r.Backends().Stats() {
				if p.Idle > 0 {
					return false
				}
			}
			return true
		})
		must(t, writer, "INSERT INTO t VALUES (1)")
		must(t, reader, "SELECT count(*) FROM t")
		if r.Backends().Counters().Dialled == dialled {
			t.Errorf("round %d: nothing was dialled", i)
		}
	}
	if got := must(t, r.direct("primary"), "SELECT count(*) FROM t"); got != "6" {
		t.Errorf("%s rows, want 6", got)
	}
}

// The end of a monitor connection begins a new life of its node, and nothing
// more: nobody is told, no primary is lost.
func TestTerminatedMonitorConnectionsDisturbNobody(t *testing.T) {
	r := start(t, lab.Options{Standbys: 2})
	l := r.begin(12, autocommit, read, transaction, simple)
	lost := r.Monitor().Stats().Switch.Began
	for range 3 {
		before := r.Monitor().Snapshot()
		for _, n := range r.lab.Nodes() {
			r.terminate(n.Name, "usename = 'pgroute'")
		}
		r.Await("every node has a new life", func(s *cluster.Snapshot) bool {
			for i := range s.Nodes {
				if s.Nodes[i].Life <= before.Nodes[i].Life {
					return false
				}
			}
			return true
		})
		l.awaitRounds(5)
	}
	l.unharmed(r.direct("primary"))
	if held := r.Monitor().Stats().Switch.Began - lost; held > 0 {
		t.Errorf("%d statements were held", held)
	}
}
