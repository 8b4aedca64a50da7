package proxy_test

import (
	"context"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/jackc/pgx/v5"

	"github.com/pgroute/pgroute/internal/serve/servetest"
)

func TestReadsGoToStandbysAndWritesToThePrimary(t *testing.T) {
	p := servetest.Start(t, shared)
	c := p.Connect(t)
	must(t, c, "CREATE TABLE split_t (a int)")
	p.AwaitCatalog("postgres") // DDL makes it unknown for a moment
	awaitStandby(t, p, c)
	for sql, standby := range map[string]bool{
		"SELECT count(*) FROM split_t":                true,
		"INSERT INTO split_t VALUES (1) RETURNING a":  false,
		"BEGIN; SELECT count(*) FROM split_t; COMMIT": false,
		"SELECT a FROM split_t FOR UPDATE":            false,
	} {
		awaitStandby(t, p, c)
		if fromStandby(t, p, c, sql) != standby {
			t.Errorf("%s: from a standby is %v", sql, !standby)
		}
	}
	awaitStandby(t, p, c)
	for _, sql := range []string{"BEGIN READ ONLY", "SELECT count(*) FROM split_t", "COMMIT"} {
		if !fromStandby(t, p, c, sql) {
			t.Errorf("%s of a read-only transaction went to the primary", sql)
		}
	}
	must(t, c, "DROP TABLE split_t")
}

// pairs is how often a row is inserted and read back at once.
const (
	pairs   = 8000
	writers = 8
)

func TestSessionsReadTheirOwnWrites(t *testing.T) {
	p := servetest.Start(t, shared)
	setup := p.Connect(t)
	must(t, setup, "CREATE TABLE ryw (id int PRIMARY KEY)")
	p.AwaitCatalog("postgres")
	before := onStandbys(p)
	var missing atomic.Int64
	var wg sync.WaitGroup
	for w := range writers {
		c := p.Connect(t)
		wg.Go(func() {
			for i := range pairs / writers {
				missing.Add(insertAndRead(t, c, w*pairs+i))
			}
		})
	}
	wg.Wait()
	carried := onStandbys(p) - before
	t.Logf("%d of %d reads were carried by standbys", carried, pairs)
	if n := missing.Load(); n > 0 {
		t.Errorf("%d of %d rows were missing right after their insertion", n, pairs)
	}
	if carried == 0 {
		t.Error("standbys carried nothing: the test shows nothing about fences")
	}
	must(t, setup, "DROP TABLE ryw")
}

// insertAndRead gives 1 when the row inserted is not seen by the next read.
func insertAndRead(t *testing.T, c *pgx.Conn, id int) int64 {
	if _, err := c.Exec(context.Background(), "INSERT INTO ryw VALUES ($1)", id); err != nil {
		t.Errorf("insert: %v", err)
	}
	var n int
	if err := c.QueryRow(context.Background(), "SELECT count(*) FROM ryw WHERE id = $1", id).Scan(&n); err != nil {
		t.Errorf("select: %v", err)
	}
	return int64(1 - n)
}

func TestManySessionsShareFewServerConnections(t *testing.T) {
	p := servetest.Start(t, shared, "pool.size=3")
	var wg sync.WaitGroup
	for range 30 {
		c := p.Connect(t)
		wg.Go(func() {
			for i := range 50 {
				var got int
				if err := c.QueryRow(context.Background(), "SELECT $1::int", i).Scan(&got); err != nil || got != i {
					t.Errorf("got %d, %v, want %d", got, err, i)
				}
			}
		})
	}
	wg.Wait()
	for _, s := range p.Backends().Stats() {
		if s.Total > 3 {
			t.Errorf("a pool of 3 has %d connections: %+v", s.Total, s)
		}
	}
}

func TestStatementsFollowTheirSession(t *testing.T) {
	p := servetest.Start(t, shared, "pool.size=2")
	var conns []*pgx.Conn
	for i := range 6 {
		c := p.Connect(t)
		// The same name stands for another text in every session.
		if _, err := c.Prepare(t.Context(), "s", fmt.Sprintf("SELECT %d + $1::int", i*100)); err != nil {
			t.Fatal(err)
		}
		conns = append(conns, c)
	}
	for round := range 20 {
		for i, c := range conns {
			var got int
			if err := c.QueryRow(t.Context(), "s", round).Scan(&got); err != nil || got != i*100+round {
				t.Fatalf("session %d got %d, %v", i, got, err)
			}
		}
	}
}
