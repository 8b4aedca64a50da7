package faults

import (
	"testing"

	"github.com/pgroute/pgroute/internal/lab"
)

// A read-only transaction that has left its standby and finds no primary is
// held, and begun on the new one.
func TestAMovingTransactionIsHeldAndBegunOnTheNewPrimary(t *testing.T) {
	r := start(t, lab.Options{Standbys: 2})
	c := r.Connect(t)
	r.setup("CREATE TABLE t (a int)")
	r.awaitReader(c)
	r.do(r.lab.Kill, "primary")
	r.awaitLost()
	must(t, c, "BEGIN READ ONLY")
	must(t, c, "SET LOCAL work_mem = '77MB'")
	held := async(t, c, "SELECT pg_advisory_xact_lock(1)")
	r.awaitPhase("held", 1)
	r.do(r.lab.Promote, "standby1")
	if a := await(t, held); a.err != nil {
		t.Fatal(a.err)
	}
	if got := must(t, c, "SHOW work_mem"); got != "77MB" {
		t.Errorf("work_mem is %s", got)
	}
	if got := must(t, r.direct("standby1"), "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory'"); got != "1" {
		t.Errorf("%s locks on the new primary", got)
	}
	must(t, c, "COMMIT")
	must(t, c, "INSERT INTO t VALUES (1)")
}

// One that finds none in time has failed, and its client is told so.
func TestAMovingTransactionFailsAfterHoldTimeout(t *testing.T) {
	r := start(t, lab.Options{Standbys: 1}, "failover.hold_timeout=300ms")
	c := r.Connect(t)
	r.awaitReader(c)
	r.do(r.lab.Kill, "primary")
	r.awaitLost()
	must(t, c, "BEGIN READ ONLY")
	must(t, c, "SELECT 1")
	mustFail(t, c, "SELECT pg_advisory_xact_lock(1)", "57P03")
	if s := c.PgConn().TxStatus(); s != 'E' {
		t.Errorf("transaction status %c", s)
	}
	mustFail(t, c, "SELECT 1", "25P02")
	must(t, c, "ROLLBACK")
	r.awaitReader(c)
}

// A standby that dies with a transaction on it takes the transaction along,
// also when it could have moved: what it has shown may not be seen elsewhere.
func TestATransactionOfADeadStandbyIsLost(t *testing.T) {
	r := start(t, lab.Options{Standbys: 1})
	c := r.Connect(t)
	r.awaitReader(c)
	must(t, c, "BEGIN READ ONLY")
	must(t, c, "SELECT 1")
	r.do(r.lab.Kill, "standby1")
	mustFail(t, c, "SELECT pg_advisory_xact_lock(1)", "40001")
	must(t, c, "ROLLBACK")
	must(t, c, "SELECT pg_advisory_xact_lock(1)")
}
