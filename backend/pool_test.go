package backend

import "testing"

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
