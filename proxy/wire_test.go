package proxy_test

import (
	"testing"

	"github.com/pgroute/pgroute/internal/lab"
	"github.com/pgroute/pgroute/internal/serve/servetest"
)

// TestNoClientCanTellPgrouteFromThePrimary runs every wire script directly and
// through pgroute in four ways, and compares every byte.
func TestNoClientCanTellPgrouteFromThePrimary(t *testing.T) {
	primary := shared.Node("primary")
	sql := servetest.Connect(t, primary.DSN(lab.Superuser, "postgres"))
	must(t, sql, wireFixture)
	t.Cleanup(func() { must(t, sql, wireCleanup) })
	if err := shared.WaitCaughtUp(t.Context()); err != nil {
		t.Fatal(err)
	}
	p := servetest.Start(t, shared, "pool.size=6")
	other := newInterloper(t, p)
	for _, s := range readScripts(t, "testdata/*.wire") {
		t.Run(s.name, func(t *testing.T) {
			direct := &runner{t: t, addr: primary.Addr(), database: "postgres", sql: sql}
			want, err := direct.run(&s)
			if err != nil {
				t.Fatalf("on the primary: %v\n%s", err, want)
			}
			for name, r := range map[string]*runner{
				"singly":    {sending: sendSingly},
				"joined":    {sending: sendJoined},
				"bytes":     {sending: sendBytes},
				"disturbed": {other: other},
			} {
				t.Run(name, func(t *testing.T) {
					r.t, r.addr, r.database, r.sql, r.proxy = t, p.Addr, "postgres", sql, p
					r.compare(&s, want)
				})
			}
		})
	}
}

// wireFixture is what scripts may use and have to leave as it is.
const wireFixture = `
CREATE TABLE wire_t (id int PRIMARY KEY, v text NOT NULL DEFAULT 'none');
INSERT INTO wire_t SELECT i, 'v' || i FROM generate_series(1, 10) i;
CREATE SEQUENCE wire_s;
CREATE FUNCTION wire_write() RETURNS int LANGUAGE sql VOLATILE AS 'INSERT INTO wire_t VALUES (99) RETURNING id';
CREATE FUNCTION wire_pure(int) RETURNS int LANGUAGE sql IMMUTABLE AS 'SELECT $1 * 2';
CREATE FUNCTION wire_notice(text) RETURNS text LANGUAGE plpgsql STABLE AS
	$$ BEGIN RAISE NOTICE 'notice %', $1; RETURN $1; END $$;
`

const wireCleanup = `DROP FUNCTION wire_write, wire_pure, wire_notice; DROP SEQUENCE wire_s; DROP TABLE wire_t`
