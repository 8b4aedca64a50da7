package netloop

import (
	"math"
	"time"
)

// Timer calls a function on the loop's goroutine after some time. It belongs
// to one loop and is used on that loop's goroutine only. Setting, moving later
// and stopping cost a few nanoseconds and no allocation, so a timer may be set
// and stopped for every query.
type Timer struct {
	loop *Loop
	f    func()
	// when is the moment to fire at, in nanoseconds since the loop's start;
	// noTime while the timer is stopped.
	when int64
	// key is the moment under which the heap holds the timer: at most when,
	// because moving a timer later or stopping it leaves the heap alone.
	key int64
	// pos is the index in the heap, -1 outside it.
	pos int
}

// noTime lies after every moment.
const noTime = math.MaxInt64

// NewTimer returns a stopped timer for f, to be armed by Reset as often as
// wanted. Loop goroutine only.
func (l *Loop) NewTimer(f func()) *Timer {
	return &Timer{loop: l, f: f, when: noTime, pos: -1}
}

// AfterFunc calls f once after d, counted from Now. Loop goroutine only.
func (l *Loop) AfterFunc(d time.Duration, f func()) *Timer {
	t := l.NewTimer(f)
	t.Reset(d)
	return t
}

// Reset arms the timer to fire d from Now, whether it was armed or not; it
// reports whether it was.
func (t *Timer) Reset(d time.Duration) bool {
	was := t.Armed()
	if !was && t.pos >= 0 {
		t.loop.timers.stopped--
	}
	// At least a nanosecond: what a timer function re-arms is never due in the
	// same batch, or it could hold the loop.
	when := int64(t.loop.Now().Sub(t.loop.start) + max(d, 1))
	if when < 0 { // d was so long that the sum overflowed
		when = noTime - 1
	}
	t.when = when
	t.loop.timers.schedule(t)
	return was
}

// Stop disarms the timer. It reports false when it had fired or was stopped
// already. After Stop the function does not run, even if it was due in this
// very batch.
func (t *Timer) Stop() bool {
	if !t.Armed() {
		return false
	}
	t.when = noTime
	if t.pos >= 0 {
		t.loop.timers.stopped++
		t.loop.timers.tidy()
	}
	return true
}

// Armed reports whether the timer is going to fire.
func (t *Timer) Armed() bool { return t.when != noTime }

// runTimers fires what is due. The moment is read once, so timers re-armed by
// the functions wait for the next batch.
func (l *Loop) runTimers() {
	l.fresh = false
	now := int64(l.Now().Sub(l.start))
	for {
		t := l.timers.due(now)
		if t == nil {
			return
		}
		l.guard(t.f)
	}
}

// timerHeap is a binary min-heap by key. Keys may be too early (see Timer):
// what surfaces too early goes back under its true moment or, if stopped,
// leaves.
type timerHeap struct {
	items   []*Timer
	stopped int // stopped timers still inside
}

func (h *timerHeap) len() int { return len(h.items) }

// first is the moment at which the heap next wants attention.
func (h *timerHeap) first() int64 {
	if len(h.items) == 0 {
		return noTime
	}
	return h.items[0].key
}

// schedule makes sure the heap holds t under a key no later than t.when.
func (h *timerHeap) schedule(t *Timer) {
	if t.pos < 0 {
		t.key, t.pos = t.when, len(h.items)
		h.items = append(h.items, t)
		h.up(t.pos)
		return
	}
	if t.when < t.key {
		t.key = t.when
		h.up(t.pos)
	}
}

// due takes out and returns a timer whose moment has come, nil when there is
// none. The timer is disarmed already, so its function may re-arm it.
func (h *timerHeap) due(now int64) *Timer {
	for h.first() <= now {
		t := h.items[0]
		switch {
		case t.when == noTime:
			h.stopped--
			h.removeFirst()
		case t.when > now:
			t.key = t.when
			h.down(0)
		default:
			h.removeFirst()
			t.when = noTime
			return t
		}
	}
	return nil
}

// tidy rebuilds the heap without its stopped timers once they are the
// majority, so that one-shot timers that are always stopped do not pile up
// until their moments pass.
func (h *timerHeap) tidy() {
	if h.stopped < 64 || h.stopped < len(h.items)/2 {
		return
	}
	kept := h.items[:0]
	for _, t := range h.items {
		if t.when == noTime {
			t.pos = -1
			continue
		}
		t.key, t.pos = t.when, len(kept)
		kept = append(kept, t)
	}
	clear(h.items[len(kept):])
	h.items, h.stopped = kept, 0
	for i := len(kept)/2 - 1; i >= 0; i-- {
		h.down(i)
	}
}

// removeFirst takes the root out.
func (h *timerHeap) removeFirst() {
	first, last := h.items[0], len(h.items)-1
	h.items[0], h.items[last] = h.items[last], nil
	h.items = h.items[:last]
	if last > 0 {
		h.down(0)
	}
	first.pos = -1
}

// up moves the timer at i towards the root.
func (h *timerHeap) up(i int) {
	t := h.items[i]
	for i > 0 {
		parent := (i - 1) / 2
		if h.items[parent].key <= t.key {
			break
		}
		h.items[i] = h.items[parent]
		h.items[i].pos = i
		i = parent
	}
	h.items[i], t.pos = t, i
}

// down moves the timer at i towards the leaves.
func (h *timerHeap) down(i int) {
	t := h.items[i]
	for {
		child := 2*i + 1
		if child >= len(h.items) {
			break
		}
		if r := child + 1; r < len(h.items) && h.items[r].key < h.items[child].key {
			child = r
		}
		if t.key <= h.items[child].key {
			break
		}
		h.items[i] = h.items[child]
		h.items[i].pos = i
		i = child
	}
	h.items[i], t.pos = t, i
}
