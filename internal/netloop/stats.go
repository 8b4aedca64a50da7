package netloop

// Stats are counters of a loop since its start, and two gauges.
type Stats struct {
	Conns      int    // connections the loop owns now
	Timers     int    // timers in the heap now, stopped ones included
	Iterations uint64 // batches handled
	Sleeps     uint64 // waits that gave the processor away
	Events     uint64 // readiness events and pump deliveries handled
	Posted     uint64 // posted functions run
	BytesIn    uint64
	BytesOut   uint64
	Panics     uint64
}

// publishEvery bounds how many busy iterations may pass before the counters
// are published again; a loop that goes to sleep always publishes them.
const publishEvery = 32

// publish makes the loop's counters visible to Stats. The loop counts in
// plain memory and copies rarely: atomic counters would cost as much as the
// whole bookkeeping of an event.
func (l *Loop) publish() {
	l.unpublished = 0
	l.stats.Timers = l.timers.len()
	l.shownMu.Lock()
	l.shown = l.stats
	l.shownMu.Unlock()
}

// Stats returns the counters as of the last sleep or at most a few dozen
// iterations ago. Any goroutine may call it.
func (l *Loop) Stats() Stats {
	l.shownMu.Lock()
	defer l.shownMu.Unlock()
	return l.shown
}
