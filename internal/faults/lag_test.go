package faults

import (
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/pgroute/pgroute/internal/cluster"
	"github.com/pgroute/pgroute/internal/lab"
)

// metric reads one line of /metrics by its name and labels; "" without it.
func (r *rig) metric(line string) string {
	r.t.Helper()
	resp, err := http.Get("http://" + r.AdminAddr().String() + "/metrics")
	if err != nil {
		r.t.Fatal(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		r.t.Fatal(err)
	}
	for l := range strings.Lines(string(body)) {
		if value, ok := strings.CutPrefix(l, line+" "); ok {
			return strings.TrimSpace(value)
		}
	}
	return ""
}

func TestReadsLeaveAStandbyThatLagsAndReturn(t *testing.T) {
	const maxLag = 256 << 10
	r := start(t, lab.Options{Standbys: 2}, "health.max_lag_bytes=256kB", "health.interval=100ms", "admin_listen=localhost:0")
	l := r.begin(8, autocommit, read)
	r.do(r.lab.PauseReplay, "standby2")
	r.at("primary", "CREATE TABLE filler AS SELECT repeat('x', 1000) FROM generate_series(1, 2000)")
	r.awaitNode("standby2", cluster.ExcludedLagBytes)
	if got := r.metric(`pgroute_node_excluded{node="standby2",reason="lag_bytes"}`); got != "1" {
		t.Errorf("/metrics shows %q", got)
	}
	if n := r.Monitor().Snapshot().ByName("standby2"); n.LagBytes <= maxLag {
		t.Errorf("left with a lag of %d", n.LagBytes)
	}
	l.awaitRounds(2) // what was under way is answered
	before, other := r.answered("standby2"), r.answered("standby1")
	// The filler may have put standby1 beyond the limit too, for a moment.
	poll(t, "standby1 is read", func() bool {
		l.awaitRounds(1)
		return r.answered("standby1") >= other+20
	})
	if n := r.answered("standby2") - before; n > 0 {
		t.Errorf("the lagging standby answered %d reads", n)
	}
	r.do(r.lab.ResumeReplay, "standby2")
	r.awaitNode("standby2", cluster.Eligible)
	if n := r.Monitor().Snapshot().ByName("standby2"); n.Exclusion == cluster.Eligible && n.LagBytes > maxLag*80/100 {
		t.Errorf("returned with a lag of %d", n.LagBytes)
	}
	// Sessions stay where they read; new ones, which have read nowhere, use it.
	poll(t, "standby2 is read again", func() bool {
		must(t, r.Connect(t), "SELECT 1")
		return r.answered("standby2") > before
	})
	f := l.audit(r.direct("primary"))
	t.Logf("%s", &f)
	f.check(t)
	if len(f.states) > 0 {
		t.Errorf("clients were told %v", f.states)
	}
}
