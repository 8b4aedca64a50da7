package proxy_test

import (
	"context"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/pgroute/pgroute/internal/cluster"
	"github.com/pgroute/pgroute/internal/lab"
	"github.com/pgroute/pgroute/internal/lab/labtest"
	"github.com/pgroute/pgroute/internal/serve/servetest"
)

// shared is the cluster of the tests that do not harm it.
var shared *lab.Lab

func TestMain(m *testing.M) {
	os.Exit(labtest.Shared(m, lab.Options{Standbys: 2}, func(l *lab.Lab) { shared = l }))
}

// limit bounds everything a test waits for.
const limit = 30 * time.Second

// run executes a string by the simple protocol and gives every value of every
// result, blank separated, results by semicolons; an error gives its SQLSTATE.
func run(t testing.TB, c *pgx.Conn, sql string) string {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), limit)
	defer cancel()
	results, err := c.PgConn().Exec(ctx, sql).ReadAll()
	var out []string
	for _, r := range results {
		var values []string
		for _, row := range r.Rows {
			for _, v := range row {
				values = append(values, string(v))
			}
		}
		if r.Err == nil {
			out = append(out, strings.Join(values, " "))
		}
	}
	if err != nil {
		out = append(out, "error "+state(err))
	}
	return strings.Join(out, ";")
}

// must is run for statements that have to succeed.
func must(t testing.TB, c *pgx.Conn, sql string) string {
	t.Helper()
	out := run(t, c, sql)
	if strings.Contains(out, "error ") {
		t.Fatalf("%s: %s", sql, out)
	}
	return out
}

// state gives the SQLSTATE of an error, or its text.
func state(err error) string {
	if e, ok := err.(*pgconn.PgError); ok {
		return e.Code
	}
	return err.Error()
}

// expect runs a string and compares what comes of it.
func expect(t testing.TB, c *pgx.Conn, sql, want string) {
	t.Helper()
	if got := run(t, c, sql); got != want {
		t.Errorf("%s\n got %q\nwant %q", sql, got, want)
	}
}

// onStandbys counts the units that standbys have answered. An answer reaches
// the client just before it is counted, so the loops are asked for something
// first: they give it after the batch in which they sent the answer.
func onStandbys(p *servetest.Proxy) uint64 {
	ctx, cancel := context.WithTimeout(context.Background(), limit)
	defer cancel()
	p.Server().Workers(ctx)
	var n uint64
	for i := range p.Monitor().Snapshot().Nodes {
		_, standby := p.Server().Queries(cluster.NodeID(i))
		n += standby
	}
	return n
}

// fromStandby runs a string and reports whether a standby answered it; nobody
// else may use the proxy meanwhile.
func fromStandby(t testing.TB, p *servetest.Proxy, c *pgx.Conn, sql string) bool {
	t.Helper()
	before := onStandbys(p)
	must(t, c, sql)
	return onStandbys(p) > before
}

// awaitStandby reads until a standby serves the session, which takes as long
// as one needs to replay what the session has seen on the primary.
func awaitStandby(t testing.TB, p *servetest.Proxy, c *pgx.Conn) {
	t.Helper()
	deadline := time.Now().Add(limit)
	for !fromStandby(t, p, c, "SELECT 1") {
		if time.Now().After(deadline) {
			t.Fatal("no standby ever served the session's reads")
		}
	}
}
