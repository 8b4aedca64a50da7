package proxy_test

import (
	"testing"
	"time"

	"github.com/pgroute/pgroute/internal/cluster"
	"github.com/pgroute/pgroute/internal/serve/servetest"
)

// TestASlowStandbyIsShed makes one standby slow by what is asked of it, and
// looks where the first reads of new sessions go.
func TestASlowStandbyIsShed(t *testing.T) {
	p := servetest.Start(t, shared, "workers=1")
	c := p.Connect(t)
	for range 20 {
		must(t, c, "/* pgroute: node=standby1 */ SELECT pg_sleep(0.1)")
		must(t, c, "/* pgroute: node=standby2 */ SELECT 1")
	}
	snap := p.Monitor().Snapshot()
	slow, fast := snap.ByName("standby1").ID, snap.ByName("standby2").ID
	onStandbys(p) // what was answered is counted then
	if l := p.Server().Latency(slow); l < 50*time.Millisecond || l < 2*p.Server().Latency(fast) {
		t.Fatalf("the slow standby's latency is %s, the other's %s", l, p.Server().Latency(fast))
	}
	answered := func(id cluster.NodeID) uint64 {
		_, n := p.Server().Queries(id)
		return n
	}
	before := [2]uint64{answered(slow), answered(fast)}
	const sessions = 40
	for range sessions {
		expect(t, p.Connect(t), "SELECT 1", "1")
	}
	onStandbys(p)
	atSlow, atFast := answered(slow)-before[0], answered(fast)-before[1]
	t.Logf("%d of %d reads on the slow standby (%s), %d on the other (%s)",
		atSlow, sessions, p.Server().Latency(slow), atFast, p.Server().Latency(fast))
	if atSlow*3 > atFast {
		t.Errorf("%d of %d reads went to the slow standby", atSlow, sessions)
	}
}
