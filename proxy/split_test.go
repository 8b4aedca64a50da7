package proxy_test

import (
	"context"
	"os"
	"testing"

	"github.com/jackc/pgx/v5"

	"github.com/pgroute/pgroute/internal/lab"
	"github.com/pgroute/pgroute/internal/lab/labtest"
	"github.com/pgroute/pgroute/internal/serve/servetest"
)

// shared is the cluster of the tests that do not harm it.
var shared *lab.Lab

func TestMain(m *testing.M) {
	os.Exit(labtest.Shared(m, lab.Options{Standbys: 2}, func(l *lab.Lab) { shared = l }))
}

// nodePort asks which server a statement ran on; inet_server_port is judged
// node-local, so it is asked through a setting, which reads as a read.
const nodePort = "SELECT current_setting('port')"

func port(t testing.TB, q interface {
	QueryRow(ctx context.Context, sql string, args ...any) pgx.Row
}) string {
	t.Helper()
	var p string
	if err := q.QueryRow(t.Context(), nodePort).Scan(&p); err != nil {
		t.Fatal(err)
	}
	return p
}

func TestReadsGoToStandbysAndWritesToThePrimary(t *testing.T) {
	p := servetest.Start(t, shared)
	c := p.Connect(t)
	if _, err := c.Exec(t.Context(), "CREATE TABLE split_t (a int)"); err != nil {
		t.Fatal(err)
	}
	defer func() { _, _ = c.Exec(context.Background(), "DROP TABLE split_t") }()
	var n int
	if err := c.QueryRow(t.Context(), "SELECT count(*) FROM split_t").Scan(&n); err != nil {
		t.Fatal(err)
	}
	t.Log(port(t, c))
}
