package health

import (
	"math/rand/v2"
	"testing"
	"time"

	"github.com/pgroute/pgroute/internal/cluster"
	"github.com/pgroute/pgroute/internal/pg"
)

// calm keeps probes out of the way, so that only couriers talk.
var calm = Config{Interval: time.Hour}

// write moves the primary on; the standbys stay behind.
func (f *fakeNet) write(lsn pg.LSN) { f.change(0, func(n *fakeNode) { n.insert = lsn }) }

// replay lets a standby catch up.
func (f *fakeNet) replay(i int, lsn pg.LSN) {
	f.change(i, func(n *fakeNode) { n.replay, n.receive = lsn, lsn })
}

func TestFenceIsAskedAndAwaited(t *testing.T) {
	bubble(t, 2, calm, func(t *testing.T, m *Monitor, f *fakeNet) {
		f.write(0x2000)
		got := ask(t, m, FenceRequest{Budget: time.Second})
		elapse(10 * time.Millisecond)
		select {
		case r := <-got:
			t.Fatalf("answered before any standby was there: %+v", r)
		default:
		}
		f.replay(2, 0x2000)
		elapse(3 * time.Millisecond)
		r := <-got
		want := pg.Position{SystemID: 7, Timeline: 1, LSN: 0x2000}
		if r.Node != 2 || r.Nodes != MaskOf(2) || r.Fence != want || r.Reason != FenceReached || r.Life != m.Snapshot().Nodes[2].Life {
			t.Errorf("%+v", r)
		}
	})
}

func TestFenceRequestsShareTheNextQuery(t *testing.T) {
	bubble(t, 1, calm, func(t *testing.T, m *Monitor, f *fakeNet) {
		asks := f.get(0).asks
		first := ask(t, m, FenceRequest{Budget: time.Second})
		elapse(fakeDelay / 2) // the first query is under way
		f.write(0x2000)
		f.replay(1, 0x2000)
		var rest []<-chan FenceResult
		for range 100 {
			rest = append(rest, ask(t, m, FenceRequest{Budget: time.Second}))
		}
		elapse(5 * time.Millisecond)
		<-first
		for _, ch := range rest {
			if r := <-ch; r.Fence.LSN != 0x2000 || r.Node != 1 {
				t.Fatalf("joined a query sent before it asked: %+v", r)
			}
		}
		if n := f.get(0).asks - asks; n != 2 {
			t.Errorf("%d queries, want 2", n)
		}
	})
}

func TestFenceOfAnEarlierQueryServesThoseWhoWroteBefore(t *testing.T) {
	bubble(t, 1, calm, func(t *testing.T, m *Monitor, f *fakeNet) {
		wrote := time.Now()
		elapse(time.Millisecond)
		<-ask(t, m, FenceRequest{Budget: time.Second})
		asks := f.get(0).asks
		if r, ok := m.TryFence(FenceRequest{Since: wrote}); !ok || r.Node != 1 || r.Fence.LSN == 0 {
			t.Errorf("%+v, %v", r, ok)
		}
		if r := <-ask(t, m, FenceRequest{Since: wrote, Budget: time.Second}); r.Reason != FenceKnown {
			t.Errorf("%+v", r)
		}
		if f.get(0).asks != asks {
			t.Error("asked although an earlier query sufficed")
		}
		<-ask(t, m, FenceRequest{Since: time.Now(), Budget: time.Second})
		if f.get(0).asks != asks+1 {
			t.Error("did not ask although the write came later")
		}
	})
}

func TestFenceJoinsAQueryUnderWayWhenItWroteBefore(t *testing.T) {
	bubble(t, 1, calm, func(t *testing.T, m *Monitor, f *fakeNet) {
		wrote := time.Now()
		elapse(time.Millisecond)
		asks := f.get(0).asks
		first := ask(t, m, FenceRequest{Budget: time.Second})
		elapse(fakeDelay / 2)
		second := ask(t, m, FenceRequest{Since: wrote, Budget: time.Second})
		<-first
		<-second
		if n := f.get(0).asks - asks; n != 1 {
			t.Errorf("%d queries, want 1", n)
		}
	})
}

func TestKnownFenceIsAnsweredWithoutAQuery(t *testing.T) {
	bubble(t, 2, calm, func(t *testing.T, m *Monitor, f *fakeNet) {
		old := pg.Position{SystemID: 7, Timeline: 1, LSN: 0x1000}
		asks, polls := f.get(0).asks, f.get(1).polls
		r, ok := m.TryFence(FenceRequest{Fence: old})
		if !ok || r.Nodes != MaskOf(1, 2) || r.Reason != FenceKnown {
			t.Errorf("%+v, %v", r, ok)
		}
		if r := <-ask(t, m, FenceRequest{Fence: old, Standbys: MaskOf(2)}); r.Node != 2 {
			t.Errorf("%+v", r)
		}
		if f.get(0).asks != asks || f.get(1).polls != polls {
			t.Error("asked a server about what was known")
		}
		if _, ok := m.TryFence(FenceRequest{Fence: pg.Position{SystemID: 7, Timeline: 1, LSN: 0x1001}}); ok {
			t.Error("satisfied a fence nobody has reached")
		}
		if _, ok := m.TryFence(FenceRequest{}); ok {
			t.Error("satisfied an unknown fence")
		}
	})
}

func TestFenceGivesUpAfterTheBudget(t *testing.T) {
	bubble(t, 1, calm, func(t *testing.T, m *Monitor, f *fakeNet) {
		f.write(0x2000)
		start := time.Now()
		r := <-ask(t, m, FenceRequest{Budget: 20 * time.Millisecond})
		if d := time.Since(start); r.Node != cluster.NoNode || r.Reason != FenceBudget || r.Fence.LSN != 0x2000 || d != 20*time.Millisecond {
			t.Errorf("%+v after %v", r, d)
		}
		elapse(5 * time.Millisecond)
		polls := f.get(1).polls
		elapse(time.Second)
		if f.get(1).polls != polls {
			t.Error("polled although nobody waits")
		}
		if polls > 60 {
			t.Errorf("%d polls in 20 ms", polls)
		}
	})
}

func TestHopelessWaitGoesToThePrimaryAtOnceAndRecovers(t *testing.T) {
	bubble(t, 1, calm, func(t *testing.T, m *Monitor, f *fakeNet) {
		req := FenceRequest{Budget: 20 * time.Millisecond}
		f.write(0x2000)
		slow := 0
		for range 10 {
			if r := <-ask(t, m, req); r.Reason == FenceSlow {
				slow++
			}
			elapse(2 * time.Millisecond)
		}
		if slow < 3 {
			t.Errorf("%d of 10 went on at once", slow)
		}
		f.replay(1, 0x9000)
		found := false
		for range 50 {
			found = found || (<-ask(t, m, req)).Node == 1
			elapse(5 * time.Millisecond)
		}
		if r := <-ask(t, m, req); !found || r.Node != 1 {
			t.Errorf("standby is quick again, still %+v", r)
		}
	})
}

func TestFenceWithoutStandbys(t *testing.T) {
	bubble(t, 1, calm, func(t *testing.T, m *Monitor, f *fakeNet) {
		f.write(0x2000)
		waiting := ask(t, m, FenceRequest{Budget: time.Second})
		elapse(10 * time.Millisecond)
		f.kill(1)
		elapse(10 * time.Millisecond)
		if r := <-waiting; r.Reason != FenceNoStandby {
			t.Errorf("waiting for a standby that died: %+v", r)
		}
		if r := <-ask(t, m, FenceRequest{Budget: time.Second}); r.Reason != FenceNoStandby {
			t.Errorf("%+v", r)
		}
	})
}

func TestFenceWithoutPrimary(t *testing.T) {
	bubble(t, 1, calm, func(t *testing.T, m *Monitor, f *fakeNet) {
		asking := ask(t, m, FenceRequest{Budget: time.Second})
		elapse(fakeDelay / 2)
		f.kill(0)
		elapse(10 * time.Millisecond)
		if r := <-asking; r.Reason != FenceAskFailed || r.Node != cluster.NoNode {
			t.Errorf("%+v", r)
		}
		if r := <-ask(t, m, FenceRequest{Budget: time.Second}); r.Reason != FenceNoPrimary {
			t.Errorf("%+v", r)
		}
		known := pg.Position{SystemID: 7, Timeline: 1, LSN: 0x1000}
		if r := <-ask(t, m, FenceRequest{Fence: known, Budget: time.Second}); r.Node != 1 {
			t.Errorf("reads must go on: %+v", r)
		}
	})
}

func TestFenceAcrossASwitch(t *testing.T) {
	bubble(t, 2, calm, func(t *testing.T, m *Monitor, f *fakeNet) {
		f.kill(0)
		f.promote(1, 0x1000)
		f.change(2, func(n *fakeNode) { n.timeline = 2 })
		elapse(time.Second)
		at := func(tl pg.TimelineID, lsn pg.LSN) FenceRequest {
			return FenceRequest{Fence: pg.Position{SystemID: 7, Timeline: tl, LSN: lsn}, Budget: time.Second}
		}
		if r := <-ask(t, m, at(1, 0x800)); r.Node != 2 || r.Lost {
			t.Errorf("a fence before the switch: %+v", r)
		}
		lost := pg.Position{SystemID: 7, Timeline: 2, LSN: 0x1000}
		if r := <-ask(t, m, at(1, 0x7000)); r.Node != 2 || !r.Lost || r.Fence != lost {
			t.Errorf("a fence past the switch: %+v", r)
		}
		if r := <-ask(t, m, at(9, 0x800)); r.Reason != FenceIncomparable {
			t.Errorf("a fence of an unknown timeline: %+v", r)
		}
		if n := m.Stats().Fences.Lost; n != 1 {
			t.Errorf("%d lost fences counted", n)
		}
	})
}

// A standby whose connection broke may have gone back: what it had replayed in
// its former life counts no more.
func TestNewLifeForgetsReplay(t *testing.T) {
	bubble(t, 1, calm, func(t *testing.T, m *Monitor, f *fakeNet) {
		known := FenceRequest{Fence: pg.Position{SystemID: 7, Timeline: 1, LSN: 0x1000}}
		if _, ok := m.TryFence(known); !ok {
			t.Fatal("not known")
		}
		life, _ := m.Replayed(1)
		f.replay(1, 0x800)
		f.cut(1)
		elapse(50 * time.Millisecond)
		if r, ok := m.TryFence(known); ok {
			t.Errorf("believed a former life: %+v", r)
		}
		if now, lsn := m.Replayed(1); now <= life || lsn != 0x800 {
			t.Errorf("life %d after %d at %v", now, life, lsn)
		}
	})
}

func TestSlowProbeDoesNotDelayFences(t *testing.T) {
	bubble(t, 1, calm, func(t *testing.T, m *Monitor, f *fakeNet) {
		for i := range 2 {
			f.change(i, func(n *fakeNode) { n.probeDelay = time.Second })
			m.Suspect(cluster.NodeID(i))
		}
		elapse(10 * time.Millisecond)
		start := time.Now()
		r := <-ask(t, m, FenceRequest{Budget: time.Second})
		if d := time.Since(start); r.Node != 1 || d > 5*time.Millisecond {
			t.Errorf("%+v after %v", r, d)
		}
	})
}

func TestFenceAfterTheEndIsAnswered(t *testing.T) {
	var m *Monitor
	var waiting <-chan FenceResult
	bubble(t, 1, calm, func(t *testing.T, mon *Monitor, f *fakeNet) {
		f.write(0x9000)
		m, waiting = mon, ask(t, mon, FenceRequest{Budget: time.Hour})
		elapse(time.Millisecond)
		t.Cleanup(func() {
			if r := <-waiting; r.Reason != FenceClosed {
				t.Errorf("%+v", r)
			}
			if r := <-ask(t, m, FenceRequest{}); r.Reason != FenceClosed {
				t.Errorf("%+v", r)
			}
		})
	})
}

// TestEveryFenceRequestIsAnsweredOnce lets nodes die, return, change and fall
// behind at random while requests come in.
func TestEveryFenceRequestIsAnsweredOnce(t *testing.T) {
	for seed := range uint64(20) {
		bubble(t, 3, Config{Timeout: 300 * time.Millisecond}, func(t *testing.T, m *Monitor, f *fakeNet) {
			rnd := rand.New(rand.NewPCG(seed, 2))
			var all []<-chan FenceResult
			lsn := pg.LSN(0x1000)
			for range 400 {
				churn(rnd, f, &lsn)
				req := FenceRequest{Budget: time.Duration(rnd.IntN(20)) * time.Millisecond, Standbys: NodeMask(rnd.IntN(16))}
				if rnd.IntN(3) == 0 {
					req.Fence = pg.Position{SystemID: 7, Timeline: 1, LSN: lsn}
				}
				all = append(all, ask(t, m, req))
				elapse(time.Duration(rnd.IntN(3000)) * time.Microsecond)
			}
			elapse(time.Second)
			var reasons [fenceReasons]int
			for i, ch := range all {
				select {
				case r := <-ch:
					reasons[r.Reason]++
				default:
					t.Fatalf("seed %d: request %d was never answered", seed, i)
				}
			}
			s := m.Stats().Fences
			if s.Requests != 400 || s.Waiting != 0 {
				t.Errorf("%+v", s)
			}
			t.Logf("reasons %v", reasons)
		})
	}
}

// churn lets one random thing happen.
func churn(rnd *rand.Rand, f *fakeNet, lsn *pg.LSN) {
	i := rnd.IntN(4)
	switch rnd.IntN(12) {
	case 0:
		f.kill(i)
	case 1, 2, 3:
		f.change(i, func(n *fakeNode) { n.down, n.frozen = false, false })
	case 4:
		f.cut(i)
	case 5:
		f.change(i, func(n *fakeNode) { n.frozen = true })
	case 6, 7:
		*lsn += 0x100
		f.write(*lsn)
	default:
		f.replay(1+rnd.IntN(3), *lsn)
	}
}
