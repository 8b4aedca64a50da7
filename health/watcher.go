package health

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/pgroute/pgroute/internal/cluster"
	"github.com/pgroute/pgroute/internal/pg"
)

// watcher keeps one monitor connection to one node and probes when kicked: by
// the pacer, by a suspicion, by someone who wants a confirmation, or by the
// connection breaking while it rests. One goroutine, run.
type watcher struct {
	id      cluster.NodeID
	net     network
	timeout time.Duration
	// observed judges an observation and publishes before it returns.
	observed func(observation)
	nextLife func() cluster.Life
	// replicationDue tells whether pg_stat_replication is to be read now; told
	// takes the answer.
	replicationDue func(cluster.NodeID) bool
	told           func(Replication)
	// straddling names a record that may straddle a primary's flush LSN, and
	// proven takes in that it does.
	straddling func(cluster.NodeID) (straddler, bool)
	proven     func(cluster.Life, straddler)

	kicks chan struct{} // capacity 1: kicks coalesce

	mu      sync.Mutex
	waiting []chan<- confirmation // answered by a sample sent after they joined

	// Owned by run.
	link      link
	life      cluster.Life
	history   history // of historyOf, in this life
	historyOf pg.TimelineID
	attempts  int
	triedAt   time.Time // when history was last asked for
	lastRound time.Time
	refused   bool // the last dial was refused for lack of a right
	lookedAt  straddler
	lookAgain time.Time // not before this, whatever was found
}

// confirmation is the outcome of one round for those who waited for it.
type confirmation struct {
	life cluster.Life
	err  error
}

const (
	// roundSpacing keeps a flapping node, or a storm of suspicions, from being
	// probed without pause. Confirmations do not wait for it.
	roundSpacing = 5 * time.Millisecond
	// refusedSpacing is the pace at a node that refuses the monitor role: each
	// attempt costs it a password hash and a line in its log.
	refusedSpacing = time.Second
	// historyAttempts is how often a history is asked for before it counts as
	// unreadable when the failure looks passing, such as no free walsender.
	historyAttempts = 3
	// historyRetry is when an unreadable history is asked for again: the right
	// may have been granted.
	historyRetry = time.Minute
	// lookSpacing is the least time between two looks at a record.
	lookSpacing = time.Second
)

// kick asks for a round soon. Never blocks.
func (w *watcher) kick() {
	select {
	case w.kicks <- struct{}{}:
	default:
	}
}

// confirm joins the next round whose query is not sent yet.
func (w *watcher) confirm(answer chan<- confirmation) {
	w.mu.Lock()
	w.waiting = append(w.waiting, answer)
	w.mu.Unlock()
	w.kick()
}

// run probes until ctx ends.
func (w *watcher) run(ctx context.Context) {
	defer w.drop()
	for ctx.Err() == nil {
		w.round(ctx)
		w.rest(ctx)
	}
	w.answer(w.take(), confirmation{err: ctx.Err()})
}

// rest waits for a kick. The connection is listened on meanwhile, because a
// node that dies says so at once by closing it.
func (w *watcher) rest(ctx context.Context) {
	if w.link == nil {
		select {
		case <-ctx.Done():
		case <-w.kicks:
		}
	} else if err := w.idle(ctx); err != nil {
		w.drop()
	}
	w.space(ctx)
}

// idle listens on the connection until a kick arrives, ctx ends, or it breaks.
func (w *watcher) idle(ctx context.Context) error {
	listen, stop := context.WithCancel(ctx)
	defer stop()
	done := make(chan struct{})
	var wg sync.WaitGroup
	wg.Go(func() {
		select {
		case <-w.kicks:
			stop()
		case <-done:
		}
	})
	err := w.link.idle(listen)
	// The helper is gone before the link is used again, whoever ended first. A
	// kick it took meanwhile is not lost: a round follows in any case.
	close(done)
	wg.Wait()
	return err
}

// space waits out the time that must pass between two rounds.
func (w *watcher) space(ctx context.Context) {
	pause := w.spacing() - time.Since(w.lastRound)
	if pause <= 0 {
		return
	}
	timer := time.NewTimer(pause)
	defer timer.Stop()
	select {
	case <-ctx.Done():
	case <-timer.C:
	}
}

// spacing is the least time between two rounds.
func (w *watcher) spacing() time.Duration {
	w.mu.Lock()
	defer w.mu.Unlock()
	switch {
	case w.refused:
		return refusedSpacing
	case len(w.waiting) > 0:
		return 0
	}
	return roundSpacing
}

// round takes one sample and answers those who waited for it.
func (w *watcher) round(ctx context.Context) {
	w.lastRound = time.Now()
	waiting := w.take() // before the query is sent: their calls came first
	o := w.probe(ctx)
	// At shutdown every probe fails; that says nothing about the node.
	if ctx.Err() == nil {
		w.observed(o)
	}
	c := confirmation{life: o.life}
	if !o.up() {
		c.err = errors.New(o.err)
	}
	w.answer(waiting, c)
	if o.writable() && w.replicationDue(w.id) {
		w.readReplication(ctx)
	}
	if o.writable() {
		w.lookUp(ctx, &o)
	}
}

// take empties the list of those who wait. The sample is sent after this.
func (w *watcher) take() []chan<- confirmation {
	w.mu.Lock()
	defer w.mu.Unlock()
	waiting := w.waiting
	w.waiting = nil
	return waiting
}

// answer never blocks: the channels have room for their only answer.
func (w *watcher) answer(waiting []chan<- confirmation, c confirmation) {
	for _, ch := range waiting {
		ch <- c
	}
}

// probe asks on the connection at hand; when that turns out broken, on a new
// one at once, so that a node which only closed our connection is not down. A
// connection that does not answer in time is not worth a second wait.
func (w *watcher) probe(ctx context.Context) observation {
	if w.link != nil {
		o := w.sample(ctx)
		if o.err == "" || o.timedOut {
			return o
		}
	}
	return w.redial(ctx)
}

// redial begins a new life if the node answers on a new connection.
func (w *watcher) redial(ctx context.Context) observation {
	ctx, cancel := context.WithTimeout(ctx, w.timeout)
	defer cancel()
	start := time.Now()
	l, err := w.net.dial(ctx, w.id)
	w.refused = err != nil && denied(err)
	if err != nil {
		return w.failed(start, err)
	}
	// Every connection begins a life, however short the gap was: recovery may
	// have started anew meanwhile, and nothing on the server would tell.
	w.link, w.life = l, w.nextLife()
	w.history, w.historyOf, w.attempts = history{}, 0, 0
	return w.sample(ctx)
}

// sample asks on the connection at hand and drops it on any error.
func (w *watcher) sample(ctx context.Context) observation {
	ctx, cancel := context.WithTimeout(ctx, w.timeout)
	defer cancel()
	start := time.Now()
	s, err := w.link.sample(ctx)
	if err != nil {
		w.drop()
		return w.failed(start, err)
	}
	o := observation{node: w.id, sentAt: start, at: time.Now(), life: w.life, sample: s}
	if o.writable() {
		o.history = w.readHistory(ctx, &o)
		o.at = time.Now()
	}
	return o
}

// readHistory reads a writable node's history once per life and timeline.
func (w *watcher) readHistory(ctx context.Context, o *observation) history {
	if w.historyOf != o.timeline {
		w.history, w.historyOf, w.attempts = history{}, o.timeline, 0
	}
	unreadable := w.history.state == historyUnreadable && time.Since(w.triedAt) < historyRetry
	if w.history.state == historyKnown || unreadable {
		return w.history
	}
	ancestors, err := w.net.history(ctx, w.id, o.timeline)
	w.attempts++
	w.triedAt = time.Now()
	switch {
	case err == nil:
		w.history = history{state: historyKnown, ancestors: ancestors}
	case denied(err) || w.attempts >= historyAttempts:
		w.history = history{state: historyUnreadable, err: describe(err)}
	default:
		w.history = history{state: historyPending, err: describe(err)}
	}
	return w.history
}

// readReplication reads what the primary tells of its standbys.
func (w *watcher) readReplication(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, w.timeout)
	defer cancel()
	if rep, err := w.link.replication(ctx); err == nil {
		rep.Node, rep.At = w.id, time.Now()
		w.told(rep)
	}
}

// lookUp finds out whether a record straddles the flush LSN, once for each
// pair of positions. Without the right to replicate, standbys before such a
// record count as lagging until the primary flushes more.
func (w *watcher) lookUp(ctx context.Context, o *observation) {
	s, ok := w.straddling(w.id)
	if !ok || s == w.lookedAt || time.Now().Before(w.lookAgain) {
		return
	}
	ctx, cancel := context.WithTimeout(ctx, w.timeout)
	defer cancel()
	end, err := w.net.recordEnd(ctx, w.id, o.timeline, s.start, o.segmentSize)
	w.lookAgain = time.Now().Add(lookSpacing)
	switch {
	case err != nil && denied(err):
		w.lookAgain = time.Now().Add(historyRetry)
	case err == nil:
		w.lookedAt = s
	}
	if err == nil && end > s.flush {
		w.proven(w.life, s)
		w.kick() // so that the next snapshot tells
	}
}

// failed makes the observation of a node that did not answer.
func (w *watcher) failed(start time.Time, err error) observation {
	return observation{node: w.id, sentAt: start, at: time.Now(), err: describe(err), timedOut: timedOut(err)}
}

// drop closes the connection and with it the life.
func (w *watcher) drop() {
	if w.link != nil {
		w.link.close()
		w.link, w.life = nil, 0
	}
}
