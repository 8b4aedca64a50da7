package faults

import (
	"testing"

	"github.com/pgroute/pgroute/internal/cluster"
	"github.com/pgroute/pgroute/internal/lab"
)

// firstReads opens sessions one after the other, each reads once, and gives
// how many of them each standby served.
func firstReads(t *testing.T, r *rig, sessions int) (first, second uint64) {
	t.Helper()
	before := [2]uint64{r.answered("standby1"), r.answered("standby2")}
	for range sessions {
		c := r.Connect(t)
		must(t, c, "SELECT 1")
		_ = c.Close(t.Context())
	}
	return r.answered("standby1") - before[0], r.answered("standby2") - before[1]
}

// A standby that comes back gets its reads little by little.
func TestARecoveredStandbyIsWarmedUp(t *testing.T) {
	const sessions = 60
	for warm, cold := range map[string]bool{"1h": true, "0": false} {
		t.Run(warm, func(t *testing.T) {
			r := start(t, lab.Options{Standbys: 2}, "routing.warm_up="+warm, "workers=1")
			if a, b := firstReads(t, r, sessions); a < sessions/4 || b < sessions/4 {
				t.Fatalf("%d and %d reads while both are warm", a, b)
			}
			r.do(r.lab.Kill, "standby1")
			r.awaitNode("standby1", cluster.ExcludedUnreachable)
			r.do(r.lab.StartNode, "standby1")
			r.awaitNode("standby1", cluster.Eligible)
			a, b := firstReads(t, r, sessions)
			t.Logf("%d reads on the standby that came back, %d on the other", a, b)
			if cold != (a*3 < b) {
				t.Errorf("is it warmed up gently? want %v", cold)
			}
		})
	}
}
