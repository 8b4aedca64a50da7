package health

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/pgroute/pgroute/internal/cluster"
	"github.com/pgroute/pgroute/internal/lab"
	"github.com/pgroute/pgroute/internal/pg"
)

// brisk probes often enough for a tail to become quiet.
var brisk = Config{Interval: 250 * time.Millisecond}

// leaveTail makes the primary insert up to a position without flushing it.
func (f *fakeNet) leaveTail(insert, flush pg.LSN) {
	f.change(0, func(n *fakeNode) { n.insert, n.flush = insert, flush })
}

func pos(lsn pg.LSN) pg.Position { return pg.Position{SystemID: 7, Timeline: 1, LSN: lsn} }

func TestFenceOfAQuietTailIsTheFlushLSN(t *testing.T) {
	bubble(t, 1, brisk, func(t *testing.T, m *Monitor, f *fakeNet) {
		f.leaveTail(0x2000, 0x1000)
		elapse(100 * time.Millisecond)
		r := <-ask(t, m, FenceRequest{Budget: 10 * time.Millisecond})
		if r.Node != cluster.NoNode || r.Fence != pos(0x2000) {
			t.Errorf("an asynchronous commit may be in there: %+v", r)
		}
		elapse(1500 * time.Millisecond)
		r = <-ask(t, m, FenceRequest{Budget: 10 * time.Millisecond})
		if r.Node != 1 || r.Fence != pos(0x1000) {
			t.Errorf("%+v", r)
		}
		if n := m.Snapshot().Nodes[0]; n.InsertLSN != 0x2000 || n.FlushLSN != 0x1000 || n.SafeLSN != 0x1000 {
			t.Errorf("%+v", n)
		}
	})
}

// A synchronous commit can lie in a stretch that stood still, as long as its
// flush takes: the fence must be the flush LSN of a query sent after it was
// acknowledged, not of the probe before.
func TestFenceOfAQuietTailCoversASlowSynchronousCommit(t *testing.T) {
	bubble(t, 1, brisk, func(t *testing.T, m *Monitor, f *fakeNet) {
		f.leaveTail(0x3000, 0x1000)
		elapse(2 * time.Second)
		f.leaveTail(0x3000, 0x2000) // the commit ends here, and is acknowledged now
		for _, req := range []FenceRequest{{Budget: 10 * time.Millisecond}, {Fence: pos(0x3000), Budget: 10 * time.Millisecond}} {
			if r := <-ask(t, m, req); r.Node != cluster.NoNode || r.Fence != pos(0x2000) {
				t.Errorf("%+v", r)
			}
		}
		f.replay(1, 0x2000)
		if r := <-ask(t, m, FenceRequest{Budget: time.Second}); r.Node != 1 || r.Fence != pos(0x2000) {
			t.Errorf("%+v", r)
		}
	})
}

// A fence that was taken while it was not known what the tail holds becomes
// satisfiable without new WAL: for those who wait, and for those who come with
// it later, as a token perhaps.
func TestKnownFenceInAQuietTailIsLowered(t *testing.T) {
	bubble(t, 1, brisk, func(t *testing.T, m *Monitor, f *fakeNet) {
		f.leaveTail(0x2000, 0x1000)
		start := time.Now()
		r := <-ask(t, m, FenceRequest{Budget: 10 * time.Second})
		if d := time.Since(start); r.Node != 1 || r.Fence != pos(0x1000) || d < fakeWindow || d > 1500*time.Millisecond {
			t.Errorf("%+v after %v", r, d)
		}
		asks := f.get(0).asks
		if r := <-ask(t, m, FenceRequest{Fence: pos(0x1800), Budget: 10 * time.Millisecond}); r.Node != 1 || r.Fence != pos(0x1000) {
			t.Errorf("%+v", r)
		}
		if r := <-ask(t, m, FenceRequest{Fence: pos(0x2001), Budget: 10 * time.Millisecond}); r.Node != cluster.NoNode || r.Fence != pos(0x2001) {
			t.Errorf("a fence past all that was inserted: %+v", r)
		}
		if n := f.get(0).asks - asks; n != 1 {
			t.Errorf("%d queries, want 1", n)
		}
	})
}

func TestKnownFenceInAQuietTailOutlivesThePrimary(t *testing.T) {
	bubble(t, 1, brisk, func(t *testing.T, m *Monitor, f *fakeNet) {
		f.leaveTail(0x2000, 0x1000)
		elapse(2 * time.Second)
		got := ask(t, m, FenceRequest{Fence: pos(0x2000), Budget: 50 * time.Millisecond})
		elapse(fakeDelay / 2)
		f.kill(0)
		if r := <-got; r.Node != cluster.NoNode || r.Fence != pos(0x2000) || r.Reason != FenceBudget {
			t.Errorf("%+v", r)
		}
	})
}

// The next incarnation of the primary starts with nothing known of its tail.
func TestTailOfARestartedPrimaryIsNotTrusted(t *testing.T) {
	bubble(t, 1, brisk, func(t *testing.T, m *Monitor, f *fakeNet) {
		f.leaveTail(0x2000, 0x1000)
		elapse(2 * time.Second)
		f.cut(0)
		elapse(100 * time.Millisecond)
		if r := <-ask(t, m, FenceRequest{Budget: 10 * time.Millisecond}); r.Node != cluster.NoNode || r.Fence != pos(0x2000) {
			t.Errorf("%+v", r)
		}
	})
}

func TestRecordAcrossTheFlushLSNIsLookedUpOnce(t *testing.T) {
	bubble(t, 2, brisk, func(t *testing.T, m *Monitor, f *fakeNet) {
		f.leaveTail(0x9000, 0x4000)
		f.change(0, func(n *fakeNode) { n.recordEnd = 0x4100 })
		f.replay(1, 0x3F00) // as far as it goes
		elapse(3 * time.Second)
		s := m.Snapshot()
		if s.Nodes[0].SafeLSN != 0x3F00 || s.Nodes[1].LagBytes != 0 || s.Nodes[1].LagTime > time.Second || s.Nodes[2].LagBytes == 0 {
			t.Errorf("%+v", s.Nodes)
		}
		if r := <-ask(t, m, FenceRequest{Budget: 10 * time.Millisecond}); r.Node != 1 || r.Fence != pos(0x3F00) {
			t.Errorf("%+v", r)
		}
		if n := f.get(0).looks; n != 1 {
			t.Errorf("%d looks, want 1", n)
		}
	})
}

func TestStandbyBehindACompleteRecordStaysBehind(t *testing.T) {
	bubble(t, 1, brisk, func(t *testing.T, m *Monitor, f *fakeNet) {
		f.leaveTail(0x9000, 0x4000)
		f.change(0, func(n *fakeNode) { n.recordEnd = 0x4000 })
		f.replay(1, 0x3F00)
		elapse(3 * time.Second)
		if r := <-ask(t, m, FenceRequest{Budget: 10 * time.Millisecond}); r.Node != cluster.NoNode || r.Fence != pos(0x4000) {
			t.Errorf("%+v", r)
		}
		f.replay(1, 0x4000)
		if r := <-ask(t, m, FenceRequest{Budget: time.Second}); r.Node != 1 {
			t.Errorf("%+v", r)
		}
	})
}

// rollBackAReader leaves WAL on the primary that nobody asks to flush: pages
// whose hint bits a reader sets are logged in full, and it rolls back.
func (r *rig) rollBackAReader(table string) {
	r.t.Helper()
	ctx := r.t.Context()
	conn, err := r.lab.Node("primary").Connect(ctx, "postgres")
	if err != nil {
		r.t.Fatal(err)
	}
	defer conn.Close(context.Background())
	tx, err := conn.Begin(ctx)
	if err == nil {
		var n int
		err = tx.QueryRow(ctx, "SELECT count(*) FROM "+table).Scan(&n)
	}
	if err = errors.Join(err, tx.Rollback(ctx)); err != nil {
		r.t.Fatal(err)
	}
}

// tailOptions keep everything but the reader from writing WAL, and the
// background writer from flushing it: it logs a snapshot every 15 s, when it is
// awake.
func tailOptions(more map[string]string) lab.Options {
	conf := map[string]string{"wal_log_hints": "on", "autovacuum": "off", "checkpoint_timeout": "1h", "bgwriter_delay": "10s"}
	for k, v := range more {
		conf[k] = v
	}
	return lab.Options{Standbys: 2, Conf: conf}
}

// TestUnflushedTailOfAnIdlePrimaryKeepsNoReadsAway: standbys stay eligible and
// a fence is found on them, while the primary's insert LSN stays ahead of all
// that they can have. Every round leaves another tail; the flush LSN lies
// within a record nearly always, for the WAL writer flushes whole pages.
func TestUnflushedTailOfAnIdlePrimaryKeepsNoReadsAway(t *testing.T) {
	r := startRig(t, tailOptions(nil), func(c *Config) { c.MaxLagTime = 3 * time.Second })
	for range 3 {
		r.exec("primary", "DROP TABLE IF EXISTS h")
		r.exec("primary", "CREATE TABLE h AS SELECT generate_series(1, 2000)")
		r.exec("primary", "CHECKPOINT")
		r.steady()
		excluded := r.Stats().Events[EventExcluded]
		r.rollBackAReader("h")
		start := time.Now()
		res := fence(t, r.Monitor, FenceRequest{Budget: 10 * time.Second})
		took := time.Since(start)
		s := r.await("the standbys have all they can have", func(s *cluster.Snapshot) bool {
			p := s.PrimaryNode()
			return p != nil && p.SafeLSN < p.InsertLSN &&
				s.ByName("standby1").LagBytes == 0 && s.ByName("standby2").LagBytes == 0
		})
		p := s.PrimaryNode()
		t.Logf("%v after %v: insert %v, flush %v, safe %v", res.Reason, took, p.InsertLSN, p.FlushLSN, p.SafeLSN)
		if res.Node == cluster.NoNode || res.Fence.LSN >= p.InsertLSN {
			t.Errorf("%+v after %v", res, took)
		}
		if again := fence(t, r.Monitor, FenceRequest{Budget: 100 * time.Millisecond}); again.Node == cluster.NoNode {
			t.Errorf("a fence asked later: %+v", again)
		}
		if n := r.Stats().Events[EventExcluded] - excluded; n > 0 {
			t.Errorf("standbys were excluded: %+v", r.Events())
		}
	}
}

// TestFenceCoversAsynchronousCommitsOnATail commits asynchronously on top of a
// tail that is known to be quiet; each must be covered all the same.
func TestFenceCoversAsynchronousCommitsOnATail(t *testing.T) {
	r := startRig(t, tailOptions(map[string]string{"wal_writer_delay": "20ms"}), nil)
	r.steady()
	writer := r.reader(r.Snapshot().Primary)
	if _, err := writer.conn.Exec(t.Context(), "CREATE TABLE t (n int); SET synchronous_commit = off"); err != nil {
		t.Fatal(err)
	}
	readers := map[cluster.NodeID]*reader{}
	for n := range 5 {
		r.exec("primary", "DROP TABLE IF EXISTS h")
		r.exec("primary", "CREATE TABLE h AS SELECT generate_series(1, 2000)")
		r.exec("primary", "CHECKPOINT")
		r.rollBackAReader("h")
		r.await("the tail is quiet", func(s *cluster.Snapshot) bool {
			p := s.PrimaryNode()
			return p != nil && p.SafeLSN < p.InsertLSN
		})
		if _, err := writer.conn.Exec(t.Context(), "INSERT INTO t VALUES ($1)", n); err != nil {
			t.Fatal(err)
		}
		res := fence(t, r.Monitor, FenceRequest{Budget: limit})
		if res.Node == cluster.NoNode {
			t.Fatalf("%+v", res)
		}
		if readers[res.Node] == nil {
			readers[res.Node] = r.reader(res.Node)
		}
		var found int
		if err := readers[res.Node].conn.QueryRow(t.Context(), "SELECT count(*) FROM t WHERE n = $1", n).Scan(&found); err != nil {
			t.Fatal(err)
		}
		if found != 1 {
			t.Fatalf("commit %d is not visible at %v", n, res.Fence)
		}
	}
}
