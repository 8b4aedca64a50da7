package proxy_test

import (
	"context"
	"errors"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/pgroute/pgroute/internal/lab"
	"github.com/pgroute/pgroute/internal/serve/servetest"
)

// extended executes one statement by the extended protocol, unnamed, and gives
// what run gives.
func extended(t testing.TB, c *pgx.Conn, sql string) string {
	t.Helper()
	r := c.PgConn().ExecParams(t.Context(), sql, nil, nil, nil, nil).Read()
	return resultText(r)
}

// named does so by way of a prepared statement, in two batches.
func named(t testing.TB, c *pgx.Conn, sql string) string {
	t.Helper()
	name := "own " + sql
	if _, err := c.PgConn().Prepare(t.Context(), name, sql, nil); err != nil {
		var e *pgconn.PgError
		if errors.As(err, &e) {
			return "error " + e.Code
		}
		return "error " + err.Error()
	}
	defer func() { _ = c.PgConn().Deallocate(context.Background(), name) }()
	return resultText(c.PgConn().ExecPrepared(t.Context(), name, nil, nil, nil).Read())
}

func resultText(r *pgconn.Result) string {
	if r.Err != nil {
		return "error " + state(r.Err)
	}
	var values []string
	for _, row := range r.Rows {
		for _, v := range row {
			values = append(values, string(v))
		}
	}
	return strings.Join(values, " ")
}

// ways are the ways to send a statement.
var ways = map[string]func(testing.TB, *pgx.Conn, string) string{"simple": run, "extended": extended, "named": named}

func TestSettingsOfPgrouteAreSetShownAndReset(t *testing.T) {
	p := servetest.Start(t, shared)
	for name, send := range ways {
		t.Run(name, func(t *testing.T) {
			c := p.Connect(t)
			for _, step := range [][2]string{
				{"SHOW pgroute.role", "any"},
				{"SET pgroute.role = 'standby'", ""},
				{"SHOW pgroute.role", "standby"},
				{"SET pgroute.role TO DEFAULT", ""},
				{"SHOW pgroute.role", "any"},
				{"SET SESSION pgroute.role TO primary", ""},
				{"show PGROUTE.Role", "primary"},
				{"RESET pgroute.role", ""},
				{"SHOW pgroute.role", "any"},
				{"SHOW pgroute.consistency", "session"},
				{"SET pgroute.consistency = eventual", ""},
				{"SHOW pgroute.consistency", "eventual"},
				{"SET pgroute.max_staleness = '200ms'", ""},
				{"SHOW pgroute.max_staleness", "200ms"},
				{"SET pgroute.max_staleness = 0", ""},
				{"SHOW pgroute.max_staleness", "0"},
				{"SHOW pgroute.min_lsn", ""},
				{"SET pgroute.role = 'somewhere'", "error 22023"},
				{"SET pgroute.max_staleness = 'soon'", "error 22023"},
				{"SET pgroute.min_lsn = 'x'", "error 22023"},
				{"SET pgroute.min_lsn = '1/1/0/1'", "error 22023"},
				{"SET pgroute.lsn = '0/1'", "error 55P02"},
				{"SET pgroute.nothing = 1", "error 42704"},
				{"SHOW pgroute.nothing", "error 42704"},
				{"SET LOCAL pgroute.role = standby", "error 0A000"},
				{"SHOW pgroute.consistency", "eventual"},
				{"DISCARD ALL", ""},
				{"SHOW pgroute.consistency", "session"},
				{"SET pgroute.consistency = strong", ""},
				{"RESET ALL", ""},
				{"SHOW pgroute.consistency", "session"},
			} {
				if name == "named" && step[0] == "DISCARD ALL" {
					run(t, c, step[0]) // it drops the very statement
				} else if got := send(t, c, step[0]); got != step[1] {
					t.Errorf("%s: got %q, want %q", step[0], got, step[1])
				}
			}
		})
	}
}

func TestWrongSettingsSayWhatIsAllowed(t *testing.T) {
	c := servetest.Start(t, shared).Connect(t)
	_, err := c.Exec(t.Context(), "SET pgroute.role = 'somewhere'")
	var e *pgconn.PgError
	if !errors.As(err, &e) || e.Hint != "Available values: any, primary, standby." {
		t.Errorf("got %v, hint %q", err, e.Hint)
	}
}

func TestTheRoleSetIsFollowed(t *testing.T) {
	p := servetest.Start(t, shared)
	for name, send := range ways {
		t.Run(name, func(t *testing.T) {
			c := p.Connect(t)
			send(t, c, "SET pgroute.role = primary")
			if fromStandby(t, p, c, "SELECT 1") {
				t.Error("a standby answered although the primary was asked for")
			}
			send(t, c, "SET pgroute.consistency = eventual") // else a read may be too early for a standby
			send(t, c, "SET pgroute.role = standby")
			for _, sql := range []string{"SELECT 1", "SHOW in_hot_standby", "BEGIN; SELECT 1; COMMIT"} {
				if !fromStandby(t, p, c, sql) {
					t.Errorf("%s was not on a standby", sql)
				}
			}
			if got := send(t, c, "CREATE TABLE own_never (a int)"); got != "error 25006" {
				t.Errorf("a write asked to go to a standby gave %q", got)
			}
			send(t, c, "RESET pgroute.role")
			if got := send(t, c, "CREATE TEMP TABLE own_temp (a int)"); got != "" {
				t.Errorf("after RESET a write gave %q", got)
			}
		})
	}
}

func TestStartupOptionsAskForARole(t *testing.T) {
	p := servetest.Start(t, shared)
	dsn := p.DSN(lab.Superuser, "postgres")
	c := servetest.Connect(t, dsn+"&options=-c%20pgroute.role%3Dstandby%20-c%20work_mem%3D5MB")
	expect(t, c, "SHOW pgroute.role", "standby")
	expect(t, c, "SHOW work_mem", "5MB")
	expect(t, c, "SELECT count(*) FROM pg_settings WHERE name LIKE 'pgroute%'", "0")
	if !fromStandby(t, p, c, "SELECT pg_is_in_recovery()") {
		t.Error("the statement was not on a standby")
	}
	expect(t, c, "SET pgroute.role = primary", "")
	expect(t, c, "DISCARD ALL", "")
	expect(t, c, "SHOW pgroute.role", "standby")
	_, err := pgx.Connect(t.Context(), dsn+"&options=-c%20pgroute.role%3Dnowhere")
	var e *pgconn.PgError
	if !errors.As(err, &e) || e.Code != "22023" {
		t.Errorf("a wrong startup option gave %v", err)
	}
}

func TestOwnStatementsInTransactions(t *testing.T) {
	p := servetest.Start(t, shared)
	for name, send := range ways {
		t.Run(name, func(t *testing.T) {
			c := p.Connect(t)
			must(t, c, "BEGIN")
			if got := send(t, c, "SHOW pgroute.role"); got != "any" {
				t.Errorf("SHOW in a transaction gave %q", got)
			}
			if got := send(t, c, "EXPLAIN ROUTE SELECT 1"); !strings.Contains(got, "in_transaction") {
				t.Errorf("EXPLAIN ROUTE in a transaction gave %q", got)
			}
			if got := send(t, c, "SHOW pgroute.lsn"); strings.Count(got, "/") != 3 {
				t.Errorf("SHOW pgroute.lsn in a transaction gave %q", got)
			}
			if got := send(t, c, "SET pgroute.role = primary"); got != "error 0A000" {
				t.Errorf("SET in a transaction gave %q", got)
			}
			expect(t, c, "SELECT 1", "error 25P02")
			if got := send(t, c, "SHOW pgroute.role"); got != "error 25P02" {
				t.Errorf("SHOW in a failed transaction gave %q", got)
			}
			expect(t, c, "ROLLBACK", "")
			expect(t, c, "SHOW pgroute.role", "any")
		})
	}
}

func TestOwnStatementsAmongOthersAreRefused(t *testing.T) {
	p := servetest.Start(t, shared)
	c := p.Connect(t)
	expect(t, c, "SET pgroute.role = primary; SELECT 1", "error 0A000")
	expect(t, c, "SELECT 1; SHOW pgroute.role", "error 0A000")
	expect(t, c, "SHOW pgroute.role", "any")
	b := &pgconn.Batch{}
	b.ExecParams("SELECT 1", nil, nil, nil, nil)
	b.ExecParams("SET pgroute.role = primary", nil, nil, nil, nil)
	if _, err := c.PgConn().ExecBatch(t.Context(), b).ReadAll(); err == nil || state(err) != "0A000" {
		t.Errorf("in a batch among others: %v", err)
	}
	b = &pgconn.Batch{}
	b.ExecParams("SET pgroute.consistency = eventual", nil, nil, nil, nil)
	b.ExecParams("SHOW pgroute.consistency", nil, nil, nil, nil)
	results, err := c.PgConn().ExecBatch(t.Context(), b).ReadAll()
	if err != nil || string(results[1].Rows[0][0]) != "eventual" {
		t.Errorf("a batch of own statements: %v", err)
	}
	expect(t, c, "SHOW pgroute.role", "any")
}

func TestOwnStatementsOfPinnedSessions(t *testing.T) {
	c := servetest.Start(t, shared).Connect(t)
	must(t, c, "LISTEN own")
	expect(t, c, "SET pgroute.role = primary", "")
	expect(t, c, "SHOW pgroute.role", "primary")
	if got := run(t, c, "SHOW pgroute.lsn"); strings.Count(got, "/") != 3 {
		t.Errorf("SHOW pgroute.lsn gave %q", got)
	}
}

func TestPipelinedOwnStatementsKeepTheirOrder(t *testing.T) {
	c := servetest.Start(t, shared).Connect(t)
	pipe := c.PgConn().StartPipeline(t.Context())
	for _, sql := range []string{"SELECT pg_sleep(0.01), 'a'", "SET pgroute.role = primary", "SHOW pgroute.role", "SELECT 'b'", "SHOW pgroute.role"} {
		pipe.SendQueryParams(sql, nil, nil, nil, nil)
		if err := pipe.Sync(); err != nil {
			t.Fatal(err)
		}
	}
	var got []string
	for range 10 {
		r, err := pipe.GetResults()
		if err != nil {
			t.Fatal(err)
		}
		if rr, ok := r.(*pgconn.ResultReader); ok {
			got = append(got, strings.TrimSpace(resultText(rr.Read())))
		}
	}
	if all := strings.Join(got, ","); all != "a,,primary,b,primary" {
		t.Errorf("got %q", all)
	}
	if err := pipe.Close(); err != nil {
		t.Error(err)
	}
}

func TestACausalTokenCarriesAWriteToAnotherSession(t *testing.T) {
	p := servetest.Start(t, shared)
	writer, reader := p.Connect(t), p.Connect(t)
	must(t, writer, "CREATE TABLE own_token (a int)")
	p.AwaitCatalog("postgres")
	expect(t, reader, "SET pgroute.consistency = eventual", "")
	for range 200 {
		must(t, writer, "INSERT INTO own_token VALUES (1)")
		want := must(t, writer, "SELECT count(*) FROM own_token")
		token := must(t, writer, "SHOW pgroute.lsn")
		expect(t, reader, "SET pgroute.min_lsn = '"+token+"'", "")
		expect(t, reader, "SHOW pgroute.min_lsn", token)
		expect(t, reader, "SELECT count(*) FROM own_token", want)
	}
	must(t, writer, "DROP TABLE own_token")
}

func TestExplainRouteTellsWhereAndWhy(t *testing.T) {
	p := servetest.Start(t, shared)
	for name, send := range ways {
		t.Run(name, func(t *testing.T) {
			c := p.Connect(t)
			send(t, c, "SET pgroute.consistency = eventual")
			for sql, words := range map[string][]string{
				"EXPLAIN ROUTE SELECT 1":                              {"class read", "action standby", "node standby", "candidate primary", "candidate standby2"},
				"explain route INSERT INTO t VALUES (1)":              {"class write", "dml: it changes rows", "action primary", "node primary"},
				"EXPLAIN ROUTE SELECT nextval('s')":                   {"class write", "because of nextval", "sequence"},
				"EXPLAIN ROUTE /* pgroute: standby */ DELETE FROM t":  {"class write", "action standby", "asked_standby"},
				"/* pgroute: node=standby1 */ EXPLAIN ROUTE SELECT 1": {"asked_node", "node standby1"},
				"EXPLAIN ROUTE /* pgroute: standbye */ SELECT 1":      {`hint "standbye" is not known`},
				"EXPLAIN ROUTE /* pgroute: node=nowhere */ SELECT 1":  {"action refuse", "unknown_node"},
				"EXPLAIN ROUTE": {"error 42601"},
				"EXPLAIN ROUTE SELECT 1 FROM pg_class WHERE oid = 1259": {"class read", "fence"},
			} {
				got := send(t, c, sql)
				for _, w := range words {
					if !strings.Contains(got, w) {
						t.Errorf("%s: no %q in %q", sql, w, got)
					}
				}
			}
		})
	}
}

func TestHintedWritesGetTheStandbysOwnError(t *testing.T) {
	p := servetest.Start(t, shared)
	for name, send := range ways {
		t.Run(name, func(t *testing.T) {
			c := p.Connect(t)
			for _, hint := range []string{"standby", "node=standby1"} {
				if got := send(t, c, "/* pgroute: "+hint+" */ CREATE TABLE own_never (a int)"); got != "error 25006" {
					t.Errorf("%s: got %q", hint, got)
				}
			}
			if got := send(t, c, "/* pgroute: node=nowhere */ SELECT 1"); got != "error 22023" {
				t.Errorf("an unknown node gave %q", got)
			}
		})
	}
	if n := p.Server().Counters().Reruns.Load(); n > 0 {
		t.Errorf("%d statements were run again", n)
	}
}

// connectNoting connects and keeps what the client is noticed of.
func connectNoting(t *testing.T, p *servetest.Proxy, notices *[]string) *pgx.Conn {
	t.Helper()
	cfg, err := pgx.ParseConfig(p.DSN(lab.Superuser, "postgres"))
	if err != nil {
		t.Fatal(err)
	}
	cfg.OnNotice = func(_ *pgconn.PgConn, n *pgconn.Notice) { *notices = append(*notices, n.Message) }
	c, err := pgx.ConnectConfig(t.Context(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close(context.Background()) })
	return c
}

func TestAWrongHintIsANotice(t *testing.T) {
	p := servetest.Start(t, shared)
	var notices []string
	c := connectNoting(t, p, &notices)
	for name, send := range map[string]func(testing.TB, *pgx.Conn, string) string{"simple": run, "extended": extended} {
		notices = nil
		if got := send(t, c, "/* pgroute: primari */ SELECT 1"); got != "1" {
			t.Errorf("%s: got %q", name, got)
		}
		if len(notices) != 1 || !strings.Contains(notices[0], `"primari"`) {
			t.Errorf("%s: notices %q", name, notices)
		}
	}
}
