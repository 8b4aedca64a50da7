package health

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"github.com/pgroute/pgroute/internal/cluster"
	"github.com/pgroute/pgroute/internal/pg"
)

// ErrStopped is what Confirm gives once Run has ended.
var ErrStopped = errors.New("health: the monitor has stopped")

// Monitor watches the nodes, publishes snapshots, and answers fences. All
// methods may be called from any goroutine; Run once.
type Monitor struct {
	cfg      Config
	watchers []*watcher
	couriers []*courier
	hub      *hub
	snap     atomic.Pointer[cluster.Snapshot]
	lives    atomic.Uint64
	stopped  chan struct{}
	pace     chan struct{} // wakes the pacer when the pace changes
	save     chan accepted // to the keeper; the newest counts

	// order makes publishing one at a time: judged, stored, told in one order.
	// It is held while subscribers are called.
	order       sync.Mutex
	subscribers map[int]func(*cluster.Snapshot)
	nextSub     int

	// mu guards what follows; never held across a call out.
	mu          sync.Mutex
	judge       *judge
	sw          *switchMachine
	events      eventRing
	stats       []NodeStats
	replication Replication
	insertAt    time.Time // of the newest fence query told to the judge
	unlogged    []Event   // for the keeper: event loops must not wait for a log
	// toldOf is the snapshot that the last events led to; guarded by mu.
	toldOf    *cluster.Snapshot
	historyOf map[cluster.NodeID]cluster.Life

	log  *eventLog     // used by the keeper only
	keep chan struct{} // wakes the keeper
}

// New validates the configuration and reads the state file. Nothing is
// connected before Run.
func New(cfg Config, logger *slog.Logger) (*Monitor, error) {
	cfg = cfg.withDefaults()
	nodes, conns, err := cfg.parse()
	if err != nil {
		return nil, err
	}
	return newMonitor(cfg, nodes, &pgNetwork{conns}, logger)
}

// newMonitor wires a monitor over any network.
func newMonitor(cfg Config, nodes []cluster.Node, n network, logger *slog.Logger) (*Monitor, error) {
	acc, err := loadState(cfg.StateFile)
	if err != nil {
		return nil, err
	}
	m := &Monitor{
		cfg: cfg, hub: newHub(len(nodes)), stopped: make(chan struct{}),
		pace: make(chan struct{}, 1), save: make(chan accepted, 1),
		subscribers: map[int]func(*cluster.Snapshot){},
		judge:       newJudge(nodes, limits{cfg.MaxLagBytes, cfg.MaxLagTime}, acc),
		sw:          newSwitch(time.Now()), stats: make([]NodeStats, len(nodes)),
		replication: Replication{Node: cluster.NoNode}, log: newEventLog(logger),
		keep: make(chan struct{}, 1), historyOf: map[cluster.NodeID]cluster.Life{},
	}
	for i := range nodes {
		m.watchers = append(m.watchers, m.newWatcher(cluster.NodeID(i), n))
		m.couriers = append(m.couriers, m.newCourier(cluster.NodeID(i), n))
	}
	first := m.judge.start(time.Now())
	m.snap.Store(first)
	m.hub.publish(first, time.Now())
	return m, nil
}

func (m *Monitor) newWatcher(id cluster.NodeID, n network) *watcher {
	return &watcher{
		id: id, net: n, timeout: m.cfg.Timeout, kicks: make(chan struct{}, 1),
		observed: m.observe, told: m.told, replicationDue: m.replicationDue,
		straddling: m.straddling, proven: m.proven,
		nextLife: func() cluster.Life { return cluster.Life(m.lives.Add(1)) },
	}
}

func (m *Monitor) newCourier(id cluster.NodeID, n network) *courier {
	return &courier{
		id: id, net: n, hub: m.hub, timeout: m.cfg.Timeout,
		confirm: m.Confirm, suspect: m.Suspect, inserted: m.inserted,
	}
}

// Run watches until ctx ends, closes all connections and answers all requests.
func (m *Monitor) Run(ctx context.Context) error {
	var wg sync.WaitGroup
	for _, w := range m.watchers {
		wg.Go(func() { w.run(ctx) })
	}
	for _, c := range m.couriers {
		wg.Go(func() { c.run(ctx) })
	}
	wg.Go(func() { m.hub.runDispatch(ctx) })
	wg.Go(func() { m.runPacer(ctx) })
	kept := make(chan struct{})
	go func() {
		defer close(kept)
		m.runKeeper()
	}()
	<-ctx.Done()
	close(m.stopped)
	wg.Wait()
	signal(m.keep) // the last events and state
	close(m.save)
	<-kept
	return ctx.Err()
}

// Snapshot gives the newest topology.
func (m *Monitor) Snapshot() *cluster.Snapshot { return m.snap.Load() }

// Subscribe calls f with every published snapshot, in order, and once at once.
// f must not block and must not call Subscribe or cancel.
func (m *Monitor) Subscribe(f func(*cluster.Snapshot)) (cancel func()) {
	m.order.Lock()
	defer m.order.Unlock()
	id := m.nextSub
	m.nextSub++
	m.subscribers[id] = f
	f(m.snap.Load())
	return func() {
		m.order.Lock()
		defer m.order.Unlock()
		delete(m.subscribers, id)
	}
}

// Suspect says that an I/O failure was seen on the data path: the node is
// probed at once, and if it is the primary all others are too, because one of
// them may be promoted by now. Cheap, never blocks, coalesced.
func (m *Monitor) Suspect(id cluster.NodeID) {
	if id < 0 || int(id) >= len(m.watchers) {
		return
	}
	m.watchers[id].kick()
	if s := m.Snapshot(); s.Primary == id {
		m.kickAll()
	}
}

// Confirm sends a sample after the call began and gives the life it belongs
// to. A server connection that had authenticated before the call belongs to
// that life too, or is broken: when a standby restarts recovery all its
// connections end. The snapshot holding that life is published by then.
func (m *Monitor) Confirm(ctx context.Context, id cluster.NodeID) (cluster.Life, error) {
	if id < 0 || int(id) >= len(m.watchers) {
		return 0, fmt.Errorf("health: confirm node %d: no such node", id)
	}
	answer := make(chan confirmation, 1)
	m.watchers[id].confirm(answer)
	select {
	case c := <-answer:
		return c.life, c.err
	case <-ctx.Done():
		return 0, ctx.Err()
	case <-m.stopped:
		return 0, ErrStopped
	}
}

// AwaitFence asks for a standby that has replayed what a session wrote. It
// never blocks; done is called exactly once, from another goroutine, and must
// not block either.
func (m *Monitor) AwaitFence(req FenceRequest, done func(FenceResult)) { m.hub.await(req, done) }

// TryFence answers at once when the fence is known, or was learnt by a query
// sent after req.Since, and a standby is known to have replayed it. Otherwise
// it reports false, and AwaitFence is to be called.
func (m *Monitor) TryFence(req FenceRequest) (FenceResult, bool) { return m.hub.try(req) }

// Replayed gives the newest replay LSN known of a standby and the life it
// belongs to; fresher than the snapshot while fences are waited for.
func (m *Monitor) Replayed(id cluster.NodeID) (cluster.Life, pg.LSN) { return m.hub.replayedOf(id) }

// Events lists what happened, oldest first; the log is bounded.
func (m *Monitor) Events() []Event {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.events.list()
}

// HoldBegan counts a statement that waits for a primary.
func (m *Monitor) HoldBegan() {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.sw.begin()
}

// HoldEnded counts the end of a hold that HoldBegan counted.
func (m *Monitor) HoldEnded(how HoldEnd) {
	m.mu.Lock()
	defer m.mu.Unlock()
	now := time.Now()
	if m.sw.end(how, now) {
		m.noteLocked(m.switchEvent(now))
	}
}

// Stats copies the counters.
func (m *Monitor) Stats() Stats {
	s := Stats{Fences: m.hub.snapshotStats(), Events: map[EventKind]uint64{}}
	m.mu.Lock()
	defer m.mu.Unlock()
	s.Nodes = append(s.Nodes, m.stats...)
	s.Switch, s.Reason = m.sw.stats(), m.judge.verdict.reason
	s.Replication = m.replication
	for i, n := range m.events.counts {
		s.Events[EventKind(i)] = n
	}
	return s
}

// inserted tells the judge what a fence query learnt. The rings take part only
// every so often. When a tail begins to stand still, probes quicken.
func (m *Monitor) inserted(id cluster.NodeID, life cluster.Life, sentAt, at time.Time, w walState) pg.LSN {
	m.mu.Lock()
	defer m.mu.Unlock()
	coarse := sentAt.Sub(m.insertAt) < ringSpacing
	if !coarse {
		m.insertAt = sentAt
	}
	pending := m.judge.tail.pending()
	safe := m.judge.insertSeen(id, life, sentAt, at, w, coarse)
	if !pending && m.judge.tail.pending() {
		signal(m.pace)
	}
	return safe
}

// straddling names the record to look up on a primary, if there is one.
func (m *Monitor) straddling(id cluster.NodeID) (straddler, bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.judge.straddling(id)
}

// proven tells the judge what that look-up found.
func (m *Monitor) proven(life cluster.Life, s straddler) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.judge.proven(life, s)
}
