package faults

import (
	"testing"

	"github.com/pgroute/pgroute/internal/lab"
	"github.com/pgroute/pgroute/internal/serve/servetest"
)

// Nothing is shared between them: each finds the new primary by itself.
func TestTwoPgroutesFollowTheSameFailover(t *testing.T) {
	r := start(t, lab.Options{Standbys: 2, Sync: true})
	second := &rig{Proxy: servetest.Start(t, r.lab), t: t, lab: r.lab}
	first := r.begin(8, autocommit, transaction, read, simple)
	second.awaitKnown("SELECT n FROM counters") // the DDL went past it
	other := second.join(8, 8, autocommit, transaction, read, simple)
	promoted := r.promotion("standby1")
	r.do(r.lab.Kill, "primary")
	r.do(r.lab.Promote, "standby1")
	at := <-promoted
	first.awaitRounds(5)
	other.awaitRounds(5)
	second.awaitPrimary("standby1")
	first.end()
	other.end()
	both := &load{t: t, stop: first.stop, clients: append(first.clients, other.clients...)}
	f := both.audit(r.direct("standby1"))
	t.Logf("%s", &f)
	f.check(t)
	r.reportGap(first, at)
	second.reportGap(other, at)
}
