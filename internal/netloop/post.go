package netloop

// inbox holds what other goroutines gave to the loop.
//
// To make a wake-up cost nothing while the loop is busy, the loop announces
// when it is about to sleep: it sets sleeping, then looks at the inbox once
// more, then sleeps. A poster appends first and looks at sleeping second, so
// one of the two always sees the other.

// Post has f run on the loop's goroutine, after the functions posted before
// it. Any goroutine may call it. It returns false when the loop has ended;
// f will not run then. When it returned true f runs, even if the loop ends
// right after; a function that runs that late finds Attach and Adopt refusing.
func (l *Loop) Post(f func()) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.ended {
		return false
	}
	l.inbox = append(l.inbox, f)
	l.waiting.Store(true)
	l.wakeLocked()
	return true
}

// wakeLocked ends the loop's sleep if it sleeps or is about to. It is called
// with mu held because the poller's descriptor is closed under mu.
func (l *Loop) wakeLocked() {
	if l.sleeping.Load() && l.sleeping.CompareAndSwap(true, false) {
		l.poll.wake()
	}
}

// interrupt makes the loop notice that its context ended.
func (l *Loop) interrupt() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.stopping.Store(true)
	if !l.ended {
		l.wakeLocked()
	}
}

// prepareSleep announces the sleep and reports whether the loop may go
// through with it. awake is its counterpart.
func (l *Loop) prepareSleep() bool {
	l.stats.Sleeps++
	l.publish()
	l.sleeping.Store(true)
	if l.waiting.Load() || l.stopping.Load() {
		l.sleeping.Store(false)
		return false
	}
	return true
}

// awake withdraws the announcement.
func (l *Loop) awake() { l.sleeping.Store(false) }

// runPosted runs what was posted up to now. What these functions post waits
// for the next iteration, so that two of them cannot starve the sockets.
func (l *Loop) runPosted() {
	l.mu.Lock()
	l.inbox, l.running = l.running[:0], l.inbox
	l.waiting.Store(false)
	l.mu.Unlock()
	for i, f := range l.running {
		l.running[i] = nil
		l.stats.Posted++
		l.guard(f)
	}
	l.running = shrunk(l.running)
}

// Defer has f run once on the loop's goroutine after the current batch of
// events, before the loop waits again. Loop goroutine only. A function deferred
// by a deferred function still runs in the same pass.
func (l *Loop) Defer(f func()) { l.deferred = append(l.deferred, f) }

// runDeferred runs the deferred functions, and those they defer.
func (l *Loop) runDeferred() {
	for i := 0; i < len(l.deferred); i++ {
		f := l.deferred[i]
		l.deferred[i] = nil
		l.guard(f)
	}
	l.deferred = shrunk(l.deferred)
}

// keepCap is the capacity up to which a work list is kept for reuse.
const keepCap = 1 << 12

// shrunk empties a work list whose entries have been cleared, and lets it go
// if one burst made it large.
func shrunk[T any](s []T) []T {
	if cap(s) > keepCap {
		return nil
	}
	return s[:0]
}
