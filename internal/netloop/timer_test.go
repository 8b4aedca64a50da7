package netloop

import (
	"math/rand/v2"
	"slices"
	"testing"
	"time"
)

// TestTimersFireInOrder, however they were set.
func TestTimersFireInOrder(t *testing.T) {
	l := startLoop(t, Options{})
	var got []int
	done := make(chan struct{})
	l.do(func() {
		for _, ms := range []int{5, 1, 9, 3, 7} {
			l.AfterFunc(time.Duration(ms)*time.Millisecond, func() {
				if got = append(got, ms); len(got) == 5 {
					close(done)
				}
			})
		}
	})
	wait(t, done, "timers")
	if !slices.IsSorted(got) {
		t.Errorf("fired in order %v", got)
	}
}

// TestTimerNeverEarly: at the time of the call the delay has passed.
func TestTimerNeverEarly(t *testing.T) {
	l := startLoop(t, Options{})
	done := make(chan struct{})
	l.do(func() {
		const d = 3 * time.Millisecond
		set := l.Now()
		l.AfterFunc(d, func() {
			if e := l.Now().Sub(set); e < d {
				t.Errorf("fired after %v, want %v", e, d)
			}
			close(done)
		})
	})
	wait(t, done, "timer")
}

// TestTimerStoppedInsideCallback of another timer due in the same batch, and
// inside its own.
func TestTimerStoppedInsideCallback(t *testing.T) {
	l := startLoop(t, Options{})
	done := make(chan struct{})
	l.do(func() {
		var a, b *Timer
		fired := 0
		// Whichever fires first stops the other.
		a = l.AfterFunc(time.Nanosecond, func() {
			fired++
			if a.Stop() {
				t.Error("a timer that fires could still be stopped")
			}
			b.Stop()
		})
		b = l.AfterFunc(time.Nanosecond, func() { fired++; a.Stop() })
		l.AfterFunc(time.Millisecond, func() {
			if fired != 1 {
				t.Errorf("%d of the two fired, want 1", fired)
			}
			close(done)
		})
	})
	wait(t, done, "last timer")
}

// TestTimerResetInsideCallback makes a ticker of it, which must not keep the
// loop from other work.
func TestTimerResetInsideCallback(t *testing.T) {
	l := startLoop(t, Options{})
	ticks := 0
	done := make(chan struct{})
	l.do(func() {
		var tick *Timer
		tick = l.NewTimer(func() {
			if ticks++; ticks == 1000 {
				close(done)
				return
			}
			if tick.Reset(0) {
				t.Error("a timer that fires counted as armed")
			}
		})
		tick.Reset(0)
	})
	l.do(func() {}) // runs between the ticks
	wait(t, done, "1000 ticks")
}

// TestTimerMovedEarlierAndLater checks both directions of Reset.
func TestTimerMovedEarlierAndLater(t *testing.T) {
	l := startLoop(t, Options{})
	done := make(chan struct{})
	l.do(func() {
		late := l.AfterFunc(time.Millisecond, func() { t.Error("a timer moved an hour away fired") })
		soon := l.AfterFunc(time.Hour, func() { close(done) })
		if !late.Reset(time.Hour) || !soon.Reset(2*time.Millisecond) {
			t.Error("an armed timer counted as stopped")
		}
	})
	wait(t, done, "timer moved earlier")
}

// TestTimersAgainstOracle drives the heap with random operations and compares
// with a slice that is searched.
func TestTimersAgainstOracle(t *testing.T) {
	rnd := rand.New(rand.NewPCG(1, 2))
	l := &Loop{start: time.Now()}
	at := int64(0)
	setClock := func() { l.now, l.fresh = l.start.Add(time.Duration(at)), true }
	setClock()
	timers := make([]*Timer, 300)
	due := make([]int64, len(timers)) // the oracle: 0 means stopped
	for i := range timers {
		timers[i] = l.NewTimer(nil)
	}
	for range 60_000 {
		i := rnd.IntN(len(timers))
		switch op := rnd.IntN(10); {
		case op < 6:
			d := 1 + rnd.Int64N(1000)
			if was := timers[i].Reset(time.Duration(d)); was != (due[i] != 0) {
				t.Fatalf("Reset said %v, oracle %v", was, due[i] != 0)
			}
			due[i] = at + d
		case op < 9:
			if was := timers[i].Stop(); was != (due[i] != 0) {
				t.Fatalf("Stop said %v, oracle %v", was, due[i] != 0)
			}
			due[i] = 0
		default:
			at += rnd.Int64N(100)
			setClock()
			for fired := l.timers.due(at); fired != nil; fired = l.timers.due(at) {
				i := slices.Index(timers, fired)
				if due[i] == 0 || due[i] > at {
					t.Fatalf("timer due at %d fired at %d", due[i], at)
				}
				due[i] = 0
			}
			for i, when := range due {
				if when != 0 && when <= at {
					t.Fatalf("timer %d due at %d did not fire at %d", i, when, at)
				}
			}
		}
		checkHeap(t, &l.timers)
	}
}

// checkHeap verifies the heap's invariants.
func checkHeap(t *testing.T, h *timerHeap) {
	t.Helper()
	stopped := 0
	for i, tm := range h.items {
		if tm.pos != i || tm.key > tm.when || (i > 0 && h.items[(i-1)/2].key > tm.key) {
			t.Fatalf("heap broken at %d: pos %d key %d when %d", i, tm.pos, tm.key, tm.when)
		}
		if tm.when == noTime {
			stopped++
		}
	}
	if stopped != h.stopped {
		t.Fatalf("%d stopped timers inside, counted %d", stopped, h.stopped)
	}
}

// TestStoppedTimersDoNotPileUp: one-shot timers that never fire must not stay
// until their time.
func TestStoppedTimersDoNotPileUp(t *testing.T) {
	l := &Loop{start: time.Now()}
	for range 10_000 {
		l.AfterFunc(time.Hour, nil).Stop()
	}
	if n := l.timers.len(); n > 200 {
		t.Errorf("%d stopped timers are kept", n)
	}
}

// BenchmarkTimer sets and stops a timer among 10,000 others, as a statement
// timeout does for every query.
func BenchmarkTimer(b *testing.B) {
	l := &Loop{start: time.Now()}
	for i := range 10_000 {
		l.AfterFunc(time.Hour+time.Duration(i)*time.Second, nil)
	}
	tm := l.NewTimer(nil)
	b.ReportAllocs()
	for b.Loop() {
		tm.Reset(time.Minute)
		tm.Stop()
	}
}
