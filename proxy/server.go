package proxy

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"sync"
	"sync/atomic"
	"time"

	"github.com/pgroute/pgroute/backend"
	"github.com/pgroute/pgroute/health"
	"github.com/pgroute/pgroute/internal/catalog"
	"github.com/pgroute/pgroute/internal/cluster"
	"github.com/pgroute/pgroute/internal/netloop"
	"github.com/pgroute/pgroute/internal/pg"
	"github.com/pgroute/pgroute/internal/wire"
	"github.com/pgroute/pgroute/proxy/auth"
	"github.com/pgroute/pgroute/router"
)

// Roles finds the verifiers of clients (auth.Lookup).
type Roles interface {
	Find(ctx context.Context, user string) (auth.Role, error)
	Failed(user string)
}

// Catalogs gives what the names in statements of a database stand for
// (catalog.Store). It never blocks.
type Catalogs interface {
	For(database string) router.Catalog
	// Hold distrusts a database's catalogue while DDL is under way there.
	Hold(database string) *catalog.Holder
	// Subscribe has f called whenever a database's catalogue was replaced.
	Subscribe(f func(database string)) (cancel func())
}

// Tunables are what a reload can change while the server runs.
type Tunables struct {
	Policy *router.Policy
	Wish   router.Wish // what the configuration asks for all sessions

	AuthMethod auth.Method
	Roles      Roles // nil for trust without a users file
	Mock       *auth.Mock

	MaxClients int
	PoolSize   int
	MaxHeld    int

	LoginTimeout time.Duration
	QueueTimeout time.Duration
	HoldTimeout  time.Duration
	DrainTimeout time.Duration
	// IdleTimeout and IdleInTx end sessions that do nothing, outside and
	// inside of a transaction; 0 lets them be.
	IdleTimeout time.Duration
	IdleInTx    time.Duration
	KeepAlive   net.KeepAliveConfig
}

// Options configure a Server. All are required unless they say otherwise.
type Options struct {
	Tunables
	Listeners       []net.Listener
	Workers         int
	NodeCount       int
	ClassCacheBytes int

	Monitor  *health.Monitor
	Backends *backend.Set
	Catalogs Catalogs
	Logger   *slog.Logger
}

// Server accepts clients and serves them on its workers.
type Server struct {
	opts      Options
	tunables  atomic.Pointer[Tunables]
	monitor   *health.Monitor
	set       *backend.Set
	catalogs  Catalogs
	log       *slog.Logger
	counters  *Counters
	keys      *keys
	welcomes  *welcomes
	ids       *backend.Statements
	refusal   *backend.Statement // in place of pgroute's own statements
	misplaced misplacements
	workers   []*worker
	clients   atomic.Int64
	draining  atomic.Bool

	ctx        context.Context
	background sync.WaitGroup
}

// New makes a Server; Run serves.
func New(o Options) (*Server, error) {
	s := &Server{
		opts: o, monitor: o.Monitor, set: o.Backends, catalogs: o.Catalogs, log: o.Logger,
		counters: &Counters{}, keys: &keys{m: map[uint32]*session{}},
		welcomes: &welcomes{m: map[welcomeKey]*welcome{}}, ids: backend.NewStatements(),
	}
	s.refusal, s.misplaced = newRefusal(s.ids), newMisplacements(s.ids)
	s.tunables.Store(&o.Tunables)
	for range max(1, o.Workers) {
		w := &worker{}
		loop, err := netloop.New(netloop.Options{Logger: o.Logger, OnPanic: w.panicked})
		if err != nil {
			return nil, fmt.Errorf("make an event loop: %w", err)
		}
		w.init(s, loop)
		s.workers = append(s.workers, w)
	}
	return s, nil
}

// Run serves until ctx ends, then drains: no new clients, open transactions
// may finish within DrainTimeout.
func (s *Server) Run(ctx context.Context) error {
	base, stop := context.WithCancel(context.WithoutCancel(ctx))
	defer stop()
	s.ctx = base
	var loops sync.WaitGroup
	failed := make(chan error, len(s.workers))
	for _, w := range s.workers {
		loops.Go(func() { failed <- w.loop.Run(base) })
	}
	unsubscribe := s.monitor.Subscribe(s.follow)
	defer s.catalogs.Subscribe(s.catalogChanged)()
	var accepting sync.WaitGroup
	for _, l := range s.opts.Listeners {
		accepting.Go(func() { s.accept(l) })
	}
	s.background.Go(func() { s.sweep(base) })
	var err error
	select {
	case <-ctx.Done():
	case err = <-failed:
	}
	for _, l := range s.opts.Listeners {
		_ = l.Close()
	}
	accepting.Wait()
	s.drain()
	unsubscribe()
	stop()
	loops.Wait()
	s.background.Wait()
	return err
}

// tuned gives what holds at the moment, for any goroutine; sessions use their
// worker's copy.
func (s *Server) tuned() *Tunables { return s.tunables.Load() }

// Retune takes changed settings into use: for new logins and statements, and
// wherever something is waited for from now on.
func (s *Server) Retune(t Tunables) {
	s.tunables.Store(&t)
	for _, w := range s.workers {
		w.loop.Post(func() { w.retune(&t) })
	}
}

// follow passes a snapshot on to all loops, pools first: a loop that decides
// by the new snapshot must not be given a connection of the old one.
func (s *Server) follow(snap *cluster.Snapshot) {
	s.set.Follow(snap)
	for _, w := range s.workers {
		w.loop.Post(func() { w.follow(snap) })
	}
}

// catalogChanged has sessions judged anew that a lack of knowledge has pinned.
func (s *Server) catalogChanged(database string) {
	for _, w := range s.workers {
		w.loop.Post(func() { w.rejudgeAll(database) })
	}
}

// sweepInterval is the time between looks for connections idle too long.
const sweepInterval = 5 * time.Second

func (s *Server) sweep(ctx context.Context) {
	t := time.NewTicker(sweepInterval)
	defer t.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case now := <-t.C:
			s.set.Sweep(now)
		}
	}
}

// accept takes clients of one listener, spreading them over the workers.
func (s *Server) accept(l net.Listener) {
	for {
		conn, err := l.Accept()
		switch {
		case errors.Is(err, net.ErrClosed):
			return
		case err != nil:
			s.log.Error("accept failed", "error", err)
			s.pause(acceptPause)
			continue
		}
		if n := s.clients.Add(1); n > int64(s.tuned().MaxClients) {
			s.full(conn)
			continue
		}
		if t, ok := conn.(*net.TCPConn); ok {
			_ = t.SetKeepAliveConfig(s.tuned().KeepAlive)
		}
		w := s.leastBusy()
		if !w.loop.Post(func() { w.admit(conn) }) {
			s.clients.Add(-1)
			_ = conn.Close()
		}
	}
}

// acceptPause keeps a lack of file descriptors from becoming a busy loop.
const acceptPause = 50 * time.Millisecond

// pause waits, but not beyond the server's end.
func (s *Server) pause(d time.Duration) {
	select {
	case <-s.ctx.Done():
	case <-time.After(d):
	}
}

// full turns a client away, before its startup packet as PostgreSQL does.
func (s *Server) full(conn net.Conn) {
	s.clients.Add(-1)
	s.counters.Refused.Add(1)
	_ = conn.SetDeadline(time.Now().Add(time.Second))
	err := pg.Fatalf(pg.TooManyConnections, "sorry, too many clients already").
		WithHint("pgroute's pool.max_clients is %d.", s.tuned().MaxClients)
	_, _ = conn.Write(wire.AppendError(nil, err))
	_ = conn.Close()
}

// leastBusy gives the worker with the fewest sessions.
func (s *Server) leastBusy() *worker {
	best := s.workers[0]
	for _, w := range s.workers[1:] {
		if w.count.Load() < best.count.Load() {
			best = w
		}
	}
	best.count.Add(1)
	return best
}

// drain ends idle sessions at once and the others when their transaction has
// ended, or when DrainTimeout has passed.
func (s *Server) drain() {
	s.draining.Store(true)
	done := make(chan struct{}, 1)
	for _, w := range s.workers {
		w.loop.Post(func() { w.drain(done) })
	}
	if s.awaitClients(done, s.tuned().DrainTimeout) {
		return
	}
	for _, w := range s.workers {
		w.loop.Post(w.endAll)
	}
	s.awaitClients(done, 2*lastWords)
}

// lastWords is how long a client has to take the news that pgroute ends, and
// to close its connection.
const lastWords = time.Second

// awaitClients waits until no client is left; false when that takes too long.
func (s *Server) awaitClients(done <-chan struct{}, limit time.Duration) bool {
	late := time.After(limit)
	for s.clients.Load() > 0 {
		select {
		case <-done:
		case <-late:
			return false
		}
	}
	return true
}

// Counters gives the totals.
func (s *Server) Counters() *Counters { return s.counters }

// Clients is the number of client connections.
func (s *Server) Clients() int64 { return s.clients.Load() }

// Phases gives the number of sessions by phase.
func (s *Server) Phases() map[string]int64 {
	out := map[string]int64{}
	for p := range phases {
		for _, w := range s.workers {
			out[p.String()] += w.inPhase[p].Load()
		}
	}
	return out
}
