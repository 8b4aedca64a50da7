package netloop

import (
	"context"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
)

// TestPostDuringEndLosesNothing: whenever Post said true, the function ran by
// the time Run returned; when it said false it never runs.
func TestPostDuringEndLosesNothing(t *testing.T) {
	for range 50 {
		l := startLoop(t, Options{})
		var accepted, ran atomic.Int64
		var wg sync.WaitGroup
		begun := make(chan struct{}, 8)
		for range 8 {
			wg.Go(func() {
				for i := 0; l.Post(func() { ran.Add(1) }); i++ {
					accepted.Add(1)
					if i == 10 {
						begun <- struct{}{}
					}
				}
			})
		}
		wait(t, begun, "traffic")
		l.stop()
		atEnd := ran.Load()
		wg.Wait()
		if accepted.Load() != atEnd || ran.Load() != atEnd {
			t.Fatalf("accepted %d, ran %d by the end, %d later", accepted.Load(), atEnd, ran.Load())
		}
	}
}

// TestPostKeepsOrder per posting goroutine.
func TestPostKeepsOrder(t *testing.T) {
	l := startLoop(t, Options{})
	const posters, each = 4, 5000
	var got [posters][]int
	var wg sync.WaitGroup
	for p := range posters {
		wg.Go(func() {
			for i := range each {
				l.Post(func() { got[p] = append(got[p], i) })
			}
		})
	}
	wg.Wait()
	l.do(func() {
		for p := range posters {
			if len(got[p]) != each || !slices.IsSorted(got[p]) {
				t.Errorf("poster %d: %d functions ran, sorted %v", p, len(got[p]), slices.IsSorted(got[p]))
			}
		}
	})
}

// TestPostWakesSleepingLoop again and again: a lost wake-up hangs here.
func TestPostWakesSleepingLoop(t *testing.T) {
	l := startLoop(t, Options{})
	ping := make(chan struct{})
	for range 20_000 {
		l.Post(func() { ping <- struct{}{} })
		wait(t, ping, "wake-up")
	}
}

// TestDeferRunsAfterTheBatch once, in order, including nested ones, before
// anything posted meanwhile.
func TestDeferRunsAfterTheBatch(t *testing.T) {
	l := startLoop(t, Options{})
	var got []string
	add := func(s string) func() { return func() { got = append(got, s) } }
	ran := make(chan struct{})
	l.do(func() {
		l.Defer(add("first"))
		l.Defer(func() { l.Defer(add("nested")) })
		l.Defer(add("second"))
		l.Post(func() { got = append(got, "posted"); close(ran) })
		got = append(got, "body")
	})
	wait(t, ran, "posted function")
	l.do(func() {
		if want := []string{"body", "first", "second", "nested", "posted"}; !slices.Equal(got, want) {
			t.Errorf("order %v, want %v", got, want)
		}
	})
}

// TestRunEndsAtOnce when the context has ended before, and runs what was
// posted before.
func TestRunEndsAtOnce(t *testing.T) {
	l, err := New(Options{})
	if err != nil {
		t.Fatal(err)
	}
	ran := false
	l.Post(func() { ran = true })
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if err := l.Run(ctx); err != nil || !ran {
		t.Errorf("Run: %v, posted function ran: %v", err, ran)
	}
}

// TestCloseWithoutRun releases what New acquired.
func TestCloseWithoutRun(t *testing.T) {
	before := openFiles(t)
	l, err := New(Options{})
	if err != nil {
		t.Fatal(err)
	}
	l.Close()
	l.Close()
	if l.Post(func() {}) {
		t.Error("a closed loop accepted a function")
	}
	if after := openFiles(t); after != before {
		t.Errorf("%d descriptors before, %d after", before, after)
	}
}

// TestOptionsAreChecked: sizes that cannot work are refused.
func TestOptionsAreChecked(t *testing.T) {
	for _, o := range []Options{{ReadBuffer: -1}, {LowWater: 10, HighWater: 5}, {LowWater: -1}} {
		if l, err := New(o); err == nil {
			l.Close()
			t.Errorf("%+v was accepted", o)
		}
	}
}
