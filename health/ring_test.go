package health

import (
	"math/rand/v2"
	"testing"
	"time"

	"github.com/pgroute/pgroute/internal/pg"
)

func at(ms int) time.Time { return time.Unix(1e9, 0).Add(time.Duration(ms) * time.Millisecond) }

func TestRingBoundsStaleness(t *testing.T) {
	r := newRing(100)
	r.add(at(0), 100)
	r.add(at(10), 200)
	r.add(at(20), 200) // idle
	r.add(at(30), 300)
	for _, c := range []struct {
		replay pg.LSN
		want   time.Time
		ok     bool
	}{{99, time.Time{}, false}, {100, at(0), true}, {250, at(20), true}, {300, at(30), true}, {900, at(30), true}} {
		if got, ok := r.freshAt(c.replay); got != c.want || ok != c.ok {
			t.Errorf("freshAt(%d) = %v, %v", c.replay, got, ok)
		}
	}
}

func TestRingFindsTheNearestSample(t *testing.T) {
	r := newRing(100)
	r.add(at(0), 100)
	r.add(at(100), 200)
	r.add(at(200), 200)
	r.add(at(300), 300)
	for _, c := range []struct {
		ms   int
		want pg.LSN
	}{{-5, 100}, {0, 100}, {49, 100}, {51, 200}, {150, 200}, {249, 200}, {251, 300}, {999, 300}} {
		if _, got := r.near(at(c.ms)); got != c.want {
			t.Errorf("near(%d ms) = %d, want %d", c.ms, got, c.want)
		}
	}
	if _, got := newRing(1).near(at(0)); got != 0 {
		t.Error("an empty ring knows a position")
	}
}

func TestRingForgetsWhatIsWrittenAnew(t *testing.T) {
	r := newRing(100)
	r.add(at(0), 100)
	r.add(at(10), 200)
	r.add(at(20), 150) // the primary crashed and lost its unflushed tail
	if _, ok := r.freshAt(199); !ok || r.spans[len(r.spans)-1].lsn != 150 || len(r.spans) != 2 {
		t.Errorf("%+v", r.spans)
	}
	r.add(at(5), 90) // an answer that was overtaken changes nothing
	if len(r.spans) != 2 {
		t.Errorf("%+v", r.spans)
	}
}

// TestRingNeverFlatters compares the ring with the full record: thinned out, it
// may overstate staleness, never understate it.
func TestRingNeverFlatters(t *testing.T) {
	rnd := rand.New(rand.NewPCG(3, 3))
	r, full := newRing(16), newRing(1<<20)
	lsn, ms := pg.LSN(1000), 0
	for range 5000 {
		ms += rnd.IntN(40)
		lsn += pg.LSN(rnd.IntN(3) * rnd.IntN(100))
		r.add(at(ms), lsn)
		full.add(at(ms), lsn)
		replay := lsn - pg.LSN(rnd.IntN(500))
		got, ok := r.freshAt(replay)
		truth, known := full.freshAt(replay)
		if ok && (!known || got.After(truth)) {
			t.Fatalf("at %d ms, replay %d: %v is fresher than %v", ms, replay, got, truth)
		}
		if len(r.spans) > 16 {
			t.Fatal("ring outgrew its limit")
		}
	}
}

func TestBeyondHasHysteresis(t *testing.T) {
	for _, c := range []struct {
		was          bool
		value, limit uint64
		want         bool
	}{
		{false, 100, 100, false}, {false, 101, 100, true}, {true, 100, 100, true}, {true, 80, 100, true},
		{true, 79, 100, false}, {true, 1 << 60, 0, false}, {true, 1 << 62, 1 << 63, false}, {true, 0, 1, true},
	} {
		if got := beyond(c.was, c.value, c.limit); got != c.want {
			t.Errorf("beyond(%v, %d, %d) = %v", c.was, c.value, c.limit, got)
		}
	}
}
