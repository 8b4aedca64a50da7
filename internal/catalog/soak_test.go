package catalog

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/pgroute/pgroute/router"
)

// world makes random objects that use one another, some of which write, lock
// or take numbers from a sequence at the bottom, with labels that may lie.
type world struct {
	*rand.Rand
	ddl       []string
	functions []string // of one int, giving an int
	views     []string // with a column a
	operators []string
	domains   []string
}

// bottom is what there is to begin with. Of these, w and l must never run on
// a standby; l would run there without an error.
const bottom = `
CREATE TABLE t (a int PRIMARY KEY, b text, c int);
INSERT INTO t SELECT i, i::text, i % 7 FROM generate_series(1, 50) i;
CREATE TABLE log (a int);
CREATE SEQUENCE s;
CREATE TYPE e AS ENUM ('x', 'y');
CREATE FUNCTION w(int) RETURNS int LANGUAGE sql AS 'INSERT INTO log VALUES ($1) RETURNING a';
CREATE FUNCTION l(int) RETURNS int LANGUAGE plpgsql AS $$BEGIN PERFORM pg_advisory_lock_shared(1); RETURN $1; END$$;
CREATE FUNCTION n(int) RETURNS int LANGUAGE sql AS $$SELECT nextval('s')::int$$;
CREATE FUNCTION r(int) RETURNS int LANGUAGE sql STABLE AS 'SELECT count(*)::int + $1 FROM t';
CREATE FUNCTION row_w(t) RETURNS int LANGUAGE sql AS 'INSERT INTO log VALUES ($1.a) RETURNING a';
CREATE FUNCTION row_r(t) RETURNS int LANGUAGE sql STABLE AS 'SELECT $1.a + 1';
`

func newWorld(seed uint64) *world {
	w := &world{Rand: rand.New(rand.NewPCG(seed, 2)), functions: []string{"r", "abs", "r"}, views: []string{"t", "t"}}
	if w.IntN(3) > 0 { // most worlds have few writers, so that reads remain
		w.functions = append(w.functions, w.pick([]string{"w", "l", "n"}))
	}
	for i := range 40 {
		switch w.IntN(8) {
		case 0, 1, 2:
			w.function(i)
		case 3, 4:
			w.view(i)
		case 5:
			w.operator(i)
		case 6:
			w.domain(i)
		case 7:
			w.secured(i)
		}
	}
	return w
}

func (w *world) pick(from []string) string { return from[w.IntN(len(from))] }

func (w *world) add(format string, args ...any) { w.ddl = append(w.ddl, fmt.Sprintf(format, args...)) }

// expr is an expression over a column named v, depth levels deep.
func (w *world) expr(v string, depth int) string {
	if depth == 0 {
		return w.pick([]string{v, "1", "(" + v + " % 5)"})
	}
	in := w.expr(v, depth-1)
	switch w.IntN(9) {
	case 0, 1, 2:
		return w.pick(w.functions) + "(" + in + ")"
	case 3:
		if len(w.operators) > 0 {
			return "(" + in + " " + w.pick(w.operators) + " " + w.expr(v, depth-1) + ")"
		}
	case 4:
		if len(w.domains) > 0 {
			return in + "::" + w.pick(w.domains)
		}
	case 5:
		return "(SELECT max(a) FROM " + w.pick(w.views) + " WHERE a < " + in + ")"
	case 6:
		return "CASE WHEN " + in + " > 3 THEN " + w.expr(v, depth-1) + " ELSE 0 END"
	case 7:
		return "coalesce(" + in + ", 0)"
	}
	return "(" + in + " + " + w.expr(v, depth-1) + ")"
}

// function may lie: stable and immutable ones call whatever they like. Those
// that write by themselves are volatile, or PostgreSQL would stop them.
func (w *world) function(i int) {
	label := w.pick([]string{"VOLATILE", "STABLE", "STABLE", "IMMUTABLE"})
	if w.IntN(2) == 0 {
		w.add("CREATE FUNCTION f%d(v int) RETURNS int LANGUAGE sql %s AS $$SELECT %s$$", i, label, w.expr("v", 2))
	} else {
		w.add("CREATE FUNCTION f%d(v int) RETURNS int LANGUAGE plpgsql %s AS $$BEGIN RETURN %s; END$$", i, label, w.expr("v", 2))
	}
	w.functions = append(w.functions, fmt.Sprintf("f%d", i))
}

func (w *world) view(i int) {
	w.add("CREATE VIEW v%d AS SELECT %s AS a FROM %s x WHERE %s > 0", i, w.expr("x.a", 2), w.pick(w.views), w.expr("x.a", 1))
	w.views = append(w.views, fmt.Sprintf("v%d", i))
}

func (w *world) operator(i int) {
	sign := "<" + strings.Repeat("#", 1+len(w.operators)) + ">"
	w.add("CREATE FUNCTION o%d(a int, b int) RETURNS int LANGUAGE sql %s AS $$SELECT %s + b$$",
		i, w.pick([]string{"STABLE", "VOLATILE"}), w.expr("a", 1))
	w.add("CREATE OPERATOR %s (LEFTARG = int, RIGHTARG = int, FUNCTION = o%d)", sign, i)
	w.operators = append(w.operators, sign)
}

func (w *world) domain(i int) {
	w.add("CREATE DOMAIN d%d AS int CHECK (%s(VALUE) IS NOT NULL)", i, w.pick(w.functions))
	w.domains = append(w.domains, fmt.Sprintf("d%d", i))
}

func (w *world) secured(i int) {
	w.add("CREATE TABLE p%d AS SELECT * FROM t", i)
	w.add("ALTER TABLE p%d ENABLE ROW LEVEL SECURITY", i)
	w.add("CREATE POLICY p ON p%d USING (%s IS NOT NULL)", i, w.expr("a", 1))
	w.views = append(w.views, fmt.Sprintf("p%d", i))
}

// statement is a query that may or may not write.
func (w *world) statement() string {
	from := w.pick(w.views)
	switch w.IntN(6) {
	case 0:
		return "SELECT " + w.expr("1", 3)
	case 1:
		return "SELECT x.a, x." + w.pick([]string{"row_w", "row_r", "b"}) + " FROM t x WHERE " + w.expr("x.a", 1) + " > 2"
	case 2:
		return "WITH q AS (SELECT a FROM " + from + ") SELECT count(*) FROM q JOIN t USING (a) WHERE " + w.expr("q.a", 1) + " > 0"
	case 3:
		return "SELECT a FROM " + from + " ORDER BY " + w.expr("a", 1) + " LIMIT 3"
	case 4:
		return "VALUES (" + w.expr("2", 2) + ")"
	}
	return "SELECT " + w.expr("x.a", 2) + " FROM " + from + " x GROUP BY 1"
}

// refused are the answers of a standby to what it must never be asked.
func refused(err error) bool {
	var e *pgconn.PgError
	if !errors.As(err, &e) {
		return err != nil
	}
	switch e.Code {
	case "25006", "0A000", "55000", "XX000":
		return true
	}
	return false
}

// TestReadsNeverWriteOnAStandby is the promise of classification: whatever is
// taken for a read is neither refused by a standby nor does it lock there.
func TestReadsNeverWriteOnAStandby(t *testing.T) {
	const worlds, statements = 5, 100
	seed := uint64(time.Now().UnixNano())
	reads, writes := 0, 0
	for i := range uint64(worlds) {
		w := newWorld(seed + i)
		name := fmt.Sprintf("soak%d", i)
		db := newDB(t, name, bottom)
		exec(t, db, "GRANT ALL ON ALL TABLES IN SCHEMA public TO pgroute")
		for _, ddl := range w.ddl {
			db.Exec(t.Context(), ddl) // what lies may be refused; what depends on it too
		}
		exec(t, db, "GRANT ALL ON ALL TABLES IN SCHEMA public TO pgroute; ALTER TABLE log OWNER TO pgroute")
		standby := standbyAfter(t, db, name)
		c := loaded(t, name, newOverrides(nil, nil))
		for range statements {
			sql := w.statement()
			sc := router.Classify([]byte(sql), c, router.DefaultSearchPath("pgroute"), &router.Options{})
			if sc.Class != router.ClassRead {
				writes++
				continue
			}
			reads++
			if err := run(t, standby, sql); refused(err) {
				t.Errorf("seed %d, world %d: %s\n%v\n%s", seed, i, sql, err, strings.Join(w.ddl, ";\n"))
			}
		}
		if n := locks(t, standby); n != 0 {
			t.Errorf("seed %d, world %d: %d advisory locks taken on the standby", seed, i, n)
		}
	}
	t.Logf("%d reads, %d others", reads, writes)
	if reads < worlds*statements/20 || writes < worlds*statements/20 {
		t.Errorf("%d reads and %d others prove little (seed %d)", reads, writes, seed)
	}
}

// run runs a statement that may take too long for what it is worth.
func run(t *testing.T, c *pgx.Conn, sql string) error {
	t.Helper()
	_, err := c.Exec(t.Context(), sql)
	if c.IsClosed() {
		t.Fatalf("%s: %v", sql, err)
	}
	return err
}

// locks counts the advisory locks of a server.
func locks(t *testing.T, c *pgx.Conn) (n int) {
	t.Helper()
	err := c.QueryRow(t.Context(), "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory'").Scan(&n)
	if err != nil {
		t.Fatal(err)
	}
	return n
}

// standbyAfter connects to the standby's copy of a database, as an ordinary
// role, once that has replayed what the primary holds now.
func standbyAfter(t *testing.T, primary *pgx.Conn, name string) *pgx.Conn {
	t.Helper()
	var lsn string
	if err := primary.QueryRow(t.Context(), "SELECT pg_current_wal_insert_lsn()::text").Scan(&lsn); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	exec(t, primary, "CHECKPOINT") // flushes, and moves on from a page's boundary
	other := connectTo(t, "standby1", "postgres", "postgres")
	for replayed := false; !replayed; {
		err := other.QueryRow(ctx, "SELECT pg_last_wal_replay_lsn() >= $1::pg_lsn FROM pg_sleep(0.005)", lsn).Scan(&replayed)
		if err != nil {
			t.Fatal(err)
		}
	}
	c := connectTo(t, "standby1", "pgroute", name)
	exec(t, c, "SET statement_timeout = '150ms'")
	return c
}
