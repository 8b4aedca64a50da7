package health

import (
	"context"
	"fmt"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/pgroute/pgroute/internal/cluster"
	"github.com/pgroute/pgroute/internal/lab"
	"github.com/pgroute/pgroute/internal/lab/labtest"
	"github.com/pgroute/pgroute/internal/pg"
)

func TestPausedReplayLeavesAtMaxLagBytesAndReturns(t *testing.T) {
	const maxLag = 1 << 20
	r := startRig(t, lab.Options{Standbys: 2}, func(c *Config) {
		c.MaxLagBytes, c.Interval = maxLag, 100*time.Millisecond
	})
	r.steady()
	r.do(r.lab.PauseReplay, "standby2")
	r.exec("primary", "CREATE TABLE filler AS SELECT repeat('x', 1000) FROM generate_series(1, 4000)")
	s := r.await("standby2 leaves", excluded("standby2", cluster.ExcludedLagBytes))
	if n := s.ByName("standby2"); n.LagBytes <= maxLag {
		t.Errorf("left with a lag of %d", n.LagBytes)
	}
	r.await("standby1 stays", excluded("standby1", cluster.Eligible))
	r.do(r.lab.ResumeReplay, "standby2")
	s = r.await("standby2 returns", excluded("standby2", cluster.Eligible))
	if n := s.ByName("standby2"); n.LagBytes >= maxLag*returnShare/100 {
		t.Errorf("returned with a lag of %d", n.LagBytes)
	}
}

func TestPausedReplayLeavesAtMaxLagTime(t *testing.T) {
	r := startRig(t, lab.Options{Standbys: 1}, func(c *Config) {
		c.MaxLagTime, c.Interval = 400*time.Millisecond, 100*time.Millisecond
	})
	r.steady()
	r.do(r.lab.PauseReplay, "standby1")
	r.exec("primary", "CREATE TABLE one_row AS SELECT 1")
	s := r.await("standby1 leaves", excluded("standby1", cluster.ExcludedLagTime))
	if n := s.ByName("standby1"); n.LagTime <= 400*time.Millisecond || n.LagTime > 5*time.Second {
		t.Errorf("left with a lag of %v", n.LagTime)
	}
	r.do(r.lab.ResumeReplay, "standby1")
	r.await("standby1 returns", excluded("standby1", cluster.Eligible))
}

// Killing any backend restarts recovery; the standby may go back behind what it
// had shown, so a new life must begin.
func TestKilledBackendBeginsANewLife(t *testing.T) {
	r := startRig(t, lab.Options{Standbys: 1}, func(c *Config) { c.Interval = time.Hour })
	before := r.steady().ByName("standby1").Life
	conn, err := r.lab.Node("standby1").Connect(t.Context(), "postgres")
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(context.Background())
	if err := syscall.Kill(int(conn.PgConn().PID()), syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	// Nobody probes for an hour: the broken connection itself tells.
	down := r.await("life ended", func(s *cluster.Snapshot) bool { return s.ByName("standby1").Life != before })
	for down.ByName("standby1").Life == 0 {
		r.Suspect(down.ByName("standby1").ID)
		seen := down.Version
		down = r.await("next snapshot", func(s *cluster.Snapshot) bool { return s.Version > seen })
	}
	after := down.ByName("standby1").Life
	if life, err := r.Confirm(t.Context(), down.ByName("standby1").ID); err != nil || life != after || life <= before {
		t.Errorf("life %d after %d, %v", life, before, err)
	}
}

// reader reads a standby on a connection whose life is confirmed.
type reader struct {
	conn *pgx.Conn
	life cluster.Life
}

func (r *rig) reader(id cluster.NodeID) *reader {
	r.t.Helper()
	conn, err := r.lab.Node(r.Snapshot().Nodes[id].Name).Connect(r.t.Context(), "postgres")
	if err != nil {
		r.t.Fatal(err)
	}
	r.t.Cleanup(func() { _ = conn.Close(context.Background()) })
	life, err := r.Confirm(r.t.Context(), id)
	if err != nil {
		r.t.Fatal(err)
	}
	return &reader{conn, life}
}

// With synchronous_commit=off write and flush LSN are behind the commit; the
// fence must hold all the same.
func TestFenceCoversAsynchronousCommits(t *testing.T) {
	// Asynchronous commits are flushed by the WAL writer; every 10 ms here.
	r := startRig(t, lab.Options{Standbys: 2, Conf: map[string]string{"wal_writer_delay": "10ms"}}, nil)
	r.steady()
	r.exec("primary", "CREATE TABLE t (n int)")
	writer := r.reader(r.Snapshot().Primary)
	readers := map[cluster.NodeID]*reader{}
	served := map[cluster.NodeID]int{}
	if _, err := writer.conn.Exec(t.Context(), "SET synchronous_commit = off"); err != nil {
		t.Fatal(err)
	}
	for n := range 150 {
		if _, err := writer.conn.Exec(t.Context(), "INSERT INTO t VALUES ($1)", n); err != nil {
			t.Fatal(err)
		}
		res := fence(t, r.Monitor, FenceRequest{Budget: limit})
		if res.Node == cluster.NoNode {
			t.Fatalf("%+v", res)
		}
		rd := readers[res.Node]
		if rd == nil {
			rd = r.reader(res.Node)
			readers[res.Node] = rd
		}
		if rd.life != res.Life {
			t.Fatalf("life changed from %d to %d", rd.life, res.Life)
		}
		var found int
		if err := rd.conn.QueryRow(t.Context(), "SELECT count(*) FROM t WHERE n = $1", n).Scan(&found); err != nil {
			t.Fatal(err)
		}
		if found != 1 {
			t.Fatalf("write %d is not visible on %v at %v", n, res.Node, res.Fence)
		}
		served[res.Node]++
	}
	t.Logf("served by %v; %+v", served, r.Stats().Fences)
}

// rawInsert asks the primary for its insert LSN as it is.
func (r *rig) rawInsert() pg.LSN {
	r.t.Helper()
	conn, err := r.lab.Node("primary").Connect(r.t.Context(), "postgres")
	if err != nil {
		r.t.Fatal(err)
	}
	defer conn.Close(context.Background())
	var text string
	if err := conn.QueryRow(r.t.Context(), "SELECT pg_current_wal_insert_lsn()::text").Scan(&text); err != nil {
		r.t.Fatal(err)
	}
	lsn, err := pg.ParseLSN(text)
	if err != nil {
		r.t.Fatal(err)
	}
	return lsn
}

// Where the last record ends on a page boundary, the insert LSN is past a header
// that the standby of an idle primary never gets to see.
func TestFenceIsReachedOnAPageBoundary(t *testing.T) {
	r := startRig(t, lab.Options{Standbys: 1}, nil)
	r.steady()
	for range 20 {
		raw := r.fillPage()
		if raw%8192 != 24 {
			continue // something else was written meanwhile
		}
		res := fence(t, r.Monitor, FenceRequest{Budget: limit})
		if res.Fence.LSN != raw-24 && res.Fence.LSN <= raw {
			t.Errorf("fence %v for a raw insert LSN of %v", res.Fence, raw)
		}
		if res.Node == cluster.NoNode {
			t.Errorf("the idle standby never got there: %+v", res)
		}
		return
	}
	t.Fatal("never got the insert LSN onto a page boundary")
}

// fillPage writes one record that ends where a page ends, and gives the insert
// LSN after it. Record sizes are multiples of 8 bytes.
func (r *rig) fillPage() pg.LSN {
	r.t.Helper()
	emit := func(n int) {
		r.exec("primary", fmt.Sprintf("SELECT pg_logical_emit_message(false, 'x', repeat('y', %d))", n))
	}
	const probe = 2048
	for {
		start := r.rawInsert()
		emit(probe)
		end := r.rawInsert()
		overhead := int(end-start) - probe
		left := 8192 - int(end%8192)
		// Within one page, and with room for the record on the rest of it.
		if end%8192 > start%8192 && overhead > 0 && overhead < 200 && left > overhead+300 {
			emit(left - overhead)
			return r.rawInsert()
		}
	}
}

func TestFenceIsReachedAtASegmentStart(t *testing.T) {
	r := startRig(t, lab.Options{Standbys: 1}, nil)
	r.steady()
	r.exec("primary", "CREATE TABLE t ()")
	r.exec("primary", "SELECT pg_switch_wal()")
	if res := fence(t, r.Monitor, FenceRequest{Budget: limit}); res.Node == cluster.NoNode {
		t.Errorf("%+v", res)
	}
	t.Logf("insert LSN after the switch: %v", r.rawInsert())
}

func TestReplicationIsAttributedToNodes(t *testing.T) {
	r := startRig(t, lab.Options{Standbys: 2, Sync: true}, func(c *Config) {
		c.Interval, c.ReplicationInterval = 50*time.Millisecond, 50*time.Millisecond
	})
	s := r.await("sync states", func(s *cluster.Snapshot) bool {
		return s.ByName("standby1").SyncState == "quorum" && s.ByName("standby2").SyncState == "quorum"
	})
	if n := s.ByName("standby1"); n.ReceiverStatus != "streaming" || n.Sender == "" {
		t.Errorf("%+v", n)
	}
	rep := r.Stats().Replication
	if rep.Denied || len(rep.Receivers) != 2 || len(rep.Slots) == 0 || rep.Receivers[0].State != "streaming" {
		t.Errorf("%+v", rep)
	}
}

func TestCheckNamesMissingRights(t *testing.T) {
	r := startRig(t, lab.Options{Standbys: 1}, nil)
	r.exec("primary", `CREATE ROLE "plain role" LOGIN`)
	r.steady()
	awaitReplayed(r, "standby1")
	for user, want := range map[string]int{"pgroute": 0, "plain role": 3} {
		cfg := r.cfg
		cfg.User = user
		reports, err := Check(t.Context(), cfg)
		if err != nil || len(reports) != 2 {
			t.Fatal(reports, err)
		}
		for _, rep := range reports {
			if len(rep.Missing) != want || rep.SystemID == 0 || rep.Node.Version == 0 || rep.Node.Timeline != 1 {
				t.Errorf("%s: %+v", user, rep)
			}
		}
		if reports[0].Node.Role != cluster.RolePrimary || reports[1].Node.Exclusion != cluster.Eligible {
			t.Errorf("%+v", reports)
		}
	}
	r.do(r.lab.StopNode, "standby1")
	reports, err := Check(t.Context(), r.cfg)
	if err != nil || reports[1].Node.Up || reports[1].Node.LastError == "" {
		t.Errorf("%+v, %v", reports, err)
	}
}

// A refused monitor role is reported by SQLSTATE, without the password, and
// does not hammer the server.
func TestRefusedMonitorRoleIsNamedWithoutSecrets(t *testing.T) {
	l := labtest.Start(t, lab.Options{Auth: lab.AuthSCRAM})
	const secret = "not-the-password"
	cfg := Config{User: "pgroute", Password: secret, Database: "postgres",
		Nodes: []NodeConfig{{Name: "primary", Conninfo: l.Node("primary").Conninfo(), Weight: 1}}}
	m := runMonitor(t, cfg)
	s := awaitSnapshot(t, m, "a reason", func(s *cluster.Snapshot) bool {
		return strings.Contains(s.Nodes[0].LastError, "28P01")
	})
	if strings.Contains(fmt.Sprint(s.Nodes[0], m.Events()), secret) || s.Writes != cluster.WritesStartup {
		t.Errorf("%+v", s)
	}
	cfg.Password = l.Password("pgroute")
	awaitSnapshot(t, runMonitor(t, cfg), "the right password", primaryIs("primary"))
}
