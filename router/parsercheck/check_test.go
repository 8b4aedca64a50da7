package main

import (
	"bytes"
	"testing"

	pgquery "github.com/pganalyze/pg_query_go/v6"

	"github.com/pgroute/pgroute/router"
)

// TestRouterAgreesWithParser is the promise, on less SQL than the command.
func TestRouterAgreesWithParser(t *testing.T) {
	var out bytes.Buffer
	total, err := run(&out, false, 3000, 1, nil)
	t.Log("\n" + out.String())
	if err != nil {
		t.Fatal(err)
	}
	if total.Violations != 0 {
		t.Errorf("%d statements that are no reads were taken for reads", total.Violations)
	}
	if total.Reads < 1000 || total.share() < wanted {
		t.Errorf("%.2f%% of %d reads recognised, want %.0f%%", total.share(), total.Reads, wanted)
	}
}

// TestTreeCatchesWhatItMust: were the router to take these for reads, the
// checker would tell.
func TestTreeCatchesWhatItMust(t *testing.T) {
	c := newChecker(&bytes.Buffer{}, false)
	for _, text := range []string{
		"SELECT writes()", "SELECT * FROM a, LATERAL writes() x", "SELECT 1 FROM wview", "SELECT 1 <=> 2",
		"SELECT 1::wtype", "SELECT (x).writes", "SELECT x.writes FROM x", "SELECT 1 INTO n", "SELECT 1 FROM t FOR SHARE",
		"WITH x AS (DELETE FROM t) SELECT 1", "SELECT set_config('a.b', '', false)", "EXPLAIN ANALYZE DELETE FROM t",
		"COPY t FROM STDIN", "COPY (SELECT writes()) TO STDOUT", "SELECT * FROM pg_temp.t", "CALL p()", "SELECT nofunction()",
		"DECLARE c CURSOR WITH HOLD FOR SELECT 1", "SELECT a FROM t ORDER BY a USING <=>", "SELECT * FROM t TABLESAMPLE writes(1)",
		"WITH x AS (SELECT 1) SELECT * FROM (WITH wview AS (SELECT 1) SELECT 1) y, wview", "SELECT 1 = ANY (SELECT writes())",
	} {
		tally := c.body("planted", []string{text})
		result, err := pgquery.Parse(text)
		if err != nil {
			t.Fatalf("%s: %v", text, err)
		}
		if j := judge(result.Stmts[0].Stmt, c.cat, c.path); j.read {
			t.Errorf("%s: a read to the tree", text)
		}
		if tally.Violations != 0 {
			t.Errorf("%s: a read to the router", text)
		}
	}
}

// TestParametersForConstants: what only pg_query parses is not judged.
func TestParametersForConstants(t *testing.T) {
	c := newChecker(&bytes.Buffer{}, false)
	if got := c.body("refused", []string{"SELECT wtype $1", "VALUES ((x).b), (wtype(1) $1)", "SELECT (SELECT interval $1 day)"}); got.Unparsed != 3 || got.Statements != 0 {
		t.Errorf("syntax errors: %+v", got)
	}
	if got := c.body("taken", []string{"SELECT $1::date", "SELECT CAST($1 AS date), date '2024-01-01'"}); got.Unparsed != 0 || got.Statements < 2 || got.Recognised != got.Statements {
		t.Errorf("casts: %+v", got)
	}
}

// TestRecordedCallsAreKnown: were a function of PostgreSQL's that an ORM calls
// unknown here, tree and router would agree that the statement is no read, and
// the share would not show it.
func TestRecordedCallsAreKnown(t *testing.T) {
	c := newChecker(&bytes.Buffer{}, false)
	files := glob("testdata/orm/*.sql")
	for _, file := range files {
		texts, err := statementsOf(file)
		if err != nil || len(texts) == 0 {
			t.Errorf("%s: %d statements, %v", file, len(texts), err)
		}
		for _, text := range texts {
			c.router.Classify(&c.script, []byte(text), c.cat, c.path, nil)
			if c.script.Class == router.ClassUnknown || c.script.Reason == router.ReasonUnknownFunction {
				t.Errorf("%s: %s %s: %s", file, c.script.Class, c.script.Reason, text)
			}
		}
	}
	if len(files) < 10 {
		t.Errorf("%d files", len(files))
	}
}

// TestLexerAgreesWithScanner holds sqlscan against PostgreSQL's own scanner.
func TestLexerAgreesWithScanner(t *testing.T) {
	var out bytes.Buffer
	tally := lexers(50000, 1, &out)
	t.Logf("%+v", tally)
	if tally.differ != 0 {
		t.Errorf("%d texts differ:\n%.5000s", tally.differ, out.String())
	}
	if tally.texts-tally.refused-tally.cautious < 1000 {
		t.Error("too few texts that both accept")
	}
}
