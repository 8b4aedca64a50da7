package proxy_test

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/pgroute/pgroute/internal/serve/servetest"
)

// inRecovery tells where a session is now: it is asked in a statement that a
// hint leaves where its transaction is.
const inRecovery = "/* pgroute: standby */ SELECT pg_is_in_recovery()"

// patient has reads wait for a standby however busy the machine is, instead of
// going to the primary.
const patient = "routing.fence_wait=10s"

// steps are statements with what each must give.
type steps [][2]string

// take runs the steps on a session that standbys serve.
func (st steps) take(t *testing.T, p *servetest.Proxy, c *pgx.Conn, send func(testing.TB, *pgx.Conn, string) string) {
	t.Helper()
	awaitStandby(t, p, c)
	for _, step := range st {
		if got := send(t, c, step[0]); got != step[1] {
			t.Errorf("%.80s\n got %q\nwant %q", step[0], got, step[1])
		}
	}
}

func TestAReadOnlyTransactionMovesToThePrimaryForWhatBelongsThere(t *testing.T) {
	p := servetest.Start(t, shared, patient)
	for name, sequence := range map[string]steps{
		"first": {
			{"BEGIN READ ONLY", ""},
			{"SELECT pg_try_advisory_xact_lock(41)", "t"},
			{inRecovery, "f"},
			{"SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND objid = 41", "1"},
			{"SHOW transaction_read_only", "on"},
			{"COMMIT", ""},
		},
		"behind reads": {
			{"BEGIN READ ONLY", ""},
			{"SELECT 7", "7"},
			{inRecovery, "t"},
			{"SELECT txid_current() > 0", "t"},
			{inRecovery, "f"},
			{"SELECT 8", "8"},
			{"ROLLBACK", ""},
		},
		"with settings": {
			{"START TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY", ""},
			{"SET LOCAL work_mem = '77MB'", ""},
			{"SELECT set_config('moved.by', 'hand', true)", "hand"},
			{"SELECT pg_export_snapshot() IS NOT NULL", "t"},
			{inRecovery, "f"},
			{"SHOW work_mem", "77MB"},
			{"SHOW moved.by", "hand"},
			{"SHOW transaction_isolation", "repeatable read"},
			{"COMMIT", ""},
			{"SHOW work_mem", "4MB"},
		},
		"a setting for the session": {
			{"BEGIN READ ONLY", ""},
			{"SET work_mem = '78MB'", ""},
			{"SELECT lo_get(0)", "error 42704"},
			{"SELECT 1", "error 25P02"},
			{"ROLLBACK", ""},
			{"SHOW work_mem", "4MB"},
			{"BEGIN READ ONLY", ""},
			{"SET work_mem = '79MB'", ""},
			{"SELECT pg_backend_pid() > 0", "t"},
			{"COMMIT", ""},
			{"SHOW work_mem", "79MB"},
			{"RESET work_mem", ""},
		},
		"asked to write": {
			{"BEGIN READ ONLY", ""},
			{"SET TRANSACTION READ WRITE", ""},
			{inRecovery, "f"},
			{"CREATE TEMP TABLE moved_t (a int) ON COMMIT DROP", ""},
			{"COMMIT", ""},
		},
		"begun twice": {
			{"BEGIN READ ONLY", ""},
			{"BEGIN", ""},
			{"BEGIN ISOLATION LEVEL REPEATABLE READ", ""},
			{"SELECT pg_try_advisory_xact_lock(41)", "t"},
			{inRecovery, "f"},
			{"SHOW transaction_isolation", "repeatable read"},
			{"COMMIT", ""},
		},
		"a hint": {
			{"BEGIN READ ONLY", ""},
			{"/* pgroute: primary */ SELECT pg_is_in_recovery()", "f"},
			{"COMMIT", ""},
		},
		"to where it is prepared": {
			{"BEGIN READ ONLY", ""},
			{"PREPARE moved_p AS SELECT 9", ""},
			{"COMMIT", ""},
			{"EXECUTE moved_p", "9"},
			{"DEALLOCATE moved_p", ""},
			{"CREATE TEMP TABLE moved_u (a int)", ""},
			{"DROP TABLE moved_u", ""},
			{"DISCARD ALL", ""},
		},
	} {
		for way, send := range map[string]func(testing.TB, *pgx.Conn, string) string{"simple": run, "extended": extended} {
			t.Run(name+"/"+way, func(t *testing.T) {
				moved := p.Server().Counters().Moved.Load()
				sequence.take(t, p, p.Connect(t), send)
				if p.Server().Counters().Moved.Load() == moved {
					t.Error("no transaction moved")
				}
			})
		}
	}
	if n := p.Server().Counters().Misplaced.Load(); n > 0 {
		t.Errorf("%d statements were refused", n)
	}
}

func TestSetTransactionReadOnlyMovesToAStandby(t *testing.T) {
	p := servetest.Start(t, shared, patient)
	for way, send := range map[string]func(testing.TB, *pgx.Conn, string) string{"simple": run, "extended": extended} {
		t.Run(way, func(t *testing.T) {
			steps{
				{"BEGIN", ""},
				{inRecovery, "f"},
				{"COMMIT", ""},
				{"BEGIN ISOLATION LEVEL REPEATABLE READ", ""},
				{"SET LOCAL work_mem = '77MB'", ""},
				{"SET TRANSACTION READ ONLY", ""},
				{inRecovery, "t"},
				{"SHOW work_mem", "77MB"},
				{"SHOW transaction_isolation", "repeatable read"},
				{"COMMIT", ""},
				{"BEGIN", ""},
				{"SET TRANSACTION READ ONLY", ""},
				{"SELECT pg_try_advisory_xact_lock(42)", "t"},
				{inRecovery, "f"},
				{"COMMIT", ""},
				{"/* pgroute: primary */ BEGIN", ""},
				{"SET TRANSACTION READ ONLY", ""},
				{inRecovery, "f"},
				{"COMMIT", ""},
				{"BEGIN", ""},
				{"SET TRANSACTION ISOLATION LEVEL SERIALIZABLE, READ ONLY", ""},
				{inRecovery, "f"},
				{"COMMIT", ""},
				{"BEGIN", ""},
				{"SELECT 1", "1"},
				{"SET TRANSACTION READ ONLY", ""},
				{inRecovery, "f"},
				{"COMMIT", ""},
			}.take(t, p, p.Connect(t), send)
		})
	}
}

// What cannot move is refused when the standby would do it without a word.
func TestWhatIsBoundToAStandbyDoesNothingUnnoticedThere(t *testing.T) {
	p := servetest.Start(t, shared, patient)
	bind := map[string]steps{
		"a snapshot":  {{"BEGIN READ ONLY ISOLATION LEVEL REPEATABLE READ", ""}, {"SELECT 1", "1"}},
		"a cursor":    {{"BEGIN READ ONLY", ""}, {"DECLARE c CURSOR FOR SELECT 1", ""}},
		"a savepoint": {{"BEGIN READ ONLY", ""}, {"SAVEPOINT s", ""}},
	}
	const lock = "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND objid = 43"
	for name, bound := range bind {
		for way, send := range map[string]func(testing.TB, *pgx.Conn, string) string{"simple": run, "extended": extended} {
			for _, effect := range []string{
				"SELECT pg_advisory_lock(43)", "SELECT pg_advisory_xact_lock(43)", "SELECT pg_export_snapshot()",
				"LOCK TABLE pg_class IN ACCESS SHARE MODE", "PREPARE bound_p AS SELECT 1", "DECLARE h CURSOR WITH HOLD FOR SELECT 1",
				"SELECT setseed(0.5)", "SET SESSION AUTHORIZATION app", "DO 'BEGIN END'",
			} {
				t.Run(name+"/"+way+"/"+effect, func(t *testing.T) {
					c := p.Connect(t)
					sequence := append(append(steps{}, bound...), steps{
						{inRecovery, "t"},
						{effect, "error 0A000"},
						{"SELECT 1", "error 25P02"},
						{"ROLLBACK", ""},
						{"CREATE TEMP TABLE bound_t (a int)", ""},
					}...)
					sequence.take(t, p, c, send)
				})
			}
		}
		c := p.Connect(t)
		append(append(steps{}, bound...), steps{
			{"SELECT nextval('pg_catalog.pg_class'::regclass)", "error 42809"},
			{"ROLLBACK", ""},
		}...).take(t, p, c, run)
		append(append(steps{}, bound...), steps{
			{"/* pgroute: standby */ SELECT pg_try_advisory_lock(43)", "t"},
			{"/* pgroute: standby */ " + lock, "1"},
			{"COMMIT", ""},
		}...).take(t, p, c, run)
		for deadline := time.Now().Add(limit); run(t, c, "/* pgroute: standby */ "+lock) != "0"; {
			if time.Now().After(deadline) {
				t.Fatal("the lock is still there")
			}
		}
	}
}

// What is not known because DDL is under way may be known in a moment.
func TestWhatIsNotKnownForNowIsToldToBeRepeated(t *testing.T) {
	p := servetest.Start(t, shared, patient)
	c, ddl := p.Connect(t), p.Connect(t)
	must(t, ddl, "CREATE FUNCTION moved_f() RETURNS int LANGUAGE sql STABLE AS 'SELECT 1'; CREATE DOMAIN moved_d AS int")
	p.AwaitCatalog("postgres")
	if err := shared.WaitCaughtUp(t.Context()); err != nil {
		t.Fatal(err)
	}
	for way, send := range map[string]func(testing.TB, *pgx.Conn, string) string{"simple": run, "extended": extended} {
		for _, sql := range []string{"SELECT moved_f()", "SELECT 1 WHERE 1 < 2", "SELECT 1::moved_d"} {
			t.Run(way+"/"+sql, func(t *testing.T) {
				steps{
					{"BEGIN READ ONLY ISOLATION LEVEL REPEATABLE READ", ""},
					{sql, "1"},
					{inRecovery, "t"},
				}.take(t, p, c, send)
				must(t, ddl, "BEGIN; COMMENT ON FUNCTION moved_f() IS 'x'; ALTER FUNCTION moved_f() COST 7")
				for _, step := range (steps{
					{sql, "error 40001"},
					{"ROLLBACK", ""},
					{"BEGIN READ ONLY ISOLATION LEVEL REPEATABLE READ", ""},
					{sql, "1"},
					{inRecovery, "f"},
					{"COMMIT", ""},
				}) {
					if got := send(t, c, step[0]); got != step[1] {
						t.Errorf("%s: got %q, want %q", step[0], got, step[1])
					}
				}
				must(t, ddl, "ROLLBACK")
				p.AwaitCatalog("postgres")
			})
		}
	}
	must(t, ddl, "DROP FUNCTION moved_f(); DROP DOMAIN moved_d")
}

// Several messages on their way at once keep their order around a move.
func TestATransactionMovesInAPipeline(t *testing.T) {
	p := servetest.Start(t, shared, patient)
	c := p.Connect(t)
	for _, texts := range [][]string{
		{"BEGIN READ ONLY", "SELECT 1", "SELECT pg_try_advisory_xact_lock(44)::text", "SELECT 2", "COMMIT", "SELECT 3"},
		{"BEGIN", "SET TRANSACTION READ ONLY", "SELECT 4", "SELECT pg_try_advisory_xact_lock(44)::text", "COMMIT"},
	} {
		awaitStandby(t, p, c)
		moved := p.Server().Counters().Moved.Load()
		pipe := c.PgConn().StartPipeline(t.Context())
		for _, text := range texts {
			pipe.SendQueryParams(text, nil, nil, nil, nil)
			if err := pipe.Sync(); err != nil {
				t.Fatal(err)
			}
		}
		for _, text := range texts {
			r, err := pipe.GetResults()
			if err != nil {
				t.Fatalf("%s: %v", text, err)
			}
			got := resultText(r.(*pgconn.ResultReader).Read())
			want, found := strings.CutPrefix(text, "SELECT ")
			switch {
			case !found:
				want = ""
			case strings.HasPrefix(want, "pg_try"):
				want = "true"
			}
			if got != want {
				t.Errorf("%s: got %q", text, got)
			}
			if _, err := pipe.GetResults(); err != nil { // the Sync
				t.Fatal(err)
			}
		}
		if err := pipe.Close(); err != nil {
			t.Fatal(err)
		}
		if p.Server().Counters().Moved.Load() == moved {
			t.Errorf("%s: no transaction moved", texts)
		}
	}
}

// A batch that begins a transaction and needs the primary begins there.
func TestABatchThatBeginsAndNeedsThePrimaryBeginsThere(t *testing.T) {
	p := servetest.Start(t, shared, patient)
	c := p.Connect(t)
	awaitStandby(t, p, c)
	batch := &pgx.Batch{}
	batch.Queue("BEGIN READ ONLY")
	batch.Queue("SELECT pg_try_advisory_xact_lock(45)")
	batch.Queue("SELECT pg_is_in_recovery()")
	results := c.SendBatch(context.Background(), batch)
	var locked, recovering bool
	if _, err := results.Exec(); err != nil {
		t.Fatal(err)
	}
	if err := results.QueryRow().Scan(&locked); err != nil {
		t.Fatal(err)
	}
	if err := results.QueryRow().Scan(&recovering); err != nil {
		t.Fatal(err)
	}
	if err := results.Close(); err != nil || !locked || recovering {
		t.Errorf("locked %v, in recovery %v, %v", locked, recovering, err)
	}
	expect(t, c, "COMMIT", "")
}

// Statements too long to be kept are looked into when they come in a
// transaction on a standby.
func TestLongStatementsInATransactionOnAStandby(t *testing.T) {
	p := servetest.Start(t, shared, patient)
	for way, send := range map[string]func(testing.TB, *pgx.Conn, string) string{"simple": run, "extended": extended} {
		for size, bound := range map[int]string{100 << 10: "t", 3 << 19: "error 0A000"} {
			t.Run(way+"/"+bound, func(t *testing.T) {
				long := "'" + strings.Repeat("x", size) + "'"
				steps{
					{"BEGIN READ ONLY", ""},
					{"SELECT length(" + long + ") > 0", "t"},
					{"SELECT " + long + " <> pg_advisory_xact_lock(46)::text", "t"},
					{"COMMIT", ""},
				}.take(t, p, p.Connect(t), send)
				if way == "extended" && bound != "t" {
					return // such a Parse ends the session
				}
				steps{
					{"BEGIN READ ONLY ISOLATION LEVEL REPEATABLE READ", ""},
					{"SELECT 1", "1"},
					{"SELECT length(" + long + ") > 0", bound},
					{"ROLLBACK", ""},
				}.take(t, p, p.Connect(t), send)
			})
		}
	}
}

func TestAHintLeavesNoSessionOnAStandby(t *testing.T) {
	p := servetest.Start(t, shared, patient)
	var notices []string
	c := connectNoting(t, p, &notices)
	steps{
		{"/* pgroute: standby */ PREPARE hinted_p AS SELECT 1", ""},
		{"EXECUTE hinted_p", "error 26000"},
		{"/* pgroute: standby */ SELECT pg_try_advisory_lock(47)", "t"},
		{"CREATE TEMP TABLE hinted_t (a int)", ""},
	}.take(t, p, c, run)
	if len(notices) != 2 || !strings.Contains(notices[0], "pgroute.role") {
		t.Errorf("notices %q", notices)
	}
}
