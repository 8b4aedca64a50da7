package health

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgconn"
	"go.uber.org/goleak"

	"github.com/pgroute/pgroute/internal/cluster"
	"github.com/pgroute/pgroute/internal/pg"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func TestProbesOfOneRoundAreSentTogether(t *testing.T) {
	bubble(t, 2, Config{Interval: 500 * time.Millisecond}, func(t *testing.T, m *Monitor, f *fakeNet) {
		before := len(f.get(0).probes)
		elapse(5 * time.Second)
		a, b := f.get(0).probes, f.get(2).probes
		if n := len(a) - before; n != 10 {
			t.Errorf("%d probes in 5 s, want 10", n)
		}
		if d := a[len(a)-1].Sub(b[len(b)-1]).Abs(); d > time.Millisecond {
			t.Errorf("probes of one round are %v apart", d)
		}
	})
}

// Who answers first is judged without knowing of the others: nobody must be
// told of that.
func TestTheStartTellsWhatNodesTurnOutToBe(t *testing.T) {
	bubble(t, 2, Config{}, func(t *testing.T, m *Monitor, _ *fakeNet) {
		elapse(time.Second)
		ups := 0
		for _, e := range m.Events() {
			switch {
			case e.Kind == EventNodeUp && !strings.Contains(e.Detail, "deposed"):
				ups++
			case e.Kind == EventEligible, e.Kind == EventPrimary, e.Kind == EventSwitch:
			default:
				t.Errorf("%s: %s", e.Kind, e.Detail)
			}
		}
		if ups != 3 {
			t.Errorf("%d nodes came up: %+v", ups, m.Events())
		}
	})
}

func TestDeathIsNoticedWithoutAProbe(t *testing.T) {
	bubble(t, 1, Config{Interval: time.Hour}, func(t *testing.T, m *Monitor, f *fakeNet) {
		f.kill(0)
		elapse(roundSpacing)
		s := m.Snapshot()
		if s.Writes != cluster.WritesLost || s.Primary != cluster.NoNode {
			t.Errorf("%+v", s)
		}
		if m.Stats().Switch.State != SwitchHolding {
			t.Error("not holding")
		}
	})
}

func TestPromotionIsSeenWithinSixtyMilliseconds(t *testing.T) {
	bubble(t, 2, Config{Interval: time.Hour}, func(t *testing.T, m *Monitor, f *fakeNet) {
		f.kill(0)
		elapse(time.Second)
		f.promote(2, 0x1000)
		start := time.Now()
		var seen time.Time
		cancel := m.Subscribe(func(s *cluster.Snapshot) {
			if s.Primary == 2 && seen.IsZero() {
				seen = time.Now()
			}
		})
		defer cancel()
		elapse(200 * time.Millisecond)
		if d := seen.Sub(start); seen.IsZero() || d > 60*time.Millisecond {
			t.Errorf("seen after %v", d)
		}
	})
}

func TestFrozenNodeIsDownAfterTheTimeout(t *testing.T) {
	cfg := Config{Interval: 500 * time.Millisecond, Timeout: 2 * time.Second}
	bubble(t, 1, cfg, func(t *testing.T, m *Monitor, f *fakeNet) {
		f.change(0, func(n *fakeNode) { n.frozen = true })
		elapse(1900 * time.Millisecond)
		if m.Snapshot().Writes != cluster.WritesOpen {
			t.Error("down before the timeout")
		}
		elapse(700 * time.Millisecond)
		s := m.Snapshot()
		if s.Writes != cluster.WritesLost || s.Nodes[0].LastError != "no answer within the timeout" {
			t.Errorf("%+v", s)
		}
		f.change(0, func(n *fakeNode) { n.frozen = false })
		elapse(3 * time.Second)
		if m.Snapshot().Writes != cluster.WritesOpen {
			t.Error("did not come back")
		}
	})
}

// A frozen node must not delay what is seen of the others.
func TestPromotionIsSeenWhileTheOldPrimaryIsFrozen(t *testing.T) {
	bubble(t, 1, Config{Interval: 500 * time.Millisecond}, func(t *testing.T, m *Monitor, f *fakeNet) {
		f.change(0, func(n *fakeNode) { n.frozen = true })
		f.promote(1, 0x1000)
		elapse(600 * time.Millisecond)
		if s := m.Snapshot(); s.Primary != 1 || s.Nodes[0].Role != cluster.RoleDeposed {
			t.Errorf("%+v", s)
		}
	})
}

func TestSuspicionsCoalesce(t *testing.T) {
	bubble(t, 2, Config{Interval: time.Hour}, func(t *testing.T, m *Monitor, f *fakeNet) {
		before := len(f.get(0).probes)
		for range 1000 {
			m.Suspect(0)
		}
		m.Suspect(cluster.NoNode)
		elapse(100 * time.Millisecond)
		if n := len(f.get(0).probes) - before; n < 1 || n > 2 {
			t.Errorf("%d probes for a storm of suspicions", n)
		}
		if n := len(f.get(1).probes); n < 2 {
			t.Error("a suspicion of the primary must look at the others too")
		}
	})
}

func TestConfirmSamplesAfterTheCall(t *testing.T) {
	bubble(t, 1, Config{Interval: time.Hour}, func(t *testing.T, m *Monitor, f *fakeNet) {
		first, err := m.Confirm(t.Context(), 1)
		if err != nil || first != m.Snapshot().Nodes[1].Life {
			t.Fatal(first, err)
		}
		start := time.Now()
		again, err := m.Confirm(t.Context(), 1)
		probes := f.get(1).probes
		if err != nil || again != first || probes[len(probes)-1].Before(start) {
			t.Fatal(again, err)
		}
		f.cut(1) // recovery restarted: connections end, the node is there again
		second, err := m.Confirm(t.Context(), 1)
		if err != nil || second <= first || m.Snapshot().Nodes[1].Life != second {
			t.Fatalf("life %d after %d: %v", second, first, err)
		}
		f.kill(1)
		if _, err := m.Confirm(t.Context(), 1); err == nil {
			t.Error("confirmed a dead node")
		}
		if _, err := m.Confirm(t.Context(), 9); err == nil {
			t.Error("confirmed a node that does not exist")
		}
	})
}

// A connection that breaks under a probe does not make the node down when it
// can be reached again.
func TestBrokenConnectionIsReplacedAtOnce(t *testing.T) {
	bubble(t, 1, calm, func(t *testing.T, m *Monitor, f *fakeNet) {
		before := m.Snapshot().Nodes[0].Life
		f.change(0, func(n *fakeNode) { n.probeDelay = time.Second })
		m.Suspect(0)
		elapse(500 * time.Millisecond)
		f.change(0, func(n *fakeNode) { n.probeDelay = 0 })
		f.cut(0)
		elapse(10 * time.Millisecond)
		if s := m.Snapshot(); s.Primary != 0 || s.Nodes[0].Life <= before || m.Stats().Events[EventNodeDown] != 0 {
			t.Errorf("%+v", s)
		}
	})
}

func TestNodeThatRefusesIsNotHammered(t *testing.T) {
	bubble(t, 1, Config{}, func(t *testing.T, m *Monitor, f *fakeNet) {
		f.change(0, func(n *fakeNode) { n.dialErr = &pgconn.PgError{Code: "28P01", Message: "no"} })
		f.cut(0)
		elapse(100 * time.Millisecond)
		before := f.get(0).dials
		elapse(10 * time.Second) // at the fast pace: 200 probes
		if n := f.get(0).dials - before; n > 11 {
			t.Errorf("%d dials in 10 s", n)
		}
		f.change(0, func(n *fakeNode) { n.dialErr = nil })
		elapse(2 * time.Second)
		if m.Snapshot().Primary != 0 {
			t.Error("did not come back")
		}
	})
}

// A history that cannot be read just now is asked for again; one that may not
// be read leads to the fallback, until the right is granted.
func TestHistoryIsAskedForAgain(t *testing.T) {
	busy := &pgconn.PgError{Code: "53300", Message: "no walsender is free"}
	forbidden := &pgconn.PgError{Code: "42501", Message: "permission denied"}
	for _, c := range []struct {
		name   string
		errs   []error
		reason Reason
		asked  int
	}{
		{"busy once", []error{busy}, ReasonSteady, 2},
		{"busy for long", []error{busy, busy, busy}, ReasonUnverified, 3},
		{"forbidden", []error{forbidden}, ReasonUnverified, 1},
	} {
		bubble(t, 1, Config{}, func(t *testing.T, m *Monitor, f *fakeNet) {
			f.change(1, func(n *fakeNode) { n.historyErrs = c.errs })
			f.kill(0)
			f.promote(1, 0x1000)
			elapse(time.Second)
			s := m.Stats()
			if m.Snapshot().Primary != 1 || s.Reason != c.reason || f.get(1).histories != c.asked {
				t.Errorf("%s: %v after %d questions", c.name, s.Reason, f.get(1).histories)
			}
			elapse(historyRetry + time.Second)
			if s := m.Stats(); s.Reason != ReasonSteady {
				t.Errorf("%s: not asked again: %v", c.name, s.Reason)
			}
		})
	}
}

func TestConfirmationsShareOneProbe(t *testing.T) {
	bubble(t, 1, Config{Interval: time.Hour}, func(t *testing.T, m *Monitor, f *fakeNet) {
		before := len(f.get(1).probes)
		got := make(chan error, 100)
		for range 100 {
			go func() {
				_, err := m.Confirm(t.Context(), 1)
				got <- err
			}()
		}
		for range 100 {
			if err := <-got; err != nil {
				t.Error(err)
			}
		}
		if n := len(f.get(1).probes) - before; n > 2 {
			t.Errorf("%d probes for 100 confirmations", n)
		}
	})
}

func TestConfirmEndsWithTheMonitor(t *testing.T) {
	bubble(t, 1, Config{Interval: time.Hour}, func(t *testing.T, m *Monitor, f *fakeNet) {
		f.change(1, func(n *fakeNode) { n.frozen = true })
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if _, err := m.Confirm(ctx, 1); !errors.Is(err, context.DeadlineExceeded) {
			t.Error(err)
		}
		got := make(chan error, 1)
		go func() {
			<-m.stopped
			_, err := m.Confirm(context.Background(), 1)
			got <- err
		}()
		t.Cleanup(func() {
			if err := <-got; err == nil {
				t.Error("confirmed after the end")
			}
		})
	})
}

func TestSubscribersSeeEverySnapshotInOrder(t *testing.T) {
	bubble(t, 2, Config{}, func(t *testing.T, m *Monitor, f *fakeNet) {
		var versions []uint64
		cancel := m.Subscribe(func(s *cluster.Snapshot) { versions = append(versions, s.Version) })
		f.kill(0)
		f.promote(1, 0x1000)
		elapse(time.Second)
		cancel()
		seen := len(versions)
		elapse(time.Second)
		if len(versions) != seen {
			t.Error("called after cancel")
		}
		for i, v := range versions {
			if v != versions[0]+uint64(i) {
				t.Fatalf("versions %v", versions)
			}
		}
		if seen < 5 {
			t.Errorf("only %d snapshots", seen)
		}
	})
}

func TestHoldsAreCountedThroughASwitch(t *testing.T) {
	bubble(t, 1, Config{}, func(t *testing.T, m *Monitor, f *fakeNet) {
		f.kill(0)
		elapse(100 * time.Millisecond)
		m.HoldBegan()
		m.HoldBegan()
		f.promote(1, 0x1000)
		elapse(100 * time.Millisecond)
		if s := m.Stats().Switch; s.State != SwitchDraining || s.Held != 2 || s.Gap < 100*time.Millisecond {
			t.Errorf("%+v", s)
		}
		m.HoldEnded(HoldDrained)
		m.HoldEnded(HoldTimeout)
		if s := m.Stats().Switch; s.State != SwitchSteady || s.Ended[HoldTimeout] != 1 || s.Holds[ReasonPrimaryDown] != 1 {
			t.Errorf("%+v", s)
		}
	})
}

func TestStateFileSurvivesARestart(t *testing.T) {
	cfg := Config{StateFile: filepath.Join(t.TempDir(), "state.json")}
	bubble(t, 1, cfg, func(t *testing.T, m *Monitor, f *fakeNet) {
		f.kill(0)
		f.promote(1, 0x1000)
		elapse(time.Second)
	})
	acc, err := loadState(cfg.StateFile)
	want := []cluster.Ancestor{{Timeline: 1, End: 0x1000}}
	if err != nil || acc.systemID != 7 || acc.timeline != 2 || !sameHistory(acc.history, want) || !acc.complete {
		t.Errorf("%+v, %v", acc, err)
	}
}

func TestDamagedStateFileStopsTheStart(t *testing.T) {
	for _, text := range []string{"", "{", "{}", `{"system_identifier":"7","timeline":2,"history":[{"timeline":1,"switch_lsn":"x"}]}`} {
		path := filepath.Join(t.TempDir(), "state.json")
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := loadState(path); err == nil || !strings.Contains(err.Error(), path) {
			t.Errorf("%q: %v", text, err)
		}
	}
}

func TestEventsTellTheStoryInOrder(t *testing.T) {
	bubble(t, 1, Config{}, func(t *testing.T, m *Monitor, f *fakeNet) {
		f.change(0, func(n *fakeNode) { n.insert = 0x5000 })
		elapse(time.Second)
		f.kill(0)
		elapse(100 * time.Millisecond)
		f.promote(1, 0x1000)
		elapse(100 * time.Millisecond)
		var kinds []EventKind
		for _, e := range m.Events() {
			if e.Kind == EventNodeDown || e.Kind == EventPrimary || e.Kind == EventWritesLost || e.Kind == EventSwitch {
				kinds = append(kinds, e.Kind)
			}
		}
		want := []EventKind{EventPrimary, EventSwitch, EventNodeDown, EventSwitch, EventPrimary, EventWritesLost, EventSwitch}
		if len(kinds) != len(want) {
			t.Fatalf("%v, want %v", kinds, want)
		}
		for i := range want {
			if kinds[i] != want[i] {
				t.Fatalf("%v, want %v", kinds, want)
			}
		}
	})
}

func TestEventRingIsBounded(t *testing.T) {
	var r eventRing
	for i := range eventLimit * 3 {
		r.add(Event{Kind: EventLife, Timeline: pg.TimelineID(i)})
	}
	all := r.list()
	if len(all) != eventLimit || all[0].Timeline != eventLimit*2 || r.counts[EventLife] != eventLimit*3 {
		t.Errorf("%d events from %d", len(all), all[0].Timeline)
	}
}
