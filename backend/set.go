package backend

import (
	"context"
	"log/slog"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/jackc/pgx/v5/pgconn"

	"github.com/pgroute/pgroute/internal/cluster"
	"github.com/pgroute/pgroute/internal/netloop"
	"github.com/pgroute/pgroute/internal/pg"
	"github.com/pgroute/pgroute/proxy/auth"
)

// Limits bound the pools. Zero durations switch the limit off.
type Limits struct {
	Size        int           // connections per node, database and user
	Prepared    int           // prepared statements kept per connection
	DialTimeout time.Duration // for connecting and authenticating
	IdleTimeout time.Duration // an idle connection is closed after it
	Lifetime    time.Duration // a connection is not reused when older
}

// Options configure a Set.
type Options struct {
	// Nodes are the targets by NodeID; user and database are replaced.
	Nodes  []*pgconn.Config
	Limits Limits
	// AllowCleartext lets passwords go to servers over connections without TLS.
	AllowCleartext bool
	// Confirm tells the life of a node, by a query sent after the call began
	// (health.Monitor.Confirm).
	Confirm func(ctx context.Context, id cluster.NodeID) (cluster.Life, error)
	// Suspect is told of I/O failures (health.Monitor.Suspect).
	Suspect func(id cluster.NodeID)
	Logger  *slog.Logger
}

// Set is all pools of a process.
type Set struct {
	nodes   []*pgconn.Config
	limits  atomic.Pointer[Limits]
	clear   bool
	keys    *auth.KeyCache
	confirm func(context.Context, cluster.NodeID) (cluster.Life, error)
	suspect func(cluster.NodeID)
	log     *slog.Logger
	load    []atomic.Int32 // outstanding units by NodeID

	ctx    context.Context // ends with Run
	cancel context.CancelFunc
	dials  sync.WaitGroup

	mu      sync.Mutex
	tenants map[tenantKey]*Tenant
	schemas map[string]*atomic.Uint64 // by database; see Tenant.SchemaChanged
	snap    *cluster.Snapshot

	dialled, dialFailed, reused atomic.Uint64
}

type tenantKey struct{ database, user string }

// Tenant is the pools of one database and user, one for each node.
type Tenant struct {
	Database, User string
	pools          []*pool
	// Sequences: sessions of it ask for currval or lastval, so those that
	// write keep their connection.
	Sequences atomic.Bool
	schema    *atomic.Uint64
}

// SchemaChanged says that tables may have changed: a statement prepared anew
// from now on is not taken for one that a server has prepared before.
func (t *Tenant) SchemaChanged() { t.schema.Add(1) }

// NewSet makes a Set without connections.
func NewSet(o Options) *Set {
	ctx, cancel := context.WithCancel(context.Background())
	s := &Set{
		nodes: o.Nodes, clear: o.AllowCleartext, keys: auth.NewKeyCache(), confirm: o.Confirm, suspect: o.Suspect, log: o.Logger,
		load: make([]atomic.Int32, len(o.Nodes)),
		ctx:  ctx, cancel: cancel, tenants: map[tenantKey]*Tenant{}, schemas: map[string]*atomic.Uint64{},
	}
	s.limits.Store(&o.Limits)
	return s
}

// SetLimits takes changed limits into use. Connections beyond a smaller size
// are not given out again once they are idle.
func (s *Set) SetLimits(l Limits) { s.limits.Store(&l) }

// Tenant gives the pools of a database and user. They are made when first
// asked for, and cost little while no connection is in them.
func (s *Set) Tenant(database, user string) *Tenant {
	s.mu.Lock()
	defer s.mu.Unlock()
	k := tenantKey{database, user}
	t := s.tenants[k]
	if t == nil {
		if s.schemas[database] == nil {
			s.schemas[database] = new(atomic.Uint64)
			s.schemas[database].Store(1)
		}
		t = &Tenant{Database: database, User: user, pools: make([]*pool, len(s.nodes)), schema: s.schemas[database]}
		for i := range t.pools {
			key := Key{Node: cluster.NodeID(i), Database: database, User: user}
			t.pools[i] = &pool{set: s, key: key, schema: t.schema, all: map[*Conn]struct{}{}}
		}
		s.tenants[k] = t
	}
	return t
}

// Acquire gives a connection to a node at once, or nil: then the request
// waits and its Taker is called later. Call on the request's loop.
func (t *Tenant) Acquire(node cluster.NodeID, r *Request) *Conn {
	p := t.pools[node]
	r.Key = p.key
	c := p.acquire(r)
	if c != nil {
		p.set.reused.Add(1)
	}
	return c
}

// Begin and End count a unit of work on a node, for the router's choice.
func (s *Set) Begin(id cluster.NodeID) { s.load[id].Add(1) }

// End counts a unit as answered.
func (s *Set) End(id cluster.NodeID) { s.load[id].Add(-1) }

// Outstanding gives the number of units a node has not answered.
func (s *Set) Outstanding(id cluster.NodeID) int32 { return s.load[id].Load() }

// dial opens a connection for a pool in the background. The pool has counted
// it already; it is delivered on the loop of the request that caused it.
func (s *Set) dial(p *pool, r *Request) {
	base, cred, loop := r.Base, r.Cred, r.Loop
	s.dials.Go(func() {
		ctx, cancel := context.WithTimeout(s.ctx, s.limits.Load().DialTimeout)
		defer cancel()
		d, err := s.connect(ctx, p.key, base, cred)
		if err != nil {
			s.dialFailed.Add(1)
			p.failed(r, err)
			return
		}
		s.dialled.Add(1)
		if !loop.Post(func() { p.attach(loop, d) }) {
			d.conn.Close()
		}
	})
}

// attach brings a dialled connection into its loop.
func (p *pool) attach(loop *netloop.Loop, d *dialled) {
	c := newConn(p, loop, d)
	nc, err := loop.Attach(d.conn, c)
	if err != nil {
		p.failed(nil, pg.Errorf(pg.ConnectionFailure, "could not take over a server connection").WithCause(err))
		return
	}
	c.net = nc
	p.mu.Lock()
	p.all[c] = struct{}{}
	p.mu.Unlock()
	p.give(c)
}

// Follow takes a new snapshot: connections to a node that has lost its role
// or begun a new life are cut, so that nothing waits for a server that is
// gone and no read reaches one that went back in time.
func (s *Set) Follow(snap *cluster.Snapshot) {
	s.mu.Lock()
	prev := s.snap
	s.snap = snap
	var pools []*pool
	for _, t := range s.tenants {
		pools = append(pools, t.pools...)
	}
	s.mu.Unlock()
	for _, p := range pools {
		p.follow(prev, snap)
	}
}

func (p *pool) follow(prev, snap *cluster.Snapshot) {
	was, is := prev.Node(p.key.Node), snap.Node(p.key.Node)
	if was == nil || is == nil {
		return
	}
	switch {
	case is.Role == cluster.RoleDeposed,
		was.ID == prev.Primary && snap.Primary != cluster.NoNode && snap.Primary != was.ID,
		was.Role == cluster.RoleStandby && was.Up && !is.Up:
		p.cut(func(*Conn) bool { return true }, false)
		p.refuseWaiting()
	case was.ID == prev.Primary && snap.Primary == cluster.NoNode:
		p.refuseWaiting() // to be held: it may be long until it answers
	case is.Role == cluster.RoleStandby && is.Life != was.Life:
		p.cut(func(c *Conn) bool { return c.Life != is.Life }, true)
	}
}

// refuseWaiting has everybody who waits for the node decide anew.
func (p *pool) refuseWaiting() {
	p.mu.Lock()
	waiting := p.waiters
	p.waiters = nil
	for _, r := range waiting {
		r.state = requestDelivering
	}
	p.mu.Unlock()
	refuseAll(waiting, errMoved)
}

// cut closes connections, each on its own loop; idleOnly spares those in use
// until they are given back. From now on none of them is given to a session;
// one on its way to another loop is closed where it arrives.
func (p *pool) cut(which func(*Conn) bool, idleOnly bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for c := range p.all {
		if which(c) {
			c.doomed = true
			if loop := c.loop; loop != nil {
				loop.Post(func() { c.end(loop, idleOnly) })
			}
		}
	}
	p.idle = slices.DeleteFunc(p.idle, func(c *Conn) bool { return c.doomed })
}

// end closes a doomed connection, unless it has left the loop meanwhile.
func (c *Conn) end(loop *netloop.Loop, idleOnly bool) {
	c.pool.mu.Lock()
	here := c.loop == loop
	c.pool.mu.Unlock()
	if here && (!idleOnly || c.front == nil) {
		c.Close()
	}
}

// Sweep closes connections that were idle or alive for too long. Call it now
// and then with the current time.
func (s *Set) Sweep(now time.Time) {
	s.mu.Lock()
	var pools []*pool
	for _, t := range s.tenants {
		pools = append(pools, t.pools...)
	}
	s.mu.Unlock()
	for _, p := range pools {
		p.sweep(now)
	}
}

func (p *pool) sweep(now time.Time) {
	l := p.set.limits.Load()
	p.mu.Lock()
	var old []*Conn
	kept := p.idle[:0]
	for _, c := range p.idle {
		if l.IdleTimeout > 0 && now.Sub(c.idleSince) > l.IdleTimeout || l.Lifetime > 0 && now.Sub(c.born) > l.Lifetime {
			old = append(old, c)
		} else {
			kept = append(kept, c)
		}
	}
	clear(p.idle[len(kept):])
	p.idle = kept
	p.mu.Unlock()
	for _, c := range old {
		closeElsewhere(c)
	}
}

// Close ends dialling and waits for it. Connections end with their loops.
func (s *Set) Close() {
	s.cancel()
	s.dials.Wait()
}

// PoolStats is what one pool holds at one moment.
type PoolStats struct {
	Key                           Key
	Total, Idle, Waiting, Dialing int
}

// Stats lists the pools that hold or want connections.
func (s *Set) Stats() []PoolStats {
	s.mu.Lock()
	var pools []*pool
	for _, t := range s.tenants {
		pools = append(pools, t.pools...)
	}
	s.mu.Unlock()
	var out []PoolStats
	for _, p := range pools {
		p.mu.Lock()
		st := PoolStats{p.key, p.total, len(p.idle), len(p.waiters), p.total - len(p.all)}
		p.mu.Unlock()
		if st.Total+st.Waiting > 0 {
			out = append(out, st)
		}
	}
	return out
}

// Counters are totals since the start.
type Counters struct{ Dialled, DialFailed, Reused uint64 }

// Counters gives the totals.
func (s *Set) Counters() Counters {
	return Counters{s.dialled.Load(), s.dialFailed.Load(), s.reused.Load()}
}
