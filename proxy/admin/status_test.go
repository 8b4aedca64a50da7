package admin

import (
	"bytes"
	"encoding/json"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/pgroute/pgroute/internal/cluster"
)

func updating() bool { return flag.Lookup("update").Value.String() == "true" }

func TestMain(m *testing.M) {
	flag.Bool("update", false, "write the golden files anew")
	flag.Parse()
	os.Exit(m.Run())
}

// TestStatusKeepsItsShape compares names and values: others build on them.
func TestStatusKeepsItsShape(t *testing.T) {
	got, err := json.MarshalIndent(eventful().status(), "", "  ")
	if err != nil {
		t.Fatal(err)
	}
	golden(t, "status.json", append(got, '\n'))
}

func golden(t *testing.T, name string, got []byte) {
	t.Helper()
	file := filepath.Join("testdata", name)
	if updating() {
		if err := os.WriteFile(file, got, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got, want) {
		t.Errorf("%s differs; look at the difference, then run go test -update:\n%s", file, got)
	}
}

func TestReadinessIsAboutLogins(t *testing.T) {
	for _, c := range []struct {
		name   string
		change func(*sample)
		state  string
		says   string
	}{
		{"well", func(*sample) {}, stateReady, ""},
		{"shutting down", func(m *sample) { m.draining = true }, stateNotReady, "shutting down"},
		{"full", func(m *sample) { m.clients = 100 }, stateNotReady, "max_clients is 100"},
		{"primary lost, a standby reads", func(m *sample) {
			m.snap.Primary, m.snap.Writes, m.snap.WritesWhy = cluster.NoNode, cluster.WritesLost, "b is gone"
			m.snap.Nodes[2].Exclusion = cluster.Eligible
		}, stateDegraded, "writes are held: b is gone; reads go to c"},
		{"primary lost, no standby reads", func(m *sample) {
			m.snap.Primary, m.snap.Writes, m.snap.WritesWhy = cluster.NoNode, cluster.WritesLost, "b is gone"
		}, stateNotReady, "no standby can be read: b is gone"},
		{"split brain", func(m *sample) {
			m.snap.Primary, m.snap.Writes, m.snap.WritesWhy = cluster.NoNode, cluster.WritesRefused, "a and b"
			m.snap.Nodes[2].Exclusion = cluster.Eligible
		}, stateDegraded, "writes are refused: a and b"},
		{"nothing known yet", func(m *sample) {
			m.snap = &cluster.Snapshot{Primary: cluster.NoNode, Writes: cluster.WritesStartup}
		}, stateNotReady, "no primary yet"},
	} {
		m := eventful()
		c.change(m)
		r := m.readiness()
		if says := strings.Join(r.Reasons, "; "); r.State != c.state || !strings.Contains(says, c.says) {
			t.Errorf("%s: %s because %q, want %s because %q", c.name, r.State, says, c.state, c.says)
		}
	}
}

func TestNodesAreExplained(t *testing.T) {
	standby := func(e cluster.Exclusion) cluster.Node {
		return cluster.Node{Role: cluster.RoleStandby, Up: true, Weight: 1, Timeline: 1, Exclusion: e, LagBytes: 5 << 20, LagTime: 2 * time.Second}
	}
	idle := standby(cluster.Eligible)
	idle.Weight = 0
	for _, c := range []struct {
		node cluster.Node
		want string
	}{
		{cluster.Node{LastError: "no route"}, "has never answered: no route"},
		{cluster.Node{Role: cluster.RoleStandby, LastError: "timeout"}, "does not answer and was last seen as standby: timeout"},
		{cluster.Node{Role: cluster.RolePrimary, Up: true}, "takes writes, transactions and everything that is not known to be a read"},
		{cluster.Node{Role: cluster.RoleDeposed, Up: true, Timeline: 1}, "is writable but not the accepted primary: timeline 1, accepted is 2; it gets nothing"},
		{standby(cluster.Eligible), "takes reads; 5.0 MiB and 2.0 s behind"},
		{idle, "takes no reads: its weight is 0"},
		{standby(cluster.ExcludedTimeline), "takes no reads: it follows timeline 1, accepted is 2"},
		{standby(cluster.ExcludedForeignSystem), "takes no reads: it belongs to another cluster (system identifier)"},
		{standby(cluster.ExcludedLagBytes), "takes no reads: 5.0 MiB and 2.0 s behind, beyond max_lag_bytes (16MB); it returns below 80 % of that"},
		{standby(cluster.ExcludedLagTime), "takes no reads: 5.0 MiB and 2.0 s behind, beyond max_lag_time (5s); it returns below 80 % of that"},
		{standby(cluster.ExcludedReplayUnknown), "takes no reads: it does not tell what it has replayed"},
	} {
		if got := eventful().explain(&c.node); got != c.want {
			t.Errorf("%s, %s: %q, want %q", c.node.Role, c.node.Exclusion, got, c.want)
		}
	}
}
