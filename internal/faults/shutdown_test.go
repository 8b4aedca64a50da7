package faults

import (
	"io"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/pgroute/pgroute/internal/lab"
)

// lastWords reads what a client is sent without having asked, to the end.
func lastWords(t testing.TB, c *pgx.Conn) string {
	t.Helper()
	conn := c.PgConn().Conn()
	defer conn.Close()
	if err := conn.SetReadDeadline(time.Now().Add(limit)); err != nil {
		t.Fatal(err)
	}
	said, err := io.ReadAll(conn)
	if err != nil {
		t.Errorf("the connection ended with %v after %q", err, said)
	}
	return string(said)
}

// ended waits until pgroute has shut down.
func ended(t testing.TB, done <-chan struct{}) {
	t.Helper()
	select {
	case <-done:
	case <-time.After(limit):
		t.Fatal("pgroute does not end")
	}
}

func TestShutdownLetsTransactionsFinish(t *testing.T) {
	r := start(t, lab.Options{Standbys: 1})
	r.setup("CREATE TABLE t (a int)")
	resting, pinned, busy, running := r.Connect(t), r.Connect(t), r.Connect(t), r.Connect(t)
	must(t, resting, "SELECT 1")
	must(t, pinned, "LISTEN news")
	must(t, busy, "BEGIN; INSERT INTO t VALUES (1)")
	statement := async(t, running, "INSERT INTO t SELECT 2 FROM pg_sleep(0.5)")
	r.awaitPhase("linked", 3)
	done := r.Shutdown()
	for name, c := range map[string]*pgx.Conn{"resting": resting, "pinned": pinned} {
		if said := lastWords(t, c); !strings.Contains(said, "57P01") {
			t.Errorf("the %s session was told %q", name, said)
		}
	}
	must(t, busy, "INSERT INTO t VALUES (3)")
	must(t, busy, "COMMIT")
	if a := await(t, statement); a.err != nil {
		t.Errorf("the statement under way: %v", a.err)
	}
	for name, c := range map[string]*pgx.Conn{"busy": busy, "running": running} {
		if _, err := ask(c, "SELECT 1"); state(err) != "57P01" {
			t.Errorf("the %s session was told %v", name, err)
		}
	}
	ended(t, done)
	if got := must(t, r.direct("primary"), "SELECT sum(a) FROM t"); got != "6" {
		t.Errorf("the sum is %s, want 6", got)
	}
}

func TestShutdownEndsWhatDoesNotFinishInTime(t *testing.T) {
	r := start(t, lab.Options{Standbys: 1}, "shutdown_timeout=200ms")
	r.setup("CREATE TABLE t (a int)")
	idle, running := r.Connect(t), r.Connect(t)
	must(t, idle, "BEGIN; INSERT INTO t VALUES (1)")
	statement := async(t, running, "INSERT INTO t SELECT 2 FROM pg_sleep(60)")
	r.awaitPhase("linked", 2)
	done := r.Shutdown()
	if said := lastWords(t, idle); !strings.Contains(said, "57P01") {
		t.Errorf("the open transaction was told %q", said)
	}
	if a := await(t, statement); state(a.err) != "57P01" {
		t.Errorf("the statement under way: %v", a.err)
	}
	ended(t, done)
	server := r.direct("primary")
	poll(t, "the server has ended what pgroute had begun", func() bool {
		return must(t, server, "SELECT count(*) FROM pg_stat_activity WHERE query LIKE '%INTO t %' AND pid <> pg_backend_pid()") == "0"
	})
	if got := must(t, server, "SELECT count(*) FROM t"); got != "0" {
		t.Errorf("%s rows were committed", got)
	}
}
