package backend

import (
	"github.com/pgroute/pgroute/internal/netloop"
	"github.com/pgroute/pgroute/internal/pg"
	"github.com/pgroute/pgroute/internal/wire"

	"github.com/hashicorp/golang-lru/v2/simplelru"
)

// maxPrepared is beyond what Limits.Prepared, which decides, may be.
const maxPrepared = 1 << 21

// newConn makes a Conn of what a dial brought; Attach gives it its socket.
func newConn(p *pool, loop *netloop.Loop, d *dialled) *Conn {
	c := &Conn{
		Key: p.key, Life: d.life, Base: d.base, Reported: d.reported, Defaults: d.defaults,
		PID: d.pid, Secret: d.secret, Addr: d.address,
		pool: p, loop: loop, born: loop.Now(), tx: wire.TxIdle,
	}
	c.prepared = newPrepared()
	return c
}

func newPrepared() *simplelru.LRU[uint64, *known] {
	lru, _ := simplelru.NewLRU[uint64, *known](maxPrepared, nil) // fails for no size
	return lru
}

// Unlink takes the connection from its session and gives it back to its pool:
// cleaned, or once it is answered and cleaned, or closed when it cannot be.
func (c *Conn) Unlink() {
	c.front = nil
	c.expect.forgetUndo()
	c.stream.holding, c.stream.again = false, false
	c.stream.held = c.stream.held[:0]
	c.net.ResumeRead()
	c.Release()
}

// Abort takes the connection from a session that left in the middle: it is
// given back when what runs has been answered or cancelled, or cut when the
// server waits for more.
func (c *Conn) Abort() {
	if c.batch || c.stream.copyIn {
		c.front = nil
		c.Close()
		return
	}
	c.Cancel()
	c.Unlink()
}

// Release gives back a connection that is linked to nobody.
func (c *Conn) Release() {
	switch {
	case c.closed || !c.net.Open(): // OnClose was or will be called
	case !c.Answered() || c.stream.copyIn:
		c.draining = true // drained goes on
	case c.cancels > 0:
		c.draining = true // CancelDone goes on
	case c.dirty == dirtUnusable || c.batch:
		c.Close()
	case c.tx != wire.TxIdle:
		c.Ask("ROLLBACK", &cleaning{})
	case c.dirty == dirtState:
		c.Ask("DISCARD ALL", &cleaning{done: (*Conn).discarded})
	case c.dirty == dirtStrays:
		c.Ask("DEALLOCATE ALL", &cleaning{done: (*Conn).Forget})
	default:
		c.draining = false
		c.pool.give(c)
	}
}

// drained goes on with a connection whose session left before the answer.
func (c *Conn) drained() {
	if c.draining && c.Answered() {
		c.Release()
	}
}

// discarded notes what DISCARD ALL has done.
func (c *Conn) discarded() {
	c.Forget()
	c.sequences = 0
	c.Applied = Settings{}
}

// cleaning is a statement that makes a connection fit for the next session.
// One that fails makes it unfit for any.
type cleaning struct{ done func(*Conn) }

// Row ignores results.
func (*cleaning) Row([]byte) {}

// Done goes on with giving the connection back.
func (cl *cleaning) Done(c *Conn, err *pg.Error) {
	if err != nil || c.tx != wire.TxIdle {
		c.soil(dirtUnusable)
	} else if cl.done != nil {
		cl.done(c)
		c.dirty = clean
	}
	c.Release()
}

// Bring makes the settings of a session those of the connection, and tells
// done when that is so; only when Answered. The session's own statements
// must wait: under other settings they could mean something else.
func (c *Conn) Bring(set Settings, done Internal) {
	queries := DiffSQL(c.Applied, set)
	if c.serializable() {
		for i := range queries {
			queries[i] = OwnIsolation + queries[i]
		}
	}
	set.All(func(name, _ string) bool {
		if IsCustom(name) {
			c.NoteCustom(name)
		}
		return true
	})
	c.Ask(queries[0], &bringing{set: set, rest: queries[1:], done: done})
}

// bringing is Bring under way.
type bringing struct {
	set  Settings
	rest []string
	done Internal
}

// Row ignores results.
func (*bringing) Row([]byte) {}

// Done sends the next query, or tells the session.
func (b *bringing) Done(c *Conn, err *pg.Error) {
	if err == nil && len(b.rest) > 0 {
		next := b.rest[0]
		b.rest = b.rest[1:]
		c.Ask(next, b)
		return
	}
	if err != nil {
		c.soil(dirtUnusable)
	} else {
		c.Applied = b.set
	}
	b.done.Done(c, err)
}

// moveTo takes an idle connection to the loop of the request it is for.
func (c *Conn) moveTo(r *Request) {
	moved := c.loop.Post(func() {
		d, err := c.net.Detach()
		if err != nil {
			c.Close()
			r.retry()
			return
		}
		c.pool.mu.Lock()
		c.loop = nil // nobody's until it arrives
		c.pool.mu.Unlock()
		if !r.Loop.Post(func() { c.arrive(d, r) }) {
			d.Close()
			c.pool.removed(c)
		}
	})
	if !moved {
		r.retry()
	}
}

// arrive ends a move on the new loop.
func (c *Conn) arrive(d *netloop.Detached, r *Request) {
	nc, err := r.Loop.Adopt(d, c)
	if err != nil {
		d.Close()
		c.closed = true
		c.pool.removed(c)
		r.take(nil, pg.Errorf(pg.ConnectionFailure, "could not take over a server connection").WithCause(err).NothingSent())
		return
	}
	c.net = nc
	c.pool.mu.Lock()
	c.loop = r.Loop
	doomed := c.doomed
	c.pool.mu.Unlock()
	if doomed { // cut while it was on its way
		c.Close()
		r.retry()
		return
	}
	r.take(c, nil)
}

// retry puts a request whose connection was lost on the way back in line.
func (r *Request) retry() {
	r.Loop.Post(func() {
		p := r.pool
		p.mu.Lock()
		if r.state != requestDelivering {
			r.state = requestIdle
			p.mu.Unlock()
			return
		}
		r.state = requestIdle
		p.mu.Unlock()
		if c := p.acquire(r); c != nil {
			r.Taker.Take(c, nil)
		}
	})
}

// OnDrained tells the session that the server takes more (netloop.Handler).
func (c *Conn) OnDrained(*netloop.Conn) {
	if c.front != nil {
		c.front.ServerDrained()
	}
}

// OnClose ends the connection (netloop.Handler).
func (c *Conn) OnClose(_ *netloop.Conn, err error) {
	c.closed = true
	c.pool.removed(c)
	switch {
	case c.lostCause != nil:
		err = c.lostCause
	case err == nil:
		err = ErrClosed
	default:
		c.pool.set.suspect(c.Key.Node)
	}
	c.expect.undo()
	// The session first: for it the loss goes before the end of what pgroute
	// itself was asking on the connection.
	if f := c.front; f != nil {
		c.front = nil
		f.Lost(c, c.stream.fatal, err)
	}
	if in := c.internal; in != nil {
		c.internal = nil
		in.Done(c, lost(c, err))
	}
}

func lost(c *Conn, cause error) *pg.Error {
	if c.stream.fatal != nil {
		return wire.ServerError(c.stream.fatal)
	}
	return pg.Errorf(pg.ConnectionFailure, "the server connection was lost").WithCause(cause)
}

// NothingForwarded reports whether no byte of the answer under way has
// reached the client.
func (c *Conn) NothingForwarded() bool { return c.stream.holding }

// MidMessage reports whether the client was given the beginning of a message
// only, so that nothing sensible can follow.
func (c *Conn) MidMessage() bool { return c.stream.rest > 0 && !c.stream.drop && !c.stream.holding }

// Owed counts the ReadyForQuery that the client waits for.
func (c *Conn) Owed() int {
	n := 0
	for _, x := range c.expect.q[c.expect.head:] {
		if x.origin == forClient && x.kind >= expectSync && x.kind <= expectFunction {
			n++
		}
	}
	return n
}

// InBatch reports whether an extended batch was begun and its Sync not sent.
func (c *Conn) InBatch() bool { return c.batch }
