package lab_test

import (
	"context"
	"testing"
	"time"

	"github.com/pgroute/pgroute/internal/lab"
)

// within bounds a test's waiting: awaited conditions come in milliseconds.
func within(t *testing.T) context.Context {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	t.Cleanup(cancel)
	return ctx
}

func try(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// await waits for a condition.
func await(t *testing.T, condition func() bool) {
	t.Helper()
	ctx := within(t)
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for !condition() {
		select {
		case <-ctx.Done():
			t.Fatal("the awaited condition did not come")
		case <-tick.C:
		}
	}
}

func exec(t *testing.T, n *lab.Node, sql string) {
	t.Helper()
	try(t, n.Exec(t.Context(), sql))
}

// scan reads one value from database postgres as the superuser.
func scan[T any](t *testing.T, n *lab.Node, sql string) T {
	t.Helper()
	conn, err := n.Connect(t.Context(), "postgres")
	try(t, err)
	defer conn.Close(context.Background())
	var v T
	try(t, conn.QueryRow(t.Context(), sql).Scan(&v))
	return v
}

func count(t *testing.T, n *lab.Node, table string) int {
	t.Helper()
	return scan[int](t, n, "SELECT count(*) FROM "+table)
}
