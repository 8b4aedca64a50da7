package proxy_test

import (
	"io"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/pgroute/pgroute/internal/lab"
	"github.com/pgroute/pgroute/internal/serve/servetest"
)

// TestTheCorpusGetsThePrimarysAnswers runs every entry of testdata/corpus.txt in
// six ways, directly and through pgroute, in two databases made alike. What
// comes back must be the same, and the standbys' logs must not show what has no
// place there.
func TestTheCorpusGetsThePrimarysAnswers(t *testing.T) {
	direct, proxied := newCorpusDB(t, "corpus_direct"), newCorpusDB(t, "corpus_proxied")
	if err := shared.WaitCaughtUp(t.Context()); err != nil {
		t.Fatal(err)
	}
	logs := openStandbyLogs(t)
	proxied.proxy = servetest.Start(t, shared)
	content, err := os.ReadFile("testdata/corpus.txt")
	if err != nil {
		t.Fatal(err)
	}
	entries, err := parseScripts("corpus", string(content))
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		for _, w := range corpusWays {
			t.Run(strings.TrimPrefix(e.name, "corpus/")+"/"+w.name(), func(t *testing.T) {
				s := w.script(&e)
				want, err := direct.run(t, s)
				if err != nil {
					t.Fatalf("on the primary: %v\n%s", err, strings.Join(want, "\n"))
				}
				got, err := proxied.run(t, s)
				if err != nil {
					t.Error(err)
				}
				if d := difference(want, got); d != "" {
					t.Error(d)
				}
				logs.check(t, &e, w)
			})
		}
	}
	if n := proxied.proxy.Server().Counters().Refused25006.Load(); n > 0 {
		t.Errorf("standbys refused %d statements that were taken for reads", n)
	}
}

// corpusDB is one of the two databases.
type corpusDB struct {
	name     string
	primary  *pgx.Conn
	standbys []*pgx.Conn
	proxy    *servetest.Proxy // nil for the one that is used directly
}

func newCorpusDB(t *testing.T, name string) *corpusDB {
	admin := servetest.Connect(t, shared.Node("primary").DSN(lab.Superuser, "postgres"))
	must(t, admin, "CREATE DATABASE "+name)
	t.Cleanup(func() { must(t, admin, "DROP DATABASE "+name+" WITH (FORCE)") })
	must(t, admin, "ALTER DATABASE "+name+" SET log_statement = 'all'")
	must(t, admin, "ALTER DATABASE "+name+" SET log_error_verbosity = 'verbose'")
	db := &corpusDB{name: name, primary: servetest.Connect(t, shared.Node("primary").DSN(lab.Superuser, name))}
	must(t, db.primary, corpusFixture)
	for _, n := range shared.Nodes() {
		if n.Name != "primary" {
			db.standbys = append(db.standbys, servetest.Connect(t, n.DSN(lab.Superuser, "postgres")))
		}
	}
	return db
}

// run brings the database to where every run begins, on all nodes, and gives
// what the script receives.
func (db *corpusDB) run(t *testing.T, s *script) ([]string, error) {
	must(t, db.primary, corpusReset)
	r := &runner{t: t, addr: shared.Node("primary").Addr(), database: db.name, sending: sendJoined, sql: db.primary}
	if db.proxy != nil {
		r.addr, r.proxy = db.proxy.Addr, db.proxy
		lsn := must(t, db.primary, "SELECT pg_current_wal_flush_lsn()")
		for _, standby := range db.standbys {
			deadline := time.Now().Add(limit)
			for must(t, standby, "SELECT pg_last_wal_replay_lsn() >= '"+lsn+"'") != "t" {
				if time.Now().After(deadline) {
					t.Fatal("a standby does not replay")
				}
			}
		}
	}
	return r.run(s)
}

// corpusFixture is what entries use.
const corpusFixture = `
CREATE EXTENSION dblink;
CREATE TABLE t (id int, v text);
CREATE TABLE "update" ("insert" int);
INSERT INTO "update" VALUES (7);
CREATE SEQUENCE s;
CREATE FUNCTION f() RETURNS int LANGUAGE sql AS $$ INSERT INTO t VALUES (99, 'f') RETURNING id $$;
CREATE FUNCTION f(int) RETURNS bool LANGUAGE sql AS $$ INSERT INTO t VALUES ($1 + 100, 'f') RETURNING true $$;
CREATE VIEW writing_view AS SELECT f() AS a;
CREATE FUNCTION writing_operator(int, int) RETURNS bool LANGUAGE sql AS $$ SELECT f($1 + $2) $$;
CREATE OPERATOR <=> (LEFTARG = int, RIGHTARG = int, FUNCTION = writing_operator);
CREATE TYPE writing_type AS ENUM ('written');
CREATE FUNCTION writing_cast(int) RETURNS writing_type LANGUAGE sql AS $$ SELECT f(); SELECT 'written'::writing_type $$;
CREATE CAST (int AS writing_type) WITH FUNCTION writing_cast(int);
CREATE DOMAIN writing_domain AS int CHECK (f(VALUE));
CREATE VIEW defaulting_view AS SELECT id, v FROM t;
ALTER VIEW defaulting_view ALTER COLUMN id SET DEFAULT f();
CREATE PROCEDURE p() LANGUAGE sql AS $$ INSERT INTO t VALUES (98, 'p') $$;
`

// corpusReset takes back what an entry may have done.
const corpusReset = `
DELETE FROM t;
INSERT INTO t SELECT i, 'v' || i FROM generate_series(1, 5) i;
SELECT setval('s', 10), (SELECT count(lo_unlink(oid)) FROM pg_largeobject_metadata)
`

// corpusWay is how the statements of an entry are sent, and what is around them.
type corpusWay struct {
	open     string // "" for nothing
	extended bool
}

var corpusWays = []corpusWay{
	{"", false}, {"", true}, {"BEGIN", false}, {"BEGIN", true}, {"BEGIN READ ONLY", false}, {"BEGIN READ ONLY", true},
}

func (w corpusWay) name() string {
	name := "alone"
	if w.open != "" {
		name = w.open
	}
	if w.extended {
		return name + " extended"
	}
	return name
}

// script gives the wire script of an entry run in this way. At its end the
// session reads what it has written.
func (w corpusWay) script(entry *script) *script {
	s := &script{name: entry.name}
	reads := true
	if w.open != "" {
		s.steps = w.expand(s.steps, &step{line: "before", session: "a", verb: "sql", args: []word{{text: w.open}}})
	}
	for _, st := range entry.steps {
		reads = reads && st.verb == "read"
		s.steps = w.expand(s.steps, &st)
	}
	if w.open != "" {
		s.steps = w.expand(s.steps, &step{line: "behind", session: "a", verb: "sql", args: []word{{text: "COMMIT"}}})
	}
	if reads {
		where := "standby"
		if w.open == "BEGIN" {
			where = "primary"
		}
		s.steps = append(s.steps, step{line: "behind", session: "a", verb: "expect-route", args: []word{{text: where}}})
	}
	return &script{name: entry.name, steps: w.expand(s.steps,
		&step{line: "at the end", session: "a", verb: "sql", args: []word{{text: "SELECT * FROM public.t ORDER BY id, v"}}})}
}

// expand adds the messages of a step.
func (w corpusWay) expand(steps []step, st *step) []step {
	add := func(verb string, args ...word) {
		steps = append(steps, step{line: st.line, session: st.session, verb: verb, args: args})
	}
	bare := func(text string) word { return word{text: text} }
	switch st.verb {
	case "read", "write", "sql", "copy":
	default:
		return append(steps, *st)
	}
	text, values, data := st.args[0], st.args[1:], []word(nil)
	text.text = strings.Replace(text.text, "<literals>", literals, 1)
	if st.verb == "copy" {
		values, data = nil, values
	}
	if w.extended {
		add("send", bare("Parse"), bare(""), text)
		add("send", append([]word{bare("Bind"), bare(""), bare("")}, values...)...)
		add("send", bare("Describe"), bare("P"), bare(""))
		add("send", bare("Execute"), bare(""))
	} else {
		add("send", bare("Query"), text)
	}
	for _, d := range data {
		add("send", bare("CopyData"), d)
	}
	if st.verb == "copy" {
		add("send", bare("CopyDone"))
	}
	if w.extended {
		add("send", bare("Sync"))
	}
	add("until", bare("ReadyForQuery"))
	return steps
}

// literals are a megabyte.
var literals = strings.Repeat("'a literal of twenty',", 50000) + "'the last'"

// standbyLogs are what the standbys have logged since a moment.
type standbyLogs struct{ files []*os.File }

func openStandbyLogs(t *testing.T) *standbyLogs {
	l := &standbyLogs{}
	for _, n := range shared.Nodes() {
		if n.Name == "primary" {
			continue
		}
		f, err := os.Open(n.LogFile())
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = f.Close() })
		if _, err := f.Seek(0, io.SeekEnd); err != nil {
			t.Fatal(err)
		}
		l.files = append(l.files, f)
	}
	return l
}

// check fails the test when a standby has run what the entry says it must not,
// or has refused something that did not come in a read-only transaction.
func (l *standbyLogs) check(t *testing.T, entry *script, w corpusWay) {
	for _, f := range l.files {
		added, err := io.ReadAll(f)
		if err != nil {
			t.Fatal(err)
		}
		log := string(added)
		for _, st := range entry.steps {
			if text := strings.ReplaceAll(st.args[0].text, "\n", "\n\t"); st.verb == "write" || st.verb == "copy" {
				if strings.Contains(log, ": "+strings.Replace(text, "<literals>", literals, 1)+"\n") {
					t.Errorf("%s: a standby has run %s", st.line, text)
				}
			}
		}
		for line := range strings.Lines(log) {
			readOnly := strings.Contains(line, "ERROR:  25006") && w.open != "BEGIN READ ONLY"
			if readOnly || strings.Contains(line, "ERROR: ") && strings.Contains(line, "recovery") {
				t.Errorf("a standby has refused something: %s", line)
			}
		}
	}
}
