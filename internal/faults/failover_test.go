package faults

import (
	"context"
	"testing"
	"time"

	"github.com/pgroute/pgroute/internal/lab"
)

// promotion polls a standby without pause and gives the moment its first
// answer as a primary was asked for.
func (r *rig) promotion(node string) <-chan time.Time {
	conn := r.direct(node)
	seen := make(chan time.Time, 1)
	go func() {
		for {
			sent := time.Now()
			var recovery bool
			err := conn.QueryRow(context.Background(), "SELECT pg_is_in_recovery()").Scan(&recovery)
			if err != nil || !recovery {
				seen <- sent
				return
			}
		}
	}()
	return seen
}

// killAndPromote crashes the primary under load and promotes standby1; it
// gives the moment of the promotion once all clients have gone on.
func (r *rig) killAndPromote(l *load) time.Time {
	r.t.Helper()
	promoted := r.promotion("standby1")
	r.do(r.lab.Kill, "primary")
	r.do(r.lab.Promote, "standby1")
	at := <-promoted
	l.awaitRounds(5)
	return at
}

// reportGap logs how long writes waited after the promotion, and makes sure
// that they went on. The time itself depends on the machine.
func (r *rig) reportGap(l *load, promoted time.Time) {
	r.t.Helper()
	first := l.firstAfter(promoted)
	gap := first.Sub(promoted)
	r.t.Logf("from promotion to the first executed write: %v; writes were held for %v", gap, r.Monitor().Stats().Switch.Gap)
	if first.IsZero() {
		r.t.Error("no write went through after the promotion")
	}
}

func TestKilledPrimaryLosesNothingThatWasAcknowledged(t *testing.T) {
	r := start(t, lab.Options{Standbys: 2, Sync: true}, "workers=2", "pool.size=4")
	l := r.begin(16, autocommit, transaction, read, simple)
	promoted := r.killAndPromote(l)
	f := l.audit(r.direct("standby1"))
	t.Logf("%s", &f)
	f.check(t)
	r.reportGap(l, promoted)
	for state := range f.states {
		if state != "08007" && state != "40001" {
			t.Errorf("clients were told SQLSTATE %s", state)
		}
	}
}
