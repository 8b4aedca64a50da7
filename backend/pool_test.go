package backend

import (
	"testing"

	"github.com/pgroute/pgroute/internal/pg"
)

// TestAnEndedConnectionIsNotGiven: a loop that has seen the end of a
// connection tells the pool of it after the batch. What comes in the same
// batch must not be sent there: its outcome would be reported as unknown.
func TestAnEndedConnectionIsNotGiven(t *testing.T) {
	c, _ := onLoop(t)
	p, r := c.pool, &Request{Loop: c.loop}
	p.all[c], p.total = struct{}{}, 1
	c.Unlink()
	if got := p.acquire(r); got != c {
		t.Fatalf("an idle connection was not given, but %p", got)
	}
	c.Link(&scripted{conn: c})
	c.net.Close()
	c.Unlink()
	if len(p.idle) > 0 {
		t.Error("a connection that has ended became idle")
	}
	p.idle = append(p.idle, c)
	if p.takeIdleLocked(r, true) != nil {
		t.Error("a connection that has ended was given to a session")
	}
}

// TestAFailedDialIsToldToWhomItWasLeft: one who relies on the dial of another,
// who needs it no more, would wait until a connection is given back.
func TestAFailedDialIsToldToWhomItWasLeft(t *testing.T) {
	c, _ := onLoop(t)
	p := c.pool
	served, next, last := &Request{Loop: c.loop, pool: p}, &Request{Loop: c.loop, pool: p}, &Request{Loop: c.loop, pool: p}
	p.all[c], p.total = struct{}{}, 3 // one is in use, two are dialled
	p.waiters = []*Request{next, last}
	next.state, last.state = requestWaiting, requestWaiting
	p.failed(served, pg.Errorf(pg.ConnectionFailure, "no answer"))
	if next.state != requestDelivering || last.state != requestWaiting || len(p.waiters) != 1 {
		t.Errorf("states %d and %d, %d wait", next.state, last.state, len(p.waiters))
	}
	p.waiters = []*Request{last}
	p.total = 3 // another dial is under way for the one who waits
	p.failed(served, pg.Errorf(pg.ConnectionFailure, "no answer"))
	if last.state != requestWaiting {
		t.Error("one was told of a dial that was not its own, while its own is under way")
	}
}
