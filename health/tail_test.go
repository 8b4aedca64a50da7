package health

import (
	"encoding/binary"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/pgroute/pgroute/internal/cluster"
	"github.com/pgroute/pgroute/internal/pg"
)

// look is one query of a story about a tail: when, what it told, and what it
// must be found to cover.
type look struct {
	ms            int
	insert, flush pg.LSN
	stalled       bool
	life          cluster.Life
	want          pg.LSN
}

// follow runs a story; the window is that of the default wal_writer_delay, so
// that 850 counted ms make a stretch quiet, of which one step counts 250.
func follow(t *testing.T, story ...look) {
	t.Helper()
	var tl tail
	for i, l := range story {
		w := walState{insert: l.insert, flush: l.flush, window: fakeWindow, stalled: l.stalled}
		if got := tl.see(l.life, at(l.ms), at(l.ms), w); got != l.want {
			t.Errorf("look %d at %d ms: covered by %v, want %v", i, l.ms, got, l.want)
		}
	}
}

func TestTailThatStandsStillHoldsNoCommit(t *testing.T) {
	follow(t,
		look{ms: 0, insert: 100, flush: 100, want: 100},
		look{ms: 250, insert: 200, flush: 100, want: 200}, // may be an asynchronous commit
		look{ms: 500, insert: 200, flush: 100, want: 200},
		look{ms: 750, insert: 200, flush: 100, want: 200},
		look{ms: 1000, insert: 200, flush: 150, want: 200},
		look{ms: 1099, insert: 200, flush: 150, want: 200},
		look{ms: 1100, insert: 200, flush: 150, want: 150}, // the newest flush LSN, not the first
		look{ms: 1200, insert: 201, flush: 150, want: 201}, // something was inserted since
		look{ms: 1300, insert: 201, flush: 201, want: 201},
	)
}

func TestStandstillOfThePrimaryIsNoQuiet(t *testing.T) {
	follow(t,
		look{ms: 0, insert: 200, flush: 100, want: 200},
		look{ms: 10_000, insert: 200, flush: 100, want: 200},
		look{ms: 10_250, insert: 200, flush: 100, want: 200},
		look{ms: 10_500, insert: 200, flush: 100, want: 200},
		look{ms: 10_600, insert: 200, flush: 100, want: 100},
	)
}

func TestWaitForTheDiskIsNoQuiet(t *testing.T) {
	follow(t,
		look{ms: 0, insert: 200, flush: 100, want: 200},
		look{ms: 250, insert: 200, flush: 100, want: 200},
		look{ms: 500, insert: 200, flush: 100, want: 200},
		look{ms: 750, insert: 200, flush: 100, want: 200, stalled: true},
		look{ms: 1000, insert: 200, flush: 100, want: 200},
		look{ms: 1250, insert: 200, flush: 100, want: 200},
		look{ms: 1500, insert: 200, flush: 100, want: 200},
		look{ms: 1599, insert: 200, flush: 100, want: 200},
		look{ms: 1600, insert: 200, flush: 100, want: 100},
	)
}

func TestTailOfANewLifeIsLookedAtAnew(t *testing.T) {
	follow(t,
		look{life: 1, ms: 0, insert: 200, flush: 100, want: 200},
		look{life: 1, ms: 500, insert: 200, flush: 100, want: 200},
		look{life: 2, ms: 1000, insert: 200, flush: 100, want: 200},
		look{life: 2, ms: 1250, insert: 200, flush: 100, want: 200},
		look{life: 2, ms: 1500, insert: 200, flush: 100, want: 200},
	)
}

func TestUnknownDelayProvesNothing(t *testing.T) {
	var tl tail
	for ms := 0; ms < 60_000; ms += 200 {
		if got := tl.see(1, at(ms), at(ms), walState{insert: 200, flush: 100}); got != 200 {
			t.Fatalf("after %d ms: %v", ms, got)
		}
	}
}

func TestRingCollapsesWhatHoldsNoCommit(t *testing.T) {
	r := newRing(10)
	for i, lsn := range []pg.LSN{100, 200, 300, 400} {
		r.add(at(10*i), lsn)
	}
	r.collapse(150, 300)
	for _, c := range []struct {
		replay pg.LSN
		want   time.Time
	}{{149, at(0)}, {150, at(20)}, {399, at(20)}, {400, at(30)}} {
		if got, ok := r.freshAt(c.replay); !ok || got != c.want {
			t.Errorf("freshAt(%v) = %v, %v", c.replay, got, ok)
		}
	}
	r.collapse(500, 300) // everything is flushed
	if len(r.spans) != 3 {
		t.Errorf("%+v", r.spans)
	}
	r.add(at(40), 400)
	r.collapse(400, 400)
	if len(r.spans) != 3 || r.spans[2].first != at(30) || r.spans[2].last != at(40) {
		t.Errorf("%+v", r.spans)
	}
}

func TestRecordRunsAcrossPageHeaders(t *testing.T) {
	const segment = pg.DefaultWALSegmentSize
	wal := func(skip int, length uint32) []byte {
		return binary.LittleEndian.AppendUint32(make([]byte, skip), length)
	}
	for _, c := range []struct {
		at, want pg.LSN
		wal      []byte
	}{
		{segment + 0x1000, segment + 0x1064, wal(0, 100)},
		{segment + 0x2000, segment + 0x2000 + 24 + 100, wal(24, 100)},
		{segment, segment + 40 + 100, wal(40, 100)},
		{segment + 0x3F00, segment + 0x4000, wal(0, 256)},
		{segment + 0x3F00, segment + 0x4000 + 24 + 1, wal(0, 257)},
		{segment + 0x3F00, segment + 0x6000 + 24 + 100, wal(0, 256+8192-24+100)},
		{2*segment - 8, 2*segment + 40 + 92, wal(0, 100)},
	} {
		if got, err := recordEndIn(c.wal, c.at, segment); err != nil || got != c.want {
			t.Errorf("record at %v ends at %v, want %v (%v)", c.at, got, c.want, err)
		}
	}
	for _, bad := range [][]byte{nil, wal(0, 0), wal(0, 23), {0, 0, 0, 100}, wal(0, 1<<31)} {
		if got, err := recordEndIn(bad, segment+0x1000, segment); err == nil {
			t.Errorf("%v was read as a record up to %v", bad, got)
		}
	}
}

// tailModel is a primary as PostgreSQL behaves, with all that may happen to
// its WAL and what was acknowledged when.
type tailModel struct {
	rnd           *rand.Rand
	now           int // ms
	insert, flush pg.LSN
	async         []modelCommit // not flushed yet; when is the deadline of the WAL writer
	sync          []modelCommit // not acknowledged yet; when is the end of the flush
	acked         []modelCommit
	stood         int // when it stood still last
}

type modelCommit struct {
	when int
	end  pg.LSN
}

// step lets a millisecond pass.
func (m *tailModel) step(busy int) {
	m.now++
	if m.rnd.IntN(busy) == 0 {
		m.insert += pg.LSN(1 + m.rnd.IntN(9000))
		switch c := (modelCommit{m.now, m.insert}); m.rnd.IntN(8) {
		case 0: // seen at once, flushed later
			m.acked = append(m.acked, c)
			m.async = append(m.async, modelCommit{m.now + m.rnd.IntN(600), m.insert})
		case 1: // the disk may be slow
			c.when += m.rnd.IntN(10)
			if m.rnd.IntN(3) == 0 {
				c.when += m.rnd.IntN(5000)
			}
			m.sync = append(m.sync, c)
		case 2: // whole pages are flushed
			m.flush = max(m.flush, m.insert&^8191)
		}
	}
	m.async = m.due(m.async, func(modelCommit) {})
	m.sync = m.due(m.sync, func(c modelCommit) { m.acked = append(m.acked, modelCommit{m.now, c.end}) })
}

// due flushes what is due and keeps the rest.
func (m *tailModel) due(list []modelCommit, then func(modelCommit)) []modelCommit {
	kept := list[:0]
	for _, c := range list {
		if c.when > m.now {
			kept = append(kept, c)
			continue
		}
		m.flush = max(m.flush, c.end)
		then(c)
	}
	return kept
}

// standStill stops the machine, the disk and all deadlines for a while, not
// twice within a second or so.
func (m *tailModel) standStill() {
	if m.now-m.stood < 2000 {
		return
	}
	d := m.rnd.IntN(4000)
	m.now += d
	for _, list := range [][]modelCommit{m.async, m.sync} {
		for i := range list {
			list[i].when += d
		}
	}
	m.stood = m.now
}

// TestTailCoversEveryAcknowledgedCommit looks at the model at random moments:
// what is said to cover the commits acknowledged before a query was sent must
// cover them, and the ring must never call a position fresher than it is.
func TestTailCoversEveryAcknowledgedCommit(t *testing.T) {
	lowered := 0
	for seed := range uint64(60) {
		rnd := rand.New(rand.NewPCG(seed, 9))
		m := &tailModel{rnd: rnd, insert: 8192, flush: 8192}
		j := &judge{ring: newRing(64), flushed: newRing(64)}
		busy, next := 100, 0
		for range 30_000 {
			m.step(busy)
			switch {
			case rnd.IntN(2000) == 0:
				busy = []int{3, 100, 3000}[rnd.IntN(3)]
			case rnd.IntN(3000) == 0:
				m.standStill()
			}
			if m.now < next {
				continue
			}
			next = m.now + 1 + rnd.IntN(300)
			w := walState{insert: m.insert, flush: m.flush, window: fakeWindow}
			safe := j.tail.see(1, at(m.now), at(m.now), w)
			j.walSeen(at(m.now), w)
			if safe < w.insert {
				lowered++
			}
			m.check(t, j, safe)
		}
	}
	t.Logf("lowered %d times", lowered)
	if lowered < 1000 {
		t.Error("the model is too tame to prove anything")
	}
}

func (m *tailModel) check(t *testing.T, j *judge, safe pg.LSN) {
	t.Helper()
	replay := m.flush - min(m.flush, pg.LSN(m.rnd.IntN(20_000)))
	fresh, known := j.ring.freshAt(replay)
	for i := max(0, len(m.acked)-200); i < len(m.acked); i++ {
		c := m.acked[i]
		if c.end > safe {
			t.Fatalf("at %d ms: the commit acknowledged at %d ends at %v, past %v", m.now, c.when, c.end, safe)
		}
		if known && at(c.when).Before(fresh) && c.end > replay {
			t.Fatalf("at %d ms: %v is called as fresh as %v, but lacks the commit of %d", m.now, replay, fresh, c.when)
		}
	}
}
