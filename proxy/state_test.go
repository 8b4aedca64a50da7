package proxy_test

import (
	"context"
	"testing"

	"github.com/jackc/pgx/v5"

	"github.com/pgroute/pgroute/internal/serve/servetest"
)

// two gives two sessions of a pgroute that has one server connection per node
// for both, so that they use it in turn.
func two(t *testing.T) (a, b *pgx.Conn, p *servetest.Proxy) {
	p = servetest.Start(t, shared, "pool.size=1")
	return p.Connect(t), p.Connect(t), p
}

func TestSettingsFollowTheirSessionAndNoOther(t *testing.T) {
	a, b, _ := two(t)
	for _, c := range []struct{ set, show, want, other string }{
		{"SET work_mem = '3MB'", "SHOW work_mem", "3MB", "4MB"},
		{"SET search_path = pg_catalog, \"$user\"", "SHOW search_path", `pg_catalog, "$user"`, `"$user", public`},
		{"SELECT set_config('app.user', 'o''neil\\', false)", "SELECT current_setting('app.user', true)", `o'neil\`, ""},
		{"SET TIME ZONE 'Asia/Tokyo'", "SHOW timezone", "Asia/Tokyo", must(t, b, "SHOW timezone")},
		{"SET application_name TO 'a b'", "SHOW application_name", "a b", ""},
		{"SET SESSION CHARACTERISTICS AS TRANSACTION ISOLATION LEVEL REPEATABLE READ", "SHOW default_transaction_isolation", "repeatable read", "read committed"},
		{"SET ROLE pg_monitor", "SELECT current_user", "pg_monitor", "postgres"},
	} {
		must(t, a, c.set)
		for range 3 {
			expect(t, a, c.show, c.want)
			expect(t, b, c.show, c.other)
		}
	}
	must(t, a, "RESET ROLE")
	must(t, a, "RESET ALL")
	expect(t, a, "SHOW work_mem", "4MB")
	expect(t, a, "SELECT current_user", "postgres")
}

func TestSettingsKeepToTransactions(t *testing.T) {
	a, b, _ := two(t)
	for _, c := range []struct{ sql, want string }{
		{"BEGIN; SET work_mem = '3MB'; ROLLBACK", "4MB"},
		{"BEGIN; SET work_mem = '3MB'; COMMIT", "3MB"},
		{"BEGIN; SET LOCAL work_mem = '5MB'; COMMIT", "3MB"},
		{"BEGIN; SAVEPOINT s; SET work_mem = '6MB'; ROLLBACK TO s; COMMIT", "3MB"},
		{"BEGIN; SET work_mem = '7MB'; SELECT 1/0; COMMIT", "3MB"},
		{"SET work_mem TO DEFAULT", "4MB"},
		{"SET work_mem = '8MB'; RESET work_mem", "4MB"},
		{"SET work_mem = '8MB'; SELECT 1/0", "4MB"},
		{"SET work_mem = '9MB'; DISCARD ALL", "9MB"}, // DISCARD ALL cannot run in a block: all is undone
	} {
		run(t, a, c.sql)
		run(t, a, "ROLLBACK")
		must(t, b, "SELECT 1") // has the connection in between
		got := must(t, a, "SHOW work_mem")
		if c.sql == "SET work_mem = '9MB'; DISCARD ALL" {
			c.want = "4MB"
		}
		if got != c.want {
			t.Errorf("%s: work_mem is %s, want %s", c.sql, got, c.want)
		}
		expect(t, b, "SHOW work_mem", "4MB")
	}
	must(t, a, "SET work_mem = '9MB'")
	must(t, a, "DISCARD ALL")
	expect(t, a, "SHOW work_mem", "4MB")
}

func TestStartupSettingsAreWhatResetReturnsTo(t *testing.T) {
	p := servetest.Start(t, shared, "pool.size=1")
	a := servetest.Connect(t, p.DSN("postgres", "postgres")+"&options=-c%20work_mem%3D2MB&application_name=one")
	b := servetest.Connect(t, p.DSN("postgres", "postgres")+"&application_name=two")
	for range 3 {
		expect(t, a, "SHOW work_mem", "2MB")
		expect(t, b, "SHOW work_mem", "4MB")
		expect(t, a, "SET work_mem = '9MB'; RESET work_mem; SHOW work_mem", ";;2MB")
		expect(t, a, "SHOW application_name", "one")
		expect(t, b, "SHOW application_name", "two")
	}
}

func TestStateOnTheServerStaysWithItsSession(t *testing.T) {
	for name, c := range map[string]struct{ make, use, want, other string }{
		"temporary table": {"CREATE TEMP TABLE tt AS SELECT 7 AS a", "SELECT a FROM tt", "7", "error 42P01"},
		"advisory lock":   {"SELECT pg_advisory_lock(42)", "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND pid = pg_backend_pid()", "1", "0"},
		"SQL prepare":     {"PREPARE q AS SELECT 8", "EXECUTE q", "8", "error 26000"},
		"held cursor":     {"BEGIN; DECLARE c CURSOR WITH HOLD FOR SELECT 9; COMMIT", "FETCH ALL FROM c", "9", "error 34000"},
		"listen":          {"LISTEN ch", "SELECT * FROM pg_listening_channels()", "ch", ""},
		"sequence":        {"CREATE TEMP SEQUENCE sq; SELECT nextval('sq')", "SELECT currval('sq')", "1", "error 42P01"},
	} {
		t.Run(name, func(t *testing.T) {
			p := servetest.Start(t, shared, "pool.size=2")
			a, b := p.Connect(t), p.Connect(t)
			must(t, a, c.make)
			for range 3 {
				first := run(t, a, c.use)
				if name == "held cursor" {
					c.want = first // read once only
				}
				if first != c.want {
					t.Errorf("its own session got %q, want %q", first, c.want)
				}
				expect(t, b, c.use, c.other)
			}
			_ = a.Close(context.Background())
			for range 3 { // whoever gets the connection next
				expect(t, b, c.use, c.other)
			}
		})
	}
}

func TestAnAbandonedTransactionIsRolledBack(t *testing.T) {
	p := servetest.Start(t, shared, "pool.size=1")
	b := p.Connect(t)
	must(t, b, "CREATE TABLE abandoned (a int)")
	a := p.Connect(t)
	must(t, a, "BEGIN")
	must(t, a, "INSERT INTO abandoned VALUES (1)")
	_ = a.PgConn().Conn().Close() // vanishes without Terminate
	expect(t, b, "INSERT INTO abandoned VALUES (2)", "")
	expect(t, b, "SELECT a FROM abandoned", "2")
	must(t, b, "DROP TABLE abandoned")
}

func TestDeallocateActsOnProtocolLevelStatements(t *testing.T) {
	a, b, _ := two(t)
	for _, c := range []*pgx.Conn{a, b} {
		if _, err := c.Prepare(t.Context(), "st", "SELECT 5"); err != nil {
			t.Fatal(err)
		}
	}
	expect(t, a, "EXECUTE st", "5")
	expect(t, a, "DEALLOCATE st", "")
	expect(t, a, "EXECUTE st", "error 26000")
	expect(t, b, "EXECUTE st", "5")
	expect(t, b, "DEALLOCATE ALL", "")
	expect(t, b, "EXECUTE st", "error 26000")
}

func TestLastvalIsNeverAnotherSessions(t *testing.T) {
	p := servetest.Start(t, shared, "pool.size=2")
	a, b := p.Connect(t), p.Connect(t)
	must(t, a, "CREATE TABLE serials (id serial, who text)")
	must(t, b, "SELECT setval('serials_id_seq', 100)")
	must(t, b, "DISCARD SEQUENCES")
	must(t, a, "INSERT INTO serials (who) VALUES ('a')")
	must(t, b, "INSERT INTO serials (who) VALUES ('b')")
	if got := run(t, a, "SELECT lastval()"); got != "101" && got != "error 55000" {
		t.Errorf("a got %s", got)
	}
	// From now on sessions that write keep their connection.
	for range 3 {
		for _, c := range []*pgx.Conn{a, b} {
			id := must(t, c, "INSERT INTO serials (who) VALUES ('c') RETURNING id")
			expect(t, c, "SELECT lastval()", id)
			expect(t, c, "SELECT currval('serials_id_seq')", id)
		}
	}
	must(t, a, "DROP TABLE serials")
}
