package soak

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"regexp"
	"slices"
	"strings"
)

// world makes random objects that use one another, some of which write, lock
// or act outside the database at the bottom, with labels that may lie.
type world struct {
	*rand.Rand
	ddl       []string
	functions []string // of one int, giving an int
	views     []string // with a column a
	operators []string
	domains   []string
	traits    map[string]trait // of objects, by name
	met       trait            // of what the expression being made uses
}

// trait is what using an object may do or mean, through all it uses itself.
type trait uint8

const (
	// writes: a standby refuses it.
	writes trait = 1 << iota
	// local: a standby would carry it out without an error though it acts on
	// the node or outside the database.
	local
	// changing: it is redefined all the time. It has no place in a read-only
	// transaction, where the primary's answer depends on when it is asked.
	changing
	// mislabelled: it does no harm but says that it is volatile.
	mislabelled
)

// bottom is what there is to begin with. All functions give back their
// argument, whatever they do; rows never changes.
const bottom = `
CREATE EXTENSION dblink;
CREATE ROLE app LOGIN;
CREATE ROLE app_wild LOGIN;
ALTER ROLE app SET statement_timeout = '2s';
ALTER ROLE app_wild SET statement_timeout = '2s';
GRANT CREATE ON SCHEMA public TO app_wild;
CREATE TABLE rows (a int PRIMARY KEY, b text, c int);
INSERT INTO rows SELECT i, i::text, i % 7 FROM generate_series(1, 15) i;
CREATE TABLE log (a int);
CREATE TABLE mine (owner int, k int, v int, PRIMARY KEY (owner, k));
CREATE SEQUENCE s;
CREATE FUNCTION w(int) RETURNS int LANGUAGE sql AS 'INSERT INTO log VALUES ($1) RETURNING a';
CREATE FUNCTION n(int) RETURNS int LANGUAGE sql AS $$SELECT $1 + 0 * nextval('s')::int$$;
CREATE FUNCTION u(int) RETURNS int LANGUAGE plpgsql AS $$BEGIN PERFORM 1 FROM rows WHERE a = $1 FOR SHARE; RETURN $1; END$$;
CREATE FUNCTION l(int) RETURNS int LANGUAGE plpgsql AS $$BEGIN PERFORM pg_advisory_lock_shared(1); RETURN $1; END$$;
CREATE FUNCTION x(int) RETURNS int LANGUAGE plpgsql AS $$BEGIN PERFORM pg_export_snapshot(); RETURN $1; END$$;
CREATE FUNCTION o(int) RETURNS int LANGUAGE plpgsql AS $$BEGIN PERFORM lo_unlink(lo_create(0)); RETURN $1; END$$;
CREATE FUNCTION k(int) RETURNS int LANGUAGE plpgsql SECURITY DEFINER AS $$BEGIN
  PERFORM * FROM dblink('host=127.0.0.1 dbname=postgres user=postgres port=' || current_setting('port'), 'SELECT 1') AS d(a int);
  RETURN $1; END$$;
CREATE FUNCTION r(int) RETURNS int LANGUAGE sql STABLE AS 'SELECT count(*)::int * 0 + $1 FROM rows';
CREATE FUNCTION row_w(rows) RETURNS int LANGUAGE sql AS 'INSERT INTO log VALUES ($1.a) RETURNING a';
CREATE FUNCTION row_r(rows) RETURNS int LANGUAGE sql STABLE AS 'SELECT $1.a + 1';
CREATE PROCEDURE proc(int) LANGUAGE sql AS 'INSERT INTO log VALUES ($1)';
`

// granted ends the making of the world. The owner of a table is above its
// policies, so all belongs to another role than the clients'.
const granted = `GRANT ALL ON ALL TABLES IN SCHEMA public TO app, app_wild; GRANT ALL ON ALL SEQUENCES IN SCHEMA public TO app, app_wild`

// writers and localWriters are the functions of the bottom that a standby
// refuses, and those that it does not.
func writers() []string      { return []string{"w", "n", "u"} }
func localWriters() []string { return []string{"l", "x", "k", "o"} }

func newWorld(r *rand.Rand) *world {
	w := &world{Rand: r, functions: []string{"r", "abs", "r"}, views: []string{"rows", "rows"}, traits: map[string]trait{}}
	for _, f := range append(writers(), "row_w") {
		w.traits[f] = writes
	}
	for _, f := range localWriters() {
		w.traits[f] = local
	}
	for i := range 60 {
		if i == 25 { // what was made until now is harmless, so that reads remain
			w.functions = append(w.functions, w.pick(writers()), w.pick(localWriters()))
		}
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

// named picks an object and notes its traits.
func (w *world) named(from []string) string {
	name := w.pick(from)
	w.met |= w.traits[name]
	return name
}

func (w *world) pick(from []string) string { return from[w.IntN(len(from))] }

// made notes an object by its name; it has the traits of what it uses.
func (w *world) made(list *[]string, name string) {
	*list = append(*list, name)
	w.traits[name] = w.met
	w.met = 0
}

// label picks how volatile a function says it is.
func (w *world) label(from ...string) string {
	l := w.pick(from)
	if l == "VOLATILE" {
		w.met |= mislabelled
	}
	return l
}

func (w *world) add(format string, args ...any) { w.ddl = append(w.ddl, fmt.Sprintf(format, args...)) }

// expr is an expression over a column named v, depth levels deep.
func (w *world) expr(v string, depth int) string {
	if depth == 0 {
		return w.pick([]string{v, "1", "(" + v + " % 5)"})
	}
	in := w.expr(v, depth-1)
	switch w.IntN(9) {
	case 0, 1, 2:
		return w.named(w.functions) + "(" + in + ")"
	case 3:
		if len(w.operators) > 0 {
			return "(" + in + " " + w.named(w.operators) + " " + w.expr(v, depth-1) + ")"
		}
	case 4:
		if len(w.domains) > 0 {
			return in + "::" + w.named(w.domains)
		}
	case 5:
		return "(SELECT max(a) FROM " + w.named(w.views) + " WHERE a < " + in + ")"
	case 6:
		return "CASE WHEN " + in + " > 3 THEN " + w.expr(v, depth-1) + " ELSE 0 END"
	case 7:
		return "coalesce(" + in + ", 0)"
	}
	return "(" + in + " + " + w.expr(v, depth-1) + ")"
}

// function may lie: stable and immutable ones call whatever they like.
func (w *world) function(i int) {
	label := w.label("VOLATILE", "STABLE", "STABLE", "STABLE", "IMMUTABLE")
	if w.IntN(2) == 0 {
		w.add("CREATE FUNCTION f%d(v int) RETURNS int LANGUAGE sql %s AS $$SELECT %s$$", i, label, w.expr("v", 2))
	} else {
		w.add("CREATE FUNCTION f%d(v int) RETURNS int LANGUAGE plpgsql %s AS $$BEGIN RETURN %s; END$$", i, label, w.expr("v", 2))
	}
	w.made(&w.functions, fmt.Sprintf("f%d", i))
}

func (w *world) view(i int) {
	w.add("CREATE VIEW v%d AS SELECT %s AS a FROM %s x WHERE %s > 0", i, w.expr("x.a", 1), w.named(w.views), w.expr("x.a", 1))
	w.made(&w.views, fmt.Sprintf("v%d", i))
}

func (w *world) operator(i int) {
	sign := "<" + strings.Repeat("#", 1+len(w.operators)) + ">"
	w.add("CREATE FUNCTION o%d(a int, b int) RETURNS int LANGUAGE sql %s AS $$SELECT %s + b$$",
		i, w.label("STABLE", "STABLE", "VOLATILE"), w.expr("a", 1))
	w.add("CREATE OPERATOR %s (LEFTARG = int, RIGHTARG = int, FUNCTION = o%d)", sign, i)
	w.made(&w.operators, sign)
}

// domain has a check that never fails: whether it is reached may depend on the
// plan, and so on what the connection has run before.
func (w *world) domain(i int) {
	w.add("CREATE DOMAIN d%d AS int CHECK (coalesce(%s(VALUE), 0) IS NOT NULL)", i, w.named(w.functions))
	w.made(&w.domains, fmt.Sprintf("d%d", i))
}

func (w *world) secured(i int) {
	w.add("CREATE TABLE p%d AS SELECT * FROM rows", i)
	w.add("ALTER TABLE p%d ENABLE ROW LEVEL SECURITY", i)
	w.add("CREATE POLICY p ON p%d USING (%s IS NOT NULL)", i, w.expr("a", 1))
	w.made(&w.views, fmt.Sprintf("p%d", i))
}

// uses gives the traits of all objects that a statement names.
func (w *world) uses(sql string) (all trait) {
	for _, name := range regexp.MustCompile(`[a-z_]\w*|<#+>`).FindAllString(sql, -1) {
		all |= w.traits[name]
	}
	return all
}

// twin is a view of the world with randomness and changes of its own.
func (w *world) twin(seed, stream uint64) *world {
	c := *w
	c.Rand = rand.New(rand.NewPCG(seed, stream))
	c.functions, c.views = slices.Clone(w.functions), slices.Clone(w.views)
	c.traits = maps.Clone(w.traits)
	return &c
}

// read is a query of which every part is a function of rows, with the traits
// of all it uses.
func (w *world) read() (sql string, uses trait) {
	w.met = 0
	sql = w.shape()
	uses, w.met = w.met, 0
	return sql, uses
}

func (w *world) shape() string {
	from := w.named(w.views)
	switch w.IntN(9) {
	case 0:
		return "SELECT " + w.expr("1", 3)
	case 1:
		return "SELECT x.a, x." + w.named([]string{"row_w", "row_r", "b"}) + " FROM rows x WHERE " + w.expr("x.a", 1) + " > 2"
	case 2:
		return "WITH q AS (SELECT a FROM " + from + ") SELECT count(*) FROM q JOIN rows USING (a) WHERE " + w.expr("q.a", 1) + " > 0"
	case 3:
		return "SELECT a FROM " + from + " ORDER BY " + w.expr("a", 1) + ", a LIMIT 3"
	case 4:
		return "VALUES (" + w.expr("2", 2) + ")"
	case 5:
		return "SELECT a FROM rows WHERE a < " + fmt.Sprint(w.IntN(20))
	case 6:
		return "SELECT z FROM rows JOIN LATERAL " + w.named(w.functions) + "(rows.a) AS z ON true"
	case 7:
		return "(SELECT count(*) FROM " + from + ") UNION ALL (SELECT sum(c) FROM rows)"
	}
	return "SELECT " + w.expr("x.a", 2) + " FROM " + from + " x GROUP BY 1"
}
