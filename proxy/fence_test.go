package proxy_test

import (
	"testing"

	"github.com/pgroute/pgroute/internal/serve/servetest"
)

// TestOneFencePerWrite: a session that has waited for its write on a standby
// reads there on without asking the primary again, although no probe has shown
// yet how far the standby is.
func TestOneFencePerWrite(t *testing.T) {
	p := servetest.Start(t, shared, "health.interval=30s")
	c := p.Connect(t)
	must(t, c, "CREATE TABLE fenced (a int)")
	defer must(t, c, "DROP TABLE fenced")
	p.AwaitCatalog("postgres")
	counters := p.Server().Counters()
	for range 5 {
		must(t, c, "INSERT INTO fenced VALUES (1)")
		awaitStandby(t, p, c)
		before, waits := onStandbys(p), counters.FenceWaits.Load()
		for range 10 {
			must(t, c, "SELECT count(*) FROM fenced")
		}
		if n := onStandbys(p) - before; n != 10 {
			t.Errorf("standbys answered %d of 10 reads", n)
		}
		if n := counters.FenceWaits.Load() - waits; n > 0 {
			t.Errorf("%d reads waited for a fence that the session knew to be passed", n)
		}
	}
}
