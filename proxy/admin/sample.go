package admin

import (
	"context"
	"time"

	"github.com/pgroute/pgroute/backend"
	"github.com/pgroute/pgroute/health"
	"github.com/pgroute/pgroute/internal/catalog"
	"github.com/pgroute/pgroute/internal/cluster"
	"github.com/pgroute/pgroute/internal/config"
	"github.com/pgroute/pgroute/proxy"
	"github.com/pgroute/pgroute/proxy/auth"
)

// Sources are the parts that are shown. Those that say so may be nil.
type Sources struct {
	// Started is the configuration pgroute was started with, Current gives the
	// one in force: a reload changes some of it.
	Started  *config.Config
	Current  func() *config.Config
	Monitor  *health.Monitor
	Server   *proxy.Server
	Backends *backend.Set
	Roles    func() *auth.Lookup     // gives nil when nobody is looked up
	Catalogs func() []catalog.Status // nil without catalogues
	Since    time.Time               // when pgroute was started
	Version  string
}

// loopLimit bounds the wait for the event loops to tell their state.
const loopLimit = time.Second

// sample is everything that is shown, read once. Its parts were read one
// after the other: sums over different parts need not agree exactly.
type sample struct {
	at       time.Time
	version  string
	started  time.Time
	cfg      *config.Config // as started
	current  *config.Config
	snap     *cluster.Snapshot
	health   health.Stats
	events   []health.Event
	clients  int64
	max      int
	draining bool
	phases   map[string]int64
	counters *proxy.Counters
	nodes    []nodeSample
	pools    []backend.PoolStats
	dials    backend.Counters
	loops    []proxy.WorkerStats
	sessions []proxy.SessionInfo // some of those that are not idle
	busy     int                 // how many are not idle
	auth     auth.LookupStats
	catalogs []catalog.Status
}

// nodeSample is what the data path knows of a node.
type nodeSample struct {
	outstanding          int32
	asPrimary, asStandby uint64
	latency              time.Duration
	pool                 poolSum
}

// poolSum adds up the pools of one node over all databases and users.
type poolSum struct{ total, idle, waiting, dialing int }

// take reads everything. The loops are asked first: whatever a client has got
// an answer to before is counted then.
func (s *Sources) take(ctx context.Context) *sample {
	ctx, cancel := context.WithTimeout(ctx, loopLimit)
	defer cancel()
	loops := s.Server.Workers(ctx)
	m := s.takeQuick()
	m.loops = loops
	m.health, m.events = s.Monitor.Stats(), s.Monitor.Events()
	m.phases, m.counters = s.Server.Phases(), s.Server.Counters()
	m.pools, m.dials = s.Backends.Stats(), s.Backends.Counters()
	m.nodes = s.nodes(m)
	if roles := s.Roles(); roles != nil {
		m.auth = roles.Stats()
	}
	if s.Catalogs != nil {
		m.catalogs = s.Catalogs()
	}
	return m
}

// maxSessions bounds how many sessions are listed.
const maxSessions = 100

// takeAll reads what is too much for every scrape as well.
func (s *Sources) takeAll(ctx context.Context) *sample {
	m := s.take(ctx)
	ctx, cancel := context.WithTimeout(ctx, loopLimit)
	defer cancel()
	m.sessions, m.busy = s.Server.Sessions(ctx, maxSessions)
	return m
}

// takeQuick reads what readiness depends on.
func (s *Sources) takeQuick() *sample {
	return &sample{
		at: time.Now(), version: s.Version, started: s.Since, cfg: s.Started, current: s.Current(),
		snap: s.Monitor.Snapshot(), clients: s.Server.Clients(), max: s.Server.MaxClients(), draining: s.Server.Draining(),
	}
}

// nodes reads the counters of every node of the snapshot.
func (s *Sources) nodes(m *sample) []nodeSample {
	out := make([]nodeSample, len(m.snap.Nodes))
	for i := range out {
		id := cluster.NodeID(i)
		out[i].outstanding = s.Backends.Outstanding(id)
		out[i].asPrimary, out[i].asStandby = s.Server.Queries(id)
		out[i].latency = s.Server.Latency(id)
	}
	for _, p := range m.pools {
		sum := &out[p.Key.Node].pool
		sum.total += p.Total
		sum.idle += p.Idle
		sum.waiting += p.Waiting
		sum.dialing += p.Dialing
	}
	return out
}

// probes gives the counters of a node's probes.
func (m *sample) probes(id cluster.NodeID) health.NodeStats {
	if int(id) < len(m.health.Nodes) {
		return m.health.Nodes[id]
	}
	return health.NodeStats{}
}
