package health

import (
	"context"
	"errors"
	"io"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/pgroute/pgroute/internal/cluster"
	"github.com/pgroute/pgroute/internal/pg"
)

// fakeNet is a scripted cluster for tests in a synctest bubble: every answer
// takes fakeDelay of the bubble's time, and nodes die, freeze and change as
// told. It stands in for pgNetwork.
type fakeNet struct {
	mu    sync.Mutex
	nodes []fakeNode
}

// fakeDelay is what one round trip takes.
const fakeDelay = 100 * time.Microsecond

// fakeWindow is three times the WAL writer's delay.
const fakeWindow = 600 * time.Millisecond

// told is what queries tell: all is flushed unless the test says otherwise.
func (n fakeNode) told() sample {
	s := n.sample
	if s.flush == pg.InvalidLSN {
		s.flush = s.insert
	}
	return s
}

// fakeNode is one server. gone is closed when all its connections break.
type fakeNode struct {
	sample
	down, frozen bool
	recordEnd    pg.LSN // of the record that a standby stands before
	looks        int
	probeDelay   time.Duration // on top of fakeDelay, for probes only
	history      []cluster.Ancestor
	dialErr      error   // of every dial
	historyErrs  []error // of the next questions for the history
	histories    int
	gone         chan struct{}
	dials        int
	probes       []time.Time
	asks, polls  int
}

// newFakeNet makes a primary, node 0, and n standbys, all at LSN 0x1000.
func newFakeNet(n int) *fakeNet {
	f := &fakeNet{nodes: make([]fakeNode, n+1)}
	for i := range f.nodes {
		f.nodes[i] = fakeNode{gone: make(chan struct{}), sample: sample{
			systemID: 7, version: 150000, timeline: 1, segmentSize: pg.DefaultWALSegmentSize,
			inRecovery: i > 0, walState: walState{insert: 0x1000, window: fakeWindow}, replay: 0x1000, receive: 0x1000,
		}}
	}
	return f
}

// change alters a node under the lock.
func (f *fakeNet) change(i int, how func(*fakeNode)) {
	f.mu.Lock()
	defer f.mu.Unlock()
	how(&f.nodes[i])
}

// get copies a node.
func (f *fakeNet) get(i int) fakeNode {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.nodes[i]
}

// cut breaks all connections of a node.
func (f *fakeNet) cut(i int) {
	f.change(i, func(n *fakeNode) {
		close(n.gone)
		n.gone = make(chan struct{})
	})
}

// kill takes a node down.
func (f *fakeNet) kill(i int) {
	f.change(i, func(n *fakeNode) { n.down = true })
	f.cut(i)
}

// promote makes a standby a primary on timeline 2.
func (f *fakeNet) promote(i int, end pg.LSN) {
	f.change(i, func(n *fakeNode) {
		n.inRecovery, n.timeline = false, 2
		n.history = []cluster.Ancestor{{Timeline: 1, End: end}}
		n.insert = end + 0x100
	})
}

// trip is one round trip: it takes its time, fails when the connection breaks,
// and hangs on a frozen node until ctx ends.
func (f *fakeNet) trip(ctx context.Context, i int, gone chan struct{}, delay time.Duration) error {
	wait := time.After(delay)
	if f.get(i).frozen {
		wait = nil
	}
	select {
	case <-gone:
		return io.ErrUnexpectedEOF
	case <-ctx.Done():
		return ctx.Err()
	case <-wait:
		return nil
	}
}

// open connects to a node.
func (f *fakeNet) open(ctx context.Context, node cluster.NodeID) (*fakeLink, error) {
	f.change(int(node), func(n *fakeNode) { n.dials++ })
	n := f.get(int(node))
	if n.dialErr != nil {
		return nil, n.dialErr
	}
	if n.down {
		return nil, errors.New("connection refused")
	}
	l := &fakeLink{f, int(node), n.gone}
	return l, f.trip(ctx, l.node, l.gone, fakeDelay)
}

func (f *fakeNet) dial(ctx context.Context, node cluster.NodeID) (link, error) {
	l, err := f.open(ctx, node)
	if err != nil {
		return nil, err
	}
	return l, nil
}

func (f *fakeNet) dialLSN(ctx context.Context, node cluster.NodeID) (lsnLink, error) {
	l, err := f.open(ctx, node)
	if err != nil {
		return nil, err
	}
	return l, nil
}

func (f *fakeNet) history(ctx context.Context, node cluster.NodeID, _ pg.TimelineID) ([]cluster.Ancestor, error) {
	var err error
	f.change(int(node), func(n *fakeNode) {
		n.histories++
		if len(n.historyErrs) > 0 {
			err, n.historyErrs = n.historyErrs[0], n.historyErrs[1:]
		}
	})
	n := f.get(int(node))
	if err != nil {
		return nil, err
	}
	return n.history, f.trip(ctx, int(node), n.gone, fakeDelay)
}

func (f *fakeNet) recordEnd(ctx context.Context, node cluster.NodeID, _ pg.TimelineID, _ pg.LSN, _ uint64) (pg.LSN, error) {
	f.change(int(node), func(n *fakeNode) { n.looks++ })
	n := f.get(int(node))
	return n.recordEnd, f.trip(ctx, int(node), n.gone, fakeDelay)
}

// fakeLink is both kinds of link.
type fakeLink struct {
	net  *fakeNet
	node int
	gone chan struct{}
}

func (l *fakeLink) sample(ctx context.Context) (sample, error) {
	l.net.change(l.node, func(n *fakeNode) { n.probes = append(n.probes, time.Now()) })
	n := l.net.get(l.node)
	if err := l.net.trip(ctx, l.node, l.gone, fakeDelay+n.probeDelay); err != nil {
		return sample{}, err
	}
	return l.net.get(l.node).told(), nil
}

func (l *fakeLink) replication(context.Context) (Replication, error) {
	return Replication{Node: cluster.NoNode}, nil
}

func (l *fakeLink) idle(ctx context.Context) error {
	select {
	case <-ctx.Done():
		return nil
	case <-l.gone:
		return io.ErrUnexpectedEOF
	}
}

func (l *fakeLink) walEnd(deadline time.Time) (insert, flush pg.LSN, err error) {
	ctx, cancel := context.WithDeadline(context.Background(), deadline)
	defer cancel()
	l.net.change(l.node, func(n *fakeNode) { n.asks++ })
	err = l.net.trip(ctx, l.node, l.gone, fakeDelay)
	n := l.net.get(l.node)
	return n.told().insert, n.told().flush, err
}

func (l *fakeLink) replayLSN(deadline time.Time) (pg.LSN, error) {
	ctx, cancel := context.WithDeadline(context.Background(), deadline)
	defer cancel()
	l.net.change(l.node, func(n *fakeNode) { n.polls++ })
	err := l.net.trip(ctx, l.node, l.gone, fakeDelay)
	return l.net.get(l.node).replay, err
}

func (l *fakeLink) close() {}

// bubble runs a test with a monitor over a fake cluster in fake time. The
// monitor has settled when test is called.
func bubble(t *testing.T, standbys int, cfg Config, test func(*testing.T, *Monitor, *fakeNet)) {
	synctest.Test(t, func(t *testing.T) {
		f := newFakeNet(standbys)
		nodes := make([]cluster.Node, standbys+1)
		for i := range nodes {
			nodes[i] = cluster.Node{ID: cluster.NodeID(i), Name: string(rune('a' + i)), Weight: 1}
		}
		m, err := newMonitor(cfg.withDefaults(), nodes, f, nil)
		if err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithCancel(t.Context())
		ended := make(chan error, 1)
		go func() { ended <- m.Run(ctx) }()
		elapse(50 * time.Millisecond)
		if s := m.Snapshot(); s.Writes != cluster.WritesOpen {
			t.Fatalf("not settled: %+v", s)
		}
		test(t, m, f)
		cancel()
		if err := <-ended; !errors.Is(err, context.Canceled) {
			t.Errorf("Run gave %v", err)
		}
	})
}

// elapse lets the bubble's time pass and everything settle; nothing really
// waits.
func elapse(d time.Duration) {
	<-time.After(d)
	synctest.Wait()
}

// ask sends one fence request and gives the channel of its answer, which must
// be the only one.
func ask(t *testing.T, m *Monitor, req FenceRequest) <-chan FenceResult {
	got := make(chan FenceResult, 1)
	m.AwaitFence(req, func(r FenceResult) {
		select {
		case got <- r:
		default:
			t.Error("answered twice")
		}
	})
	return got
}
