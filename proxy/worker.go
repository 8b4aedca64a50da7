package proxy

import (
	"maps"
	"math/rand/v2"
	"net"
	"slices"
	"sync/atomic"
	"time"
	"unsafe"

	"github.com/hashicorp/golang-lru/v2/simplelru"

	"github.com/pgroute/pgroute/backend"
	"github.com/pgroute/pgroute/internal/cluster"
	"github.com/pgroute/pgroute/internal/netloop"
	"github.com/pgroute/pgroute/internal/pg"
	"github.com/pgroute/pgroute/router"
)

// worker is one event loop with everything its sessions share. It is touched
// on the loop only, but for its counters.
type worker struct {
	*Server
	loop     *netloop.Loop
	tune     *Tunables
	idle     *netloop.Timer // the next look for sessions idle too long
	tick     int64          // counts those looks
	sessions map[*session]struct{}
	held     map[*session]struct{}
	view     router.View
	cache    *router.Cache
	class    router.Options // of the classification at hand
	// judgedBy is the catalogue that the last query string was classified by.
	judgedBy router.Catalog
	learned  *learned
	doubtful map[*session]struct{} // sessions with doubts
	// assigned counts, by node, the sessions of this worker that read there
	// lately: what is to be expected beside what is outstanding now.
	assigned []int32
	fresh    router.NodeSet // nodes whose latency was measured since the last snapshot
	unit     unit           // of the decision at hand
	drained  chan<- struct{}
	stmts    *simplelru.LRU[string, *backend.Statement]
	stmtSize int // bytes of the texts in stmts
	rnd      *rand.PCG

	// Scratch space, valid until the end of a callback.
	out     []byte // for the linked server
	scratch []byte // for the client
	buffers [][]byte

	inPhase [phases]atomic.Int64
	queries []nodeQueries // by NodeID
	count   atomic.Int64  // sessions, those on their way included
}

// Sizes in bytes.
const (
	maxUnit       = 64 << 10 // a larger unit goes to the primary and streams
	maxBoundUnit  = 1 << 20  // the same in a transaction on a standby, which may be bound to it
	bufferSize    = 2 << 10  // first size of a session's buffer
	maxPooled     = 16 << 10
	pooledBuffers = 64
	maxStmtBytes  = 16 << 20 // texts of prepared statements kept per worker
	maxStmts      = 10_000
)

// lingerLimit bounds how long a closing client may take to read its last words.
const lingerLimit = 5 * time.Second

// init makes w a worker of the server on that loop.
func (w *worker) init(s *Server, loop *netloop.Loop) {
	w.Server, w.loop = s, loop
	w.sessions, w.held = map[*session]struct{}{}, map[*session]struct{}{}
	w.rnd = rand.NewPCG(rand.Uint64(), rand.Uint64())
	w.cache = router.NewCache(s.opts.ClassCacheBytes)
	w.queries = make([]nodeQueries, s.opts.NodeCount)
	w.learned = newLearned()
	w.doubtful = map[*session]struct{}{}
	w.assigned = make([]int32, s.opts.NodeCount)
	w.idle = loop.NewTimer(w.endIdle)
	w.retune(s.tuned())
	w.view.Snap = s.monitor.Snapshot()
	w.view.Load = make([]router.NodeLoad, s.opts.NodeCount)
	w.stmts, _ = simplelru.NewLRU(maxStmts, func(tail string, _ *backend.Statement) { w.stmtSize -= len(tail) })
}

// random gives what a decision needs of chance.
func (w *worker) random() uint32 { return uint32(w.rnd.Uint64() >> 32) }

// admit begins the session of a client that was accepted.
func (w *worker) admit(conn net.Conn) {
	s := &session{w: w, node: cluster.NoNode, target: cluster.NoNode, assigned: cluster.NoNode}
	nc, err := w.loop.Attach(conn, s)
	if err != nil {
		w.log.Warn("cannot serve a client", "error", err)
		w.clients.Add(-1)
		w.count.Add(-1)
		_ = conn.Close()
		return
	}
	s.conn = nc
	s.key.pid = w.keys.number()
	s.login = newLogin(s)
	w.sessions[s] = struct{}{}
	w.inPhase[phaseStartup].Add(1)
	if w.draining.Load() {
		s.fatal(errShutdown)
	}
}

var errShutdown = pg.Fatalf(pg.AdminShutdown, "terminating connection due to administrator command")

// drain ends the sessions that can end now; each of the others ends when it
// becomes idle. done is told of every end.
func (w *worker) drain(done chan<- struct{}) {
	w.drained = done
	for s := range w.sessions {
		switch {
		case s.phase == phaseIdle, s.phase == phaseStartup, s.phase == phaseHeld, s.atRest():
			s.fatal(errShutdown)
		}
	}
	w.tellDrained()
}

// endAll ends the sessions that did not end in time.
func (w *worker) endAll() {
	for s := range w.sessions {
		s.fatal(errShutdown)
	}
}

func (w *worker) tellDrained() {
	if w.drained == nil {
		return
	}
	select {
	case w.drained <- struct{}{}:
	default:
	}
}

// panicked is told of a panic in a callback. The loop has ended the
// connection it belonged to; that is all that is lost.
func (w *worker) panicked(_ *netloop.Conn, v any, stack []byte) {
	w.counters.Panics.Add(1)
	w.out = w.out[:0] // perhaps half a message
	w.log.Error("a session panicked and was closed", "panic", v, "stack", string(stack))
}

// loginNode is where a login gets its welcome from: the primary, or any node
// that is up and has not just failed it.
func (w *worker) loginNode(failed router.NodeSet) cluster.NodeID {
	snap := w.view.Snap
	if p := snap.PrimaryNode(); p != nil && p.Up && !failed.Has(p.ID) {
		return p.ID
	}
	for i := range snap.Nodes {
		if n := &snap.Nodes[i]; n.Up && n.Exclusion == cluster.Eligible && !failed.Has(n.ID) {
			return n.ID
		}
	}
	return cluster.NoNode
}

// without gives a view in which some nodes cannot be read, for a unit that
// has just failed there.
func (w *worker) without(excluded router.NodeSet) *router.View {
	snap := *w.view.Snap
	snap.Nodes = slices.Clone(snap.Nodes)
	for i := range snap.Nodes {
		if n := &snap.Nodes[i]; excluded.Has(n.ID) && n.ID != snap.Primary {
			n.Exclusion = cluster.ExcludedUnreachable
		}
	}
	view := w.view
	view.Snap = &snap
	return &view
}

// standbys is the set of all nodes that are not the primary.
func (w *worker) standbys() router.NodeSet {
	var set router.NodeSet
	for i := range w.view.Snap.Nodes {
		if id := cluster.NodeID(i); id != w.view.Snap.Primary {
			set = set.With(id)
		}
	}
	return set
}

// local gives empty scratch space for messages to a client.
func (w *worker) local() []byte { return w.scratch[:0] }

// getBuffer and putBuffer keep session buffers from being made anew for every
// message that arrives in two pieces.
func (w *worker) getBuffer() []byte {
	if n := len(w.buffers); n > 0 {
		b := w.buffers[n-1]
		w.buffers = w.buffers[:n-1]
		return b[:0]
	}
	return make([]byte, 0, bufferSize)
}

func (w *worker) putBuffer(b []byte) {
	if cap(b) > 0 && cap(b) <= maxPooled && len(w.buffers) < pooledBuffers {
		w.buffers = append(w.buffers, b)
	}
}

// follow takes a new snapshot and lets held sessions try again.
func (w *worker) follow(snap *cluster.Snapshot) {
	prev := w.view.Snap
	if prev != nil && snap.Version <= prev.Version {
		return
	}
	w.view.Snap = snap
	now := time.Now()
	for i := range snap.Nodes {
		was := prev.Node(cluster.NodeID(i))
		// What becomes readable at pgroute's own start has not been away.
		if is := &snap.Nodes[i]; was != nil && prev.Writes != cluster.WritesStartup && was.Exclusion != cluster.Eligible && is.Exclusion == cluster.Eligible {
			w.recovered(is.ID, now)
		}
	}
	w.fadeLatencies()
	moved := prev == nil || prev.Primary != snap.Primary || prev.Writes != snap.Writes
	for _, s := range slices.Collect(maps.Keys(w.held)) {
		if _, held := w.held[s]; held && (moved || !s.waitsForPrimary()) {
			s.tryAgain()
		}
	}
}

// load brings the view's load up to date.
func (w *worker) load() *router.View {
	for i := range w.view.Load {
		w.view.Load[i].Outstanding = w.set.Outstanding(cluster.NodeID(i)) + w.assigned[i]
	}
	return &w.view
}

// gone forgets a session whose connection has ended.
func (w *worker) gone(s *session, err error) {
	delete(w.sessions, s)
	w.inPhase[phaseClosing].Add(-1)
	w.clients.Add(-1)
	w.count.Add(-1)
	w.tellDrained()
	if s.login == nil || s.login.user != "" {
		w.log.Debug("client gone", "session", s.key.pid, "error", err)
	}
}

// statement finds the prepared statement with that Parse body behind the
// name, or makes it. The same text in another scope is another statement: what
// its names mean, and so the type of its result, may differ.
func (w *worker) statement(tail []byte, scope string) *backend.Statement {
	key := unsafeString(tail)
	if scope != "" {
		key = scope + key
	}
	if st, ok := w.stmts.Get(key); ok {
		return st
	}
	st := w.ids.New(append([]byte(nil), tail...))
	if key = unsafeString(st.Tail); scope != "" {
		key = scope + key
	}
	w.stmtSize += len(key)
	w.stmts.Add(key, st)
	for w.stmtSize > maxStmtBytes {
		w.stmts.RemoveOldest()
	}
	return st
}

// unsafeString views bytes as a string for the length of a look-up, or for as
// long as the bytes, which must not change then, are alive.
func unsafeString(b []byte) string { return unsafe.String(unsafe.SliceData(b), len(b)) }
