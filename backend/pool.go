package backend

import (
	"slices"
	"sync"
	"sync/atomic"

	"github.com/pgroute/pgroute/internal/cluster"
	"github.com/pgroute/pgroute/internal/netloop"
	"github.com/pgroute/pgroute/internal/pg"
	"github.com/pgroute/pgroute/proxy/auth"
)

// Taker receives the connection that a Request waited for, or the reason why
// there is none, on the request's loop.
type Taker interface {
	Take(c *Conn, err *pg.Error)
}

// Request asks a pool for a connection. It belongs to the asking session and
// may be used again once answered or cancelled.
type Request struct {
	Loop  *netloop.Loop
	Key   Key
	Base  Settings
	Set   Settings
	Life  cluster.Life // the life the connection must belong to; 0: any
	Cred  auth.Credential
	Taker Taker

	state requestState // guarded by pool.mu
	pool  *pool
	conn  *Conn // being delivered
	err   *pg.Error
}

type requestState uint8

const (
	requestIdle requestState = iota
	requestWaiting
	requestDelivering // an answer is on its way to the request's loop
	requestCancelled  // the answer on its way is not wanted any more
)

// pool holds the connections of one Key. All of it is guarded by mu; nothing
// is called with mu held.
type pool struct {
	set    *Set
	key    Key
	schema *atomic.Uint64 // of the tenant

	mu      sync.Mutex
	idle    []*Conn // the last one was used last
	all     map[*Conn]struct{}
	total   int // len(all) and those being dialled
	waiters []*Request
}

// acquire gives an idle connection of the request's own loop, or nil: then
// the request waits and its Taker will be called.
func (p *pool) acquire(r *Request) *Conn {
	p.mu.Lock()
	r.pool = p
	if c := p.takeIdleLocked(r, true); c != nil {
		p.mu.Unlock()
		return c
	}
	if c := p.takeIdleLocked(r, false); c != nil {
		r.state = requestDelivering
		p.mu.Unlock()
		c.moveTo(r)
		return nil
	}
	r.state = requestWaiting
	p.waiters = append(p.waiters, r)
	evicted, dial := p.growLocked()
	p.mu.Unlock()
	closeElsewhere(evicted)
	if dial {
		p.set.dial(p, r)
	}
	return nil
}

// takeIdleLocked removes the idle connection used last that suits. One of this
// loop may have ended already and be about to be removed; what another loop
// has is looked at there.
func (p *pool) takeIdleLocked(r *Request, sameLoop bool) *Conn {
	for i := len(p.idle) - 1; i >= 0; i-- {
		c := p.idle[i]
		if sameLoop == (c.loop == r.Loop) && (!sameLoop || c.net.Open()) && c.suits(r) {
			p.idle = slices.Delete(p.idle, i, i+1)
			return c
		}
	}
	return nil
}

func (c *Conn) suits(r *Request) bool {
	return (r.Life == 0 || c.Life == r.Life) && c.Suits(r.Base, r.Set)
}

// growLocked reserves room for one more connection: below the limit, or in
// the place of an idle one that does not suit (which is given back to close).
// No more are dialled at a time than sessions wait: one whose turn came by a
// connection given back leaves its dial to the next.
func (p *pool) growLocked() (evicted *Conn, ok bool) {
	if dialing := p.total - len(p.all); dialing >= len(p.waiters) {
		return nil, false
	}
	if p.total < p.set.limits.Load().Size {
		p.total++
		return nil, true
	}
	if len(p.idle) == 0 {
		return nil, false
	}
	evicted = p.idle[0]
	p.idle = slices.Delete(p.idle, 0, 1)
	delete(p.all, evicted) // its place is taken: total stays
	return evicted, true
}

// give hands a clean connection to the first waiter it suits, or keeps it
// idle. Called on the connection's loop.
func (p *pool) give(c *Conn) {
	p.mu.Lock()
	if c.doomed {
		p.mu.Unlock()
		c.Close()
		return
	}
	outdated := p.takeOutdatedLocked(c.Life)
	defer refuseAll(outdated, errOutdated)
	for i, r := range p.waiters {
		if !c.suits(r) {
			continue
		}
		p.waiters = slices.Delete(p.waiters, i, i+1)
		r.state = requestDelivering
		p.mu.Unlock()
		c.deliver(r)
		return
	}
	if p.total > p.set.limits.Load().Size { // the limit was lowered
		p.mu.Unlock()
		c.net.Close()
		return
	}
	if len(p.waiters) > 0 { // nobody waiting can use it: make room
		r := p.waiters[0]
		delete(p.all, c)
		p.mu.Unlock()
		c.net.Close()
		p.set.dial(p, r)
		return
	}
	c.idleSince = c.loop.Now()
	p.idle = append(p.idle, c)
	p.mu.Unlock()
}

// errOutdated tells a session to decide again: the node it chose has begun a
// new life since.
var errOutdated = pg.Errorf(pg.ConnectionFailure, "the server was restarted").NothingSent()

// errMoved tells a session to decide again: the node it chose is down or is
// not the primary any more.
var errMoved = pg.Errorf(pg.ConnectionFailure, "the server is not in service any more").NothingSent()

// takeOutdatedLocked removes the waiters that want a life which is over.
func (p *pool) takeOutdatedLocked(now cluster.Life) []*Request {
	var out []*Request
	kept := p.waiters[:0]
	for _, r := range p.waiters {
		if r.Life != 0 && r.Life < now {
			r.state = requestDelivering
			out = append(out, r)
		} else {
			kept = append(kept, r)
		}
	}
	clear(p.waiters[len(kept):])
	p.waiters = kept
	return out
}

// refuseAll tells requests, each on its loop, that there is no connection.
func refuseAll(requests []*Request, err *pg.Error) {
	for _, r := range requests {
		r.Loop.Post(func() { r.take(nil, err) })
	}
}

// deliver gives the connection to a request, on the request's loop.
func (c *Conn) deliver(r *Request) {
	if c.loop != r.Loop {
		c.moveTo(r)
		return
	}
	r.take(c, nil)
}

// take ends a delivery on the request's loop.
func (r *Request) take(c *Conn, err *pg.Error) {
	p := r.pool
	p.mu.Lock()
	wanted := r.state == requestDelivering
	r.state = requestIdle
	p.mu.Unlock()
	switch {
	case wanted:
		r.Taker.Take(c, err)
	case c != nil:
		c.Release()
	}
}

// Cancel withdraws a request that was not answered yet; its Taker will not be
// called. When it reports false an answer is still on its way: the Request
// must not be used again then.
func (r *Request) Cancel() (reusable bool) {
	p := r.pool
	if p == nil {
		return true
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	switch r.state {
	case requestWaiting:
		r.state = requestIdle
		if i := slices.Index(p.waiters, r); i >= 0 {
			p.waiters = slices.Delete(p.waiters, i, i+1)
		}
	case requestDelivering:
		r.state = requestCancelled
		return false
	}
	return r.state == requestIdle
}

// failed ends a dial that gave no connection. The request that caused it is
// told; if that has been served meanwhile, the one that the dial was left to.
// When no connection is left that could serve the others, so are they.
func (p *pool) failed(cause *Request, err *pg.Error) {
	p.mu.Lock()
	p.total--
	var told []*Request
	full := err.State == pg.TooManyConnections && p.total > 0
	i := slices.Index(p.waiters, cause)
	if dialing := p.total - len(p.all); i < 0 && dialing < len(p.waiters) {
		i = 0
	}
	if i >= 0 && !full {
		told = append(told, p.waiters[i])
		p.waiters = slices.Delete(p.waiters, i, i+1)
	}
	if p.total == 0 {
		told = append(told, p.waiters...)
		p.waiters = nil
	}
	for _, r := range told {
		r.state = requestDelivering
	}
	p.mu.Unlock()
	refuseAll(told, err)
}

// removed forgets a connection that has ended, and dials for whoever waits.
func (p *pool) removed(c *Conn) {
	p.mu.Lock()
	_, counted := p.all[c]
	delete(p.all, c)
	if i := slices.Index(p.idle, c); i >= 0 {
		p.idle = slices.Delete(p.idle, i, i+1)
	}
	if !counted {
		p.mu.Unlock()
		return
	}
	p.total--
	if len(p.waiters) == 0 {
		p.mu.Unlock()
		return
	}
	p.total++
	r := p.waiters[0]
	p.mu.Unlock()
	p.set.dial(p, r)
}

// closeElsewhere closes an idle connection on its own loop.
func closeElsewhere(c *Conn) {
	if c != nil {
		c.loop.Post(func() { c.net.Close() })
	}
}
