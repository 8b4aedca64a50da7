package lab_test

import (
	"context"
	"testing"
	"time"

	"github.com/pgroute/pgroute/internal/lab"
	"github.com/pgroute/pgroute/internal/lab/labtest"
)

// within bounds a test's waiting: awaited conditions come in milliseconds.
func within(t *testing.T) context.Context {
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	t.Cleanup(cancel)
	return ctx
}

func TestReplicationStreamsToEveryStandby(t *testing.T) {
	t.Parallel()
	ctx := within(t)
	l := labtest.Start(t, lab.Options{Standbys: 2})
	exec(t, l.Node("primary"), "CREATE TABLE t AS SELECT generate_series(1, 1000) i")
	if err := l.WaitCaughtUp(ctx); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"standby1", "standby2"} {
		if got := count(t, l.Node(name), "t"); got != 1000 {
			t.Errorf("%s has %d rows of 1000", name, got)
		}
	}
}

func exec(t *testing.T, n *lab.Node, sql string) {
	t.Helper()
	if err := n.Exec(t.Context(), sql); err != nil {
		t.Fatal(err)
	}
}

func count(t *testing.T, n *lab.Node, table string) int {
	t.Helper()
	conn, err := n.Connect(t.Context(), "postgres")
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(context.Background())
	var c int
	if err := conn.QueryRow(t.Context(), "SELECT count(*) FROM "+table).Scan(&c); err != nil {
		t.Fatal(err)
	}
	return c
}
