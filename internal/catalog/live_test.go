package catalog

import (
	"context"
	"os"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/pgroute/pgroute/internal/lab"
	"github.com/pgroute/pgroute/internal/lab/labtest"
	"github.com/pgroute/pgroute/router"
)

// cluster is shared by the tests of this package; every test has its own
// database.
var cluster *lab.Lab

func TestMain(m *testing.M) {
	os.Exit(labtest.Shared(m, lab.Options{Standbys: 1}, func(l *lab.Lab) { cluster = l }))
}

// connect opens a connection that ends with the test.
func connect(t *testing.T, role, database string) *pgx.Conn {
	t.Helper()
	return connectTo(t, "primary", role, database)
}

// connectTo does so to any node.
func connectTo(t *testing.T, node, role, database string) *pgx.Conn {
	t.Helper()
	c, err := pgx.Connect(t.Context(), cluster.Node(node).DSN(role, database))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
		defer cancel()
		c.Close(ctx)
	})
	return c
}

// newDB makes a database and gives a superuser's connection to it.
func newDB(t *testing.T, name, schema string) *pgx.Conn {
	t.Helper()
	exec(t, connect(t, "postgres", "postgres"), "CREATE DATABASE "+name)
	c := connect(t, "postgres", name)
	exec(t, c, schema)
	return c
}

// exec runs statements.
func exec(t *testing.T, c *pgx.Conn, sql string) {
	t.Helper()
	if _, err := c.Exec(t.Context(), sql); err != nil {
		t.Fatalf("%.60s: %v", sql, err)
	}
}

// loaded reads a database as the monitor role.
func loaded(t *testing.T, name string, o *overrides) *Live {
	t.Helper()
	c := connect(t, "pgroute", name)
	if err := prepare(t.Context(), c); err != nil {
		t.Fatal(err)
	}
	d, _, err := load(t.Context(), c)
	if err != nil {
		t.Fatal(err)
	}
	return build(d, router.Builtin(d.version), o)
}

// verify compares a catalogue with what is expected of it.
func verify(t *testing.T, c *Live, want []expectation) {
	t.Helper()
	path := router.DefaultSearchPath("app")
	for _, e := range want {
		var schema []byte
		if e.schema != "" {
			schema = []byte(e.schema)
		}
		v := c.Lookup(e.kind, schema, []byte(e.name), path)
		if v.Reason != e.reason || v.Effects != e.effects || (v.Kind == router.VerdictHarmless) != (e.reason == read) {
			t.Errorf("kind %d %q.%q: verdict %d, %s, effects %s; want %s, effects %s",
				e.kind, e.schema, e.name, v.Kind, v.Reason, v.Effects, e.reason, e.effects)
		}
	}
}

func TestEveryKindOfObjectIsJudged(t *testing.T) {
	newDB(t, "objects", schema)
	c := loaded(t, "objects", newOverrides(nil, nil))
	verify(t, c, expectations())
	traits := c.Traits()
	if traits.Hidden.Kind != router.VerdictHarmless || traits.OperatorsHarmless || traits.AttributesHarmless {
		t.Errorf("%+v", traits)
	}
	counts := c.Counts()
	if counts.Functions < 20 || counts.Relations < 20 || counts.Operators != 2 || counts.Types < 5 {
		t.Errorf("%+v", counts)
	}
}

func TestUnknownPathHoldsForEverySchema(t *testing.T) {
	newDB(t, "unknown_path", schema)
	c := loaded(t, "unknown_path", newOverrides(nil, nil))
	if v := c.Lookup(router.KindFunction, nil, []byte("overloaded2"), nil); v.Kind != router.VerdictPrimary {
		t.Errorf("%+v", v)
	}
	path, err := router.ParseSearchPath(`other, "$user"`, "public")
	if err != nil {
		t.Fatal(err)
	}
	if v := c.Lookup(router.KindFunction, nil, []byte("overloaded2"), path); v.Kind != router.VerdictPrimary {
		t.Errorf("along %v: %+v", path.Schemas(), v)
	}
	if v := c.Lookup(router.KindRelation, nil, []byte("t"), path); v.Kind != router.VerdictHarmless {
		t.Errorf("$user: %+v", v)
	}
}

func TestPlainDatabaseNeedsFewLookups(t *testing.T) {
	newDB(t, "plain", "CREATE TABLE t (id int); CREATE VIEW v AS SELECT * FROM t;"+
		" CREATE FUNCTION w() RETURNS int LANGUAGE sql AS 'SELECT 1'")
	traits := loaded(t, "plain", newOverrides(nil, nil)).Traits()
	if traits.Hidden.Kind != router.VerdictHarmless || !traits.OperatorsHarmless || !traits.AttributesHarmless {
		t.Errorf("%+v", traits)
	}
}

func TestHiddenCallsAreNoticed(t *testing.T) {
	const f = `CREATE TYPE e AS ENUM ('a'); CREATE TABLE log (v text);
		CREATE FUNCTION w(e) RETURNS int LANGUAGE sql AS $$INSERT INTO log VALUES ('x') RETURNING 1$$;
		CREATE FUNCTION eq(e, text) RETURNS boolean LANGUAGE sql AS $$INSERT INTO log VALUES ('x') RETURNING true$$;`
	for name, ddl := range map[string]string{
		"implicit_cast":    `CREATE CAST (e AS int) WITH FUNCTION w(e) AS IMPLICIT`,
		"cast_to_builtin":  `CREATE CAST (e AS int) WITH FUNCTION w(e)`,
		"keyword_operator": `CREATE OPERATOR = (LEFTARG = e, RIGHTARG = text, FUNCTION = eq)`,
	} {
		newDB(t, name, f+ddl)
		h := loaded(t, name, newOverrides(nil, nil)).Traits().Hidden
		if h.Kind != router.VerdictPrimary || h.Reason != router.ReasonHiddenCall || h.Effects != router.EffectWrite {
			t.Errorf("%s: %+v", name, h)
		}
	}
}

func TestConfigurationOverrides(t *testing.T) {
	newDB(t, "overridden", schema)
	c := loaded(t, "overridden", newOverrides([]string{"writes", "public.sets", "currval"}, []string{"READS", "pg_catalog.upper"}))
	override := router.EffectUnknownState
	verify(t, c, []expectation{
		{router.KindFunction, "", "writes", read, 0},
		{router.KindFunction, "public", "sets", read, 0},
		{router.KindFunction, "", "sets", read, 0},
		{router.KindFunction, "", "currval", read, 0},
		{router.KindFunction, "", "reads", router.ReasonOverride, override},
		{router.KindFunction, "pg_catalog", "upper", router.ReasonOverride, override},
		{router.KindRelation, "", "v_writes", read, 0},
		{router.KindRelation, "", "v_over_v", read, 0},
	})
}

func TestExtensionsAreJudged(t *testing.T) {
	newDB(t, "extended", `CREATE EXTENSION "uuid-ossp"; CREATE EXTENSION pgcrypto; CREATE EXTENSION dblink;
		CREATE EXTENSION tablefunc; CREATE EXTENSION pg_trgm; CREATE EXTENSION pg_stat_statements;
		CREATE EXTENSION hstore; CREATE EXTENSION citext;
		CREATE VIEW v_far AS SELECT * FROM dblink('host=elsewhere', 'SELECT 1') AS x (i int)`)
	c := loaded(t, "extended", newOverrides(nil, nil))
	state := router.EffectUnknownState
	verify(t, c, []expectation{
		{router.KindFunction, "", "uuid_generate_v4", read, 0},
		{router.KindFunction, "", "gen_salt", read, 0},
		{router.KindFunction, "", "dblink_exec", router.ReasonOutside, router.EffectOutside | state},
		{router.KindFunction, "", "crosstab", router.ReasonVolatileFunction, state},
		{router.KindFunction, "", "normal_rand", read, 0},
		{router.KindFunction, "", "similarity", read, 0},
		{router.KindFunction, "", "set_limit", router.ReasonSetting, state},
		{router.KindOperator, "", "%", read, 0},
		{router.KindOperator, "", "->", read, 0},
		{router.KindType, "", "citext", read, 0},
		{router.KindType, "", "hstore", read, 0},
		{router.KindRelation, "", "pg_stat_statements", router.ReasonView, 0},
		{router.KindRelation, "", "v_far", router.ReasonView, router.EffectOutside | state},
	})
	if h := c.Traits().Hidden; h.Kind != router.VerdictHarmless {
		t.Errorf("%+v", h)
	}
}

func TestLookupAllocatesNothing(t *testing.T) {
	newDB(t, "lookups", schema)
	c := loaded(t, "lookups", newOverrides([]string{"a"}, []string{"b.c"}))
	path := router.DefaultSearchPath("app")
	name, schema := []byte("a_rather_long_name_of_a_function_that_nobody_made"), []byte("public")
	n := testing.AllocsPerRun(100, func() {
		for k := router.KindFunction; k <= router.KindAttribute; k++ {
			c.Lookup(k, nil, name, path)
			c.Lookup(k, schema, name, path)
			c.Lookup(k, nil, name[:1], nil)
		}
	})
	if n != 0 {
		t.Errorf("%v allocations", n)
	}
}
