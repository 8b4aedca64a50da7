package health

import (
	"context"
	"log/slog"
	"testing"
	"time"

	"github.com/pgroute/pgroute/internal/cluster"
	"github.com/pgroute/pgroute/internal/lab"
	"github.com/pgroute/pgroute/internal/lab/labtest"
)

// rig is a real cluster with a monitor on it.
type rig struct {
	*Monitor
	t   *testing.T
	lab *lab.Lab
	cfg Config
}

// startRig starts a cluster and a monitor; change may adapt its settings.
func startRig(t *testing.T, o lab.Options, change func(*Config)) *rig {
	t.Helper()
	l := labtest.Start(t, o)
	cfg := Config{User: "pgroute", Database: "postgres"}
	for _, n := range l.Nodes() {
		cfg.Nodes = append(cfg.Nodes, NodeConfig{Name: n.Name, Conninfo: n.Conninfo(), Weight: 1})
	}
	if change != nil {
		change(&cfg)
	}
	return &rig{Monitor: runMonitor(t, cfg), t: t, lab: l, cfg: cfg}
}

// runMonitor runs a monitor until the test ends.
func runMonitor(t *testing.T, cfg Config) *Monitor {
	t.Helper()
	m, err := New(cfg, slog.New(slog.NewTextHandler(t.Output(), nil)))
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		_ = m.Run(ctx) // the context's end
	}()
	t.Cleanup(func() {
		cancel()
		<-ended
	})
	return m
}

// limit bounds every wait of a test; it is never waited out when all is well.
const limit = 30 * time.Second

// await blocks until a snapshot satisfies a condition.
func (r *rig) await(what string, cond func(*cluster.Snapshot) bool) *cluster.Snapshot {
	r.t.Helper()
	return awaitSnapshot(r.t, r.Monitor, what, cond)
}

func awaitSnapshot(t *testing.T, m *Monitor, what string, cond func(*cluster.Snapshot) bool) *cluster.Snapshot {
	t.Helper()
	found := make(chan *cluster.Snapshot, 1)
	cancel := m.Subscribe(func(s *cluster.Snapshot) {
		if cond(s) {
			select {
			case found <- s:
			default:
			}
		}
	})
	defer cancel()
	select {
	case s := <-found:
		return s
	case <-time.After(limit):
		t.Fatalf("waited in vain: %s\nsnapshot: %+v\nevents: %+v", what, m.Snapshot(), m.Events())
		return nil
	}
}

// primaryIs is the condition that a node is the accepted primary.
func primaryIs(name string) func(*cluster.Snapshot) bool {
	return func(s *cluster.Snapshot) bool {
		return s.Writes == cluster.WritesOpen && s.PrimaryNode() != nil && s.PrimaryNode().Name == name
	}
}

// excluded is the condition that a node's exclusion is so.
func excluded(name string, e cluster.Exclusion) func(*cluster.Snapshot) bool {
	return func(s *cluster.Snapshot) bool { return s.ByName(name).Exclusion == e }
}

// steady awaits the primary and all standbys eligible.
func (r *rig) steady() *cluster.Snapshot {
	r.t.Helper()
	return r.await("all eligible", func(s *cluster.Snapshot) bool {
		for i := range s.Nodes {
			if n := &s.Nodes[i]; n.ID != s.Primary && n.Exclusion != cluster.Eligible {
				return false
			}
		}
		return s.Writes == cluster.WritesOpen
	})
}

// do runs a lab operation by name.
func (r *rig) do(op func(context.Context, string) error, node string) {
	r.t.Helper()
	ctx, cancel := context.WithTimeout(r.t.Context(), limit)
	defer cancel()
	if err := op(ctx, node); err != nil {
		r.t.Fatal(err)
	}
}

// exec runs SQL on a node as superuser.
func (r *rig) exec(node, sql string) {
	r.t.Helper()
	if err := r.lab.Node(node).Exec(r.t.Context(), sql); err != nil {
		r.t.Fatal(err)
	}
}

// fence awaits one fence request.
func fence(t *testing.T, m *Monitor, req FenceRequest) FenceResult {
	t.Helper()
	got := make(chan FenceResult, 1)
	m.AwaitFence(req, func(r FenceResult) { got <- r })
	select {
	case r := <-got:
		return r
	case <-time.After(limit):
		t.Fatal("no answer to a fence request")
		return FenceResult{}
	}
}
