package health

import (
	"context"
	"time"

	"github.com/pgroute/pgroute/internal/cluster"
	"github.com/pgroute/pgroute/internal/pg"
)

// courier carries LSNs from one node to the hub on a connection of its own, so
// that a slow probe never delays a read that waits for its fence. On the
// primary it asks where the WAL ends, on a standby for the replay LSN, and
// only while somebody waits. One goroutine, run.
type courier struct {
	id      cluster.NodeID
	net     network
	hub     *hub
	timeout time.Duration
	// confirm gives the life to which a connection opened before belongs.
	confirm func(context.Context, cluster.NodeID) (cluster.Life, error)
	suspect func(cluster.NodeID)
	// inserted tells the judge where a primary's WAL ends, and gives the lowest
	// position that covers the commits acknowledged before the query was sent.
	inserted func(id cluster.NodeID, life cluster.Life, sentAt, at time.Time, w walState) pg.LSN

	// Owned by run.
	link     lsnLink
	life     cluster.Life
	retryAt  time.Time
	lastPoll time.Time
	spacing  time.Duration
	timer    *time.Timer
}

const (
	// Polls of one standby are this far apart, growing while in vain.
	pollSpacing    = 300 * time.Microsecond
	maxPollSpacing = time.Millisecond
	// redialSpacing keeps a courier from dialling in vain without pause.
	redialSpacing = 250 * time.Millisecond
)

// run serves the hub until ctx ends.
func (c *courier) run(ctx context.Context) {
	c.timer = time.NewTimer(time.Hour)
	defer c.timer.Stop()
	defer c.drop()
	for ctx.Err() == nil {
		switch c.hub.job(c.id, c.life, time.Now()) {
		case jobRest:
			c.rest(ctx, time.Hour)
		case jobConnect:
			c.connect(ctx)
		case jobAsk:
			c.ask()
		case jobPoll:
			c.poll(ctx)
		}
	}
}

// rest waits for the hub, at most for d.
func (c *courier) rest(ctx context.Context, d time.Duration) {
	c.timer.Reset(d)
	select {
	case <-ctx.Done():
	case <-c.hub.wake[c.id]:
	case <-c.timer.C:
	}
	c.spacing = pollSpacing
}

// connect opens a connection and learns to which life it belongs.
func (c *courier) connect(ctx context.Context) {
	c.drop()
	if pause := time.Until(c.retryAt); pause > 0 {
		c.rest(ctx, pause)
		return
	}
	ctx, cancel := context.WithTimeout(ctx, c.timeout)
	defer cancel()
	c.retryAt = time.Now().Add(redialSpacing)
	l, err := c.net.dialLSN(ctx, c.id)
	if err != nil {
		return
	}
	// Confirmed after it was opened: this connection and the monitor's have
	// lived at the same time, so they see the same stretch of recovery.
	c.link = l
	if c.life, err = c.confirm(ctx, c.id); err != nil {
		c.drop()
	}
}

// ask sends one fence query for all who ask by now.
func (c *courier) ask() {
	now := time.Now()
	q, ok := c.hub.startAsk(c.id, c.life, now)
	if !ok {
		return // the primary moved since the job was given
	}
	insert, flush, err := c.link.walEnd(now.Add(c.timeout))
	if err != nil {
		c.drop()
		c.suspect(c.id)
	} else {
		w := walState{insert: insert.RecordEnd(q.segment), flush: flush.RecordEnd(q.segment)}
		q.pos.LSN = c.inserted(c.id, c.life, now, time.Now(), w)
	}
	c.hub.answered(q.pos, time.Now())
}

// poll asks for the replay LSN once, not sooner than the spacing allows.
func (c *courier) poll(ctx context.Context) {
	if pause := c.spacing - time.Since(c.lastPoll); pause > 0 {
		c.timer.Reset(pause)
		select {
		case <-ctx.Done():
			return
		case <-c.timer.C:
		}
	}
	c.lastPoll = time.Now()
	c.spacing = min(c.spacing*5/4, maxPollSpacing)
	lsn, err := c.link.replayLSN(c.lastPoll.Add(c.timeout))
	if err != nil {
		c.drop()
		c.suspect(c.id)
		return
	}
	c.hub.replayed(c.id, c.life, lsn, time.Now())
}

// drop closes the connection.
func (c *courier) drop() {
	if c.link != nil {
		c.link.close()
		c.link = nil
	}
	c.life = 0
}
