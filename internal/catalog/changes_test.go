package catalog

import (
	"context"
	"log/slog"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/pgroute/pgroute/internal/lab"
	"github.com/pgroute/pgroute/router"
)

// TestEveryDDLIsSeen makes one change after another, each of which may turn a
// read into a write, and asks whether a look would notice.
func TestEveryDDLIsSeen(t *testing.T) {
	db := newDB(t, "changes", schema)
	monitor := connect(t, "pgroute", "changes")
	if err := prepare(t.Context(), monitor); err != nil {
		t.Fatal(err)
	}
	known, err := check(t.Context(), monitor, "")
	if err != nil {
		t.Fatal(err)
	}
	for _, ddl := range []string{
		`CREATE FUNCTION fresh() RETURNS int LANGUAGE sql AS 'SELECT 1'`,
		`ALTER FUNCTION reads(int) VOLATILE`,
		`CREATE OR REPLACE FUNCTION adds(int, int) RETURNS int LANGUAGE sql IMMUTABLE AS 'SELECT $1 - $2'`,
		`ALTER FUNCTION reads(int) RENAME TO reads_now`,
		`ALTER FUNCTION reads_now(int) SET SCHEMA other`,
		`DROP FUNCTION fresh()`,
		`CREATE AGGREGATE agg (int) (SFUNC = step, STYPE = int)`,
		`CREATE OR REPLACE VIEW v_plain AS SELECT * FROM t WHERE writes(id) > 0`,
		`ALTER VIEW v_plain RENAME TO v_renamed`,
		`DROP VIEW v_lock`,
		`CREATE OPERATOR <#> (LEFTARG = int, RIGHTARG = int, FUNCTION = op_writes)`,
		`DROP OPERATOR <!> (int, int) CASCADE`,
		`CREATE FUNCTION to_colour(t) RETURNS colour LANGUAGE sql AS $$SELECT 'red'::colour$$`,
		`CREATE CAST (t AS colour) WITH FUNCTION to_colour(t)`,
		`ALTER TABLE t SET UNLOGGED`,
		`ALTER TABLE policy_off ENABLE ROW LEVEL SECURITY`,
		`ALTER POLICY p ON secured USING (writes(id) > 0)`,
		`CREATE POLICY q ON secured USING (true)`,
		`CREATE DOMAIN d AS int`,
		`ALTER DOMAIN d ADD CONSTRAINT c CHECK (VALUE > 0)`,
		`ALTER DOMAIN d DROP CONSTRAINT c`,
		`CREATE FOREIGN DATA WRAPPER w; CREATE SERVER s FOREIGN DATA WRAPPER w; CREATE FOREIGN TABLE ft (i int) SERVER s`,
		`CREATE TABLE child (i int); CREATE TABLE parent (i int); ALTER TABLE child INHERIT parent`,
		`ALTER TABLE child NO INHERIT parent`,
		`ALTER SCHEMA other RENAME TO another`,
		`CREATE EXTENSION citext`,
		`CREATE TABLE plain_table (i int)`,
		`ALTER TABLE plain_table RENAME TO plainer_table`,
	} {
		exec(t, db, ddl)
		now, err := check(t.Context(), monitor, known.snapshot)
		if err != nil {
			t.Fatal(err)
		}
		if now.signature == "" || now.signature == known.signature {
			t.Errorf("not seen: %s", ddl)
		}
		known = now
	}
}

// What happens all the time must not cause loads.
func TestOrdinaryWorkIsNotDDL(t *testing.T) {
	db := newDB(t, "ordinary", schema)
	monitor := connect(t, "pgroute", "ordinary")
	if err := prepare(t.Context(), monitor); err != nil {
		t.Fatal(err)
	}
	known, err := check(t.Context(), monitor, "")
	if err != nil {
		t.Fatal(err)
	}
	for _, sql := range []string{
		`INSERT INTO t (v) VALUES ('x')`,
		`VACUUM ANALYZE`,
		`CREATE TEMP TABLE tmp (i serial)`,
		`CREATE TEMP VIEW tmp_view AS SELECT 1`,
		`DROP TABLE tmp`,
		`TRUNCATE t`,
		`REFRESH MATERIALIZED VIEW m`,
		`CREATE INDEX ON t (v)`,
		`REINDEX TABLE t`,
		`CLUSTER t USING t_pkey`,
		`ALTER TABLE t ADD COLUMN w int`,
		`BEGIN; CREATE FUNCTION undone() RETURNS int LANGUAGE sql AS 'SELECT 1'; ROLLBACK`,
	} {
		exec(t, db, sql)
		now, err := check(t.Context(), monitor, known.snapshot)
		if err != nil {
			t.Fatal(err)
		}
		if now.signature != "" && now.signature != known.signature {
			t.Errorf("taken for DDL: %s\n%s\n%s", sql, known.signature, now.signature)
		}
		known.snapshot = now.snapshot
	}
	if now, err := check(t.Context(), monitor, known.snapshot); err != nil || now.signature != "" {
		t.Errorf("nothing was committed, yet: %+v, %v", now, err)
	}
}

// TestStoreFollowsARealDatabase takes the way that sessions take.
func TestStoreFollowsARealDatabase(t *testing.T) {
	db := newDB(t, "followed", `CREATE TABLE log (i int); CREATE FUNCTION f() RETURNS int LANGUAGE sql STABLE AS 'SELECT 1'`)
	s := New(Config{Dial: func(ctx context.Context, database string) (*pgx.Conn, error) {
		return pgx.Connect(ctx, cluster.Node("primary").DSN(lab.Monitor, database))
	}}, slog.New(slog.DiscardHandler))
	changed := make(chan string, 100)
	defer s.Subscribe(func(database string) { changed <- database })()
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- s.Run(ctx) }()
	verdict := func() router.VerdictKind {
		return s.For("followed").Lookup(router.KindFunction, nil, []byte("f"), router.DefaultSearchPath("u")).Kind
	}
	if verdict() != router.VerdictUnknown {
		t.Error("known before it was loaded")
	}
	<-changed
	if verdict() != router.VerdictHarmless {
		t.Error("loaded, and not known")
	}
	h := s.Hold("followed") // as the data path does for DDL
	exec(t, db, `CREATE OR REPLACE FUNCTION f() RETURNS int LANGUAGE sql AS 'INSERT INTO log VALUES (1) RETURNING 1'`)
	if verdict() != router.VerdictUnknown {
		t.Error("known while held")
	}
	h.Release()
	<-changed
	if verdict() != router.VerdictPrimary {
		t.Error("the change was not seen after the release")
	}
	exec(t, db, `ALTER FUNCTION f() STABLE`) // elsewhere
	<-changed
	if verdict() != router.VerdictHarmless {
		t.Error("the change done elsewhere was not seen")
	}
	cancel()
	if err := <-done; err != nil {
		t.Error(err)
	}
}
