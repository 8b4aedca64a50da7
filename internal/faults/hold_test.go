package faults

import (
	"testing"

	"github.com/jackc/pgx/v5"

	"github.com/pgroute/pgroute/internal/lab"
)

func TestHeldWritesAreRefusedAfterHoldTimeout(t *testing.T) {
	r := start(t, lab.Options{Standbys: 1}, "failover.hold_timeout=300ms")
	c := r.Connect(t)
	r.setup("CREATE TABLE t (a int)")
	r.do(r.lab.Kill, "primary")
	for _, sql := range []string{"INSERT INTO t VALUES (1)", "BEGIN", "CREATE TABLE u ()"} {
		if e := mustFail(t, c, sql, "57P03"); e.Hint == "" || c.PgConn().TxStatus() != 'I' {
			t.Errorf("%s: %+v, transaction status %c", sql, e, c.PgConn().TxStatus())
		}
	}
	if _, err := c.Exec(t.Context(), "INSERT INTO t VALUES ($1)", 1); state(err) != "57P03" {
		t.Errorf("extended protocol: %v", err)
	}
	r.do(r.lab.StartNode, "primary")
	r.awaitPrimary("primary")
	must(t, c, "BEGIN; INSERT INTO t VALUES (1); COMMIT")
	if got := must(t, c, "SELECT count(*) FROM t"); got != "1" {
		t.Errorf("%s rows: what was refused was executed", got)
	}
}

func TestHeldWritesAreBounded(t *testing.T) {
	r := start(t, lab.Options{Standbys: 1}, "failover.max_held=2")
	r.setup("CREATE TABLE t (a int)")
	conns := []*pgx.Conn{r.Connect(t), r.Connect(t), r.Connect(t)}
	r.do(r.lab.Kill, "primary")
	r.awaitLost()
	held := []<-chan answer{async(t, conns[0], "INSERT INTO t VALUES (1)"), async(t, conns[1], "INSERT INTO t VALUES (1)")}
	r.awaitPhase("held", 2, held...)
	mustFail(t, conns[2], "INSERT INTO t VALUES (1)", "57P03")
	r.do(r.lab.Promote, "standby1")
	for _, h := range held {
		if a := await(t, h); a.err != nil {
			t.Error(a.err)
		}
	}
	must(t, conns[2], "INSERT INTO t VALUES (1)")
	if got := must(t, r.direct("standby1"), "SELECT count(*) FROM t"); got != "3" {
		t.Errorf("%s rows, want 3", got)
	}
}

// A client that gives up while it is held must not have its write executed.
func TestHeldWriteOfAClientThatLeftIsNotExecuted(t *testing.T) {
	r := start(t, lab.Options{Standbys: 1})
	r.setup("CREATE TABLE t (a int)")
	gone, stays := r.Connect(t), r.Connect(t)
	r.do(r.lab.Kill, "primary")
	r.awaitLost()
	leaves := async(t, gone, "INSERT INTO t VALUES (1)")
	held := async(t, stays, "INSERT INTO t VALUES (2)")
	r.awaitPhase("held", 2, leaves, held)
	_ = gone.PgConn().Conn().Close()
	r.awaitPhase("held", 1, leaves, held)
	r.do(r.lab.Promote, "standby1")
	if a := await(t, held); a.err != nil {
		t.Error(a.err)
	}
	if got := must(t, stays, "SELECT string_agg(a::text, ',') FROM t"); got != "2" {
		t.Errorf("rows %s, want 2", got)
	}
}

// A cancel request reaches a statement that waits in pgroute.
func TestHeldWriteCanBeCancelled(t *testing.T) {
	r := start(t, lab.Options{Standbys: 1})
	c := r.Connect(t)
	r.setup("CREATE TABLE t (a int)")
	r.do(r.lab.Kill, "primary")
	r.awaitLost()
	held := async(t, c, "INSERT INTO t VALUES (1)")
	r.awaitPhase("held", 1, held)
	if err := c.PgConn().CancelRequest(t.Context()); err != nil {
		t.Fatal(err)
	}
	if a := await(t, held); state(a.err) != "57014" {
		t.Errorf("told %v", a.err)
	}
	r.do(r.lab.Promote, "standby1")
	must(t, c, "INSERT INTO t VALUES (2)")
	if got := must(t, c, "SELECT string_agg(a::text, ',') FROM t"); got != "2" {
		t.Errorf("rows %s", got)
	}
}
