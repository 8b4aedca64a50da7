package netloop

import (
	"context"
	"runtime"
	"runtime/debug"
	"sync"
	"sync/atomic"
	"time"
)

// Loop is one event loop. Run makes the calling goroutine the loop; unless a
// method says otherwise it is to be called on that goroutine only.
type Loop struct {
	opts  Options
	poll  poller
	start time.Time

	// What the loop's goroutine owns.
	slots    []slot    // connections by the index the poller knows them by
	vacant   []int32   // unused slots
	buf      []byte    // every socket is read into this
	chunks   chunkPool // spare output chunks
	timers   timerHeap
	armedFor int64     // the moment the poller will wake us for timers
	due      bool      // that moment came
	now      time.Time // valid while fresh
	fresh    bool
	current  *Conn   // whose handler runs
	touched  []*Conn // connections whose epoll mask may be out of date
	broken   []*Conn // connections whose output failed in this batch
	closing  []*Conn // connections that are owed OnClose
	deferred []func()
	running  []func() // posted functions of this iteration
	stats    Stats
	// unpublished counts iterations since stats were last shown.
	unpublished int
	pumps       sync.WaitGroup

	// The counters as other goroutines read them.
	shownMu sync.Mutex
	shown   Stats

	// What other goroutines touch. mu guards inbox and ended.
	sleeping atomic.Bool
	waiting  atomic.Bool // inbox is not empty
	stopping atomic.Bool // the context ended
	mu       sync.Mutex
	inbox    []func()
	ended    bool
}

// slot ties an index known to the kernel to a connection. gen distinguishes
// the connections that use the slot one after the other: an event that was
// collected for an earlier one is recognised and dropped.
type slot struct {
	conn *Conn
	gen  uint32
}

// New returns a loop that is not running yet. It holds descriptors: either
// Run or Close must be called.
func New(opts Options) (*Loop, error) {
	opts, err := opts.withDefaults()
	if err != nil {
		return nil, err
	}
	l := &Loop{opts: opts, start: time.Now(), buf: make([]byte, opts.ReadBuffer), armedFor: noTime}
	if err := l.poll.open(l); err != nil {
		return nil, err
	}
	return l, nil
}

// Close releases a loop that never ran. After Run it does nothing.
func (l *Loop) Close() { l.end() }

// Run serves the loop's connections on the calling goroutine until ctx ends or
// waiting for events fails. It then runs what was posted, closes every
// connection (OnClose with nil) and returns the failure, nil when ctx ended.
// It can run once.
func (l *Loop) Run(ctx context.Context) error {
	// Moved from thread to thread by the scheduler, a loop under load cost an
	// eighth more per message.
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	stop := context.AfterFunc(ctx, l.interrupt)
	defer stop()
	var err error
	for err == nil && !l.stopping.Load() {
		err = l.iterate()
	}
	l.shutdown()
	return err
}

// iterate is one turn: wait, then handle everything there is.
func (l *Loop) iterate() error {
	if err := l.wait(); err != nil {
		return err
	}
	l.fresh = false
	l.stats.Iterations++
	for l.poll.pending() {
		l.handleEvents()
	}
	if l.due {
		l.due = false
		l.armedFor = noTime
		l.runTimers()
	}
	if l.waiting.Load() {
		l.runPosted()
	}
	l.settle()
	if l.unpublished++; l.unpublished >= publishEvery {
		l.publish()
	}
	return nil
}

// settle brings everything to rest after a batch: deferred functions run,
// failed connections end, closed ones are reported, and the poller learns
// what each connection now waits for. These may cause one another.
func (l *Loop) settle() {
	for len(l.deferred)+len(l.broken)+len(l.closing)+len(l.touched) > 0 {
		l.runDeferred()
		l.endBroken()
		l.reportClosed()
		if len(l.deferred) == 0 {
			l.updateMasks()
		}
	}
	if first := l.timers.first(); first < l.armedFor {
		l.armedFor = first
		l.poll.arm(time.Duration(first) - time.Since(l.start))
	}
}

// updateMasks tells the poller what the touched connections now wait for.
func (l *Loop) updateMasks() {
	for i, c := range l.touched {
		l.touched[i] = nil
		c.touched = false
		c.updateMask()
	}
	l.touched = shrunk(l.touched)
}

// endBroken closes the connections on which a write failed.
func (l *Loop) endBroken() {
	for i := 0; i < len(l.broken); i++ {
		c := l.broken[i]
		l.broken[i] = nil
		l.current = c
		l.guard(c.endBroken)
		l.current = nil
	}
	l.broken = shrunk(l.broken)
}

// reportClosed calls the OnClose callbacks that are due.
func (l *Loop) reportClosed() {
	for i := 0; i < len(l.closing); i++ {
		c := l.closing[i]
		l.closing[i] = nil
		l.current = c
		l.guard(c.report)
		l.current = nil
	}
	l.closing = shrunk(l.closing)
}

// Now is the current time, read at most once per iteration.
func (l *Loop) Now() time.Time {
	if !l.fresh {
		l.now, l.fresh = time.Now(), true
	}
	return l.now
}

// guard runs f and keeps a panic in it from ending the loop.
func (l *Loop) guard(f func()) {
	defer l.recovered()
	f()
}

// recovered is deferred around callbacks. A panic ends the connection whose
// handler ran, if any, and is reported.
func (l *Loop) recovered() {
	v := recover()
	if v == nil {
		return
	}
	c, stack := l.current, debug.Stack()
	l.current = nil
	l.stats.Panics++
	if c != nil {
		c.finish(&PanicError{Value: v, Stack: stack})
	}
	if l.opts.OnPanic != nil {
		l.opts.OnPanic(c, v, stack)
		return
	}
	l.opts.Logger.Error("event loop callback panicked", "panic", v, "stack", string(stack))
}

// shutdown ends the loop: posting stops, what was posted runs, every
// connection closes.
func (l *Loop) shutdown() {
	l.stopping.Store(true)
	l.mu.Lock()
	l.ended = true
	l.mu.Unlock()
	l.runPosted()
	l.settle()
	for i := range l.slots {
		if c := l.slots[i].conn; c != nil {
			c.Close()
		}
	}
	// Pumps end in their own goroutines; nothing can be posted any more, so
	// once they are gone their connections are reported from here.
	l.pumps.Wait()
	for i := range l.slots {
		if c := l.slots[i].conn; c != nil {
			c.pumpGone()
		}
	}
	l.settle()
	l.publish()
	l.end()
}

// end releases the poller, once.
func (l *Loop) end() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.ended = true
	l.poll.close()
}

// place gives c a slot.
func (l *Loop) place(c *Conn) {
	if n := len(l.vacant); n > 0 {
		c.slot, l.vacant = l.vacant[n-1], l.vacant[:n-1]
	} else {
		c.slot = int32(len(l.slots))
		l.slots = append(l.slots, slot{})
	}
	l.slots[c.slot].conn = c
	l.stats.Conns++
}

// vacate takes c out of its slot; events on their way to it are stale now.
func (l *Loop) vacate(c *Conn) {
	s := &l.slots[c.slot]
	s.conn = nil
	s.gen++
	l.vacant = append(l.vacant, c.slot)
	l.stats.Conns--
}

// touch marks c for a look at its epoll mask at the end of the batch.
func (l *Loop) touch(c *Conn) {
	if !c.touched {
		c.touched = true
		l.touched = append(l.touched, c)
	}
}
