package faults

import (
	"errors"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/pgroute/pgroute/internal/lab"
)

// slowCommit makes every commit that inserted into slow take a minute.
const slowCommit = `CREATE TABLE t (a int); CREATE TABLE slow (a int); CREATE SEQUENCE sq;
CREATE FUNCTION dawdle() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN PERFORM pg_sleep(60); RETURN NULL; END';
CREATE CONSTRAINT TRIGGER later AFTER INSERT ON slow DEFERRABLE INITIALLY DEFERRED
FOR EACH ROW EXECUTE FUNCTION dawdle()`

// situation is where a session is when its primary is killed, and what it is
// told of that.
type situation struct {
	name     string
	earlier  string // answered while the primary lives
	before   string // the same, after that
	inFlight string // under way when it dies
	state    string // SQLSTATE the statement under way is answered with
	status   byte   // transaction status that follows
	next     string // sent when the primary is lost
	nextErr  string // SQLSTATE of that
	ended    bool   // the session is ended: what it counted on is gone

	conn *pgx.Conn
	done <-chan answer
}

func situations() []*situation {
	return []*situation{
		{name: "idle", before: "SELECT 1", status: 'I'},
		{name: "write", inFlight: "INSERT INTO t SELECT 1 FROM pg_sleep(60)", state: "08007", status: 'I'},
		{name: "statement in a block", before: "BEGIN; INSERT INTO t VALUES (2)", inFlight: "SELECT pg_sleep(60)",
			state: "40001", status: 'E', next: "INSERT INTO t VALUES (2)", nextErr: "25P02"},
		{name: "block opened with its statement", inFlight: "BEGIN; SELECT pg_sleep(60)", state: "40001", status: 'I'},
		{name: "whole block in one string", inFlight: "BEGIN; INSERT INTO t SELECT 1 FROM pg_sleep(60); COMMIT", state: "08007", status: 'I'},
		{name: "commit", before: "BEGIN; INSERT INTO slow VALUES (3)", inFlight: "COMMIT", state: "08007", status: 'I'},
		{name: "rollback of a slow block", before: "BEGIN; INSERT INTO slow VALUES (3)", status: 'T', next: "ROLLBACK"},
		{name: "block at rest", before: "BEGIN; INSERT INTO t VALUES (4)", status: 'T', next: "INSERT INTO t VALUES (4)", nextErr: "40001"},
		{name: "block at rest, then commit", before: "BEGIN; INSERT INTO t VALUES (5)", status: 'T', next: "COMMIT", nextErr: "40001"},
		{name: "failed block at rest", before: "BEGIN; INSERT INTO t VALUES (6); SELECT 1/0", status: 'E', next: "SELECT 1", nextErr: "25P02"},
		{name: "failed block, then rollback", before: "BEGIN; INSERT INTO t VALUES (7); SELECT 1/0", status: 'E', next: "ROLLBACK"},
		{name: "settings", before: "SET application_name = 'kept'; SET search_path = pg_catalog, public", status: 'I'},
		{name: "settings in a block", before: "SET search_path = public, pg_catalog; BEGIN; SET search_path = ''", inFlight: "SELECT pg_sleep(60)",
			state: "40001", status: 'E'},
		{name: "temporary table being made", inFlight: "CREATE TEMP TABLE x AS SELECT 1 FROM pg_sleep(60)", state: "08007", status: 'I'},
		{name: "temporary table of a block", before: "BEGIN; CREATE TEMP TABLE y (a int)", status: 'T', next: "SELECT 1", nextErr: "40001"},
		{name: "sequence", before: "SELECT nextval('sq'), currval('sq')", status: 'I'},
		{name: "temporary table", before: "CREATE TEMP TABLE z (a int)", state: "57P01", ended: true},
		{name: "temporary table before a block", earlier: "CREATE TEMP TABLE z (a int)", before: "BEGIN; INSERT INTO t VALUES (8)", state: "40001", ended: true},
		{name: "lock of a block", before: "BEGIN; SELECT pg_advisory_lock(1)", state: "40001", ended: true},
		{name: "lock and a write", before: "SELECT pg_advisory_lock(2)", inFlight: "INSERT INTO t SELECT 1 FROM pg_sleep(60)", state: "08007", ended: true},
	}
}

// begin brings a session to where it is to be.
func (s *situation) begin(r *rig) {
	s.conn = r.Connect(r.t)
	if s.earlier != "" {
		must(r.t, s.conn, s.earlier)
	}
	if s.before != "" {
		if _, err := ask(s.conn, s.before); err != nil && s.status != 'E' {
			r.t.Fatal(err)
		}
	}
	if s.inFlight != "" {
		s.done = async(r.t, s.conn, s.inFlight)
	}
}

// lost checks what the session is told when its primary dies.
func (s *situation) lost(t *testing.T) {
	if s.done != nil {
		a := await(t, s.done)
		var e *pgconn.PgError
		if !errors.As(a.err, &e) || e.Code != s.state {
			t.Errorf("%s: told %v, want SQLSTATE %s", s.name, a.err, s.state)
		}
	}
	if s.ended {
		if s.done == nil && !strings.Contains(lastWords(t, s.conn), s.state) {
			t.Errorf("%s: not told %s", s.name, s.state)
		}
		return
	}
	if got := s.conn.PgConn().TxStatus(); got != s.status {
		t.Errorf("%s: transaction status %c, want %c", s.name, got, s.status)
	}
	if s.next != "" && s.nextErr != "" {
		mustFail(t, s.conn, s.next, s.nextErr)
	} else if s.next != "" {
		must(t, s.conn, s.next)
	}
}

// goesOn checks that the session is as good as new with another primary.
func (s *situation) goesOn(t *testing.T) {
	if s.ended {
		return
	}
	if s.conn.PgConn().TxStatus() != 'I' {
		must(t, s.conn, "ROLLBACK")
	}
	must(t, s.conn, "BEGIN; INSERT INTO t VALUES (100)")
	must(t, s.conn, "COMMIT")
	must(t, s.conn, "INSERT INTO t VALUES (100)")
	if s.name == "settings" {
		if got := must(t, s.conn, "SELECT current_setting('application_name') || current_setting('search_path')"); got != "keptpg_catalog, public" {
			t.Errorf("settings are %q after the switch", got)
		}
	}
}

func TestSessionsAreToldTheTruthAndGoOn(t *testing.T) {
	r := start(t, lab.Options{Standbys: 1})
	r.setup(slowCommit)
	all := situations()
	inFlight := 0
	for _, s := range all {
		s.begin(r)
		if s.done != nil {
			inFlight++
		}
	}
	watch := r.direct("primary")
	poll(t, "all statements are under way", func() bool {
		return must(t, watch, "SELECT count(*) FROM pg_stat_activity WHERE wait_event = 'PgSleep'") == itoa(inFlight)
	})
	r.do(r.lab.Kill, "primary")
	r.awaitLost()
	for _, s := range all {
		s.lost(t)
	}
	r.do(r.lab.Promote, "standby1")
	for _, s := range all {
		s.goesOn(t)
	}
	// Of all that was under way nothing can have been done: each was asleep.
	if got := must(t, r.direct("standby1"), "SELECT count(*) FROM t WHERE a <> 100"); got != "0" {
		t.Errorf("%s rows of lost transactions are there", got)
	}
}
