package main

import (
	"fmt"
	"io"

	pgquery "github.com/pganalyze/pg_query_go/v6"

	"github.com/pgroute/pgroute/router"
)

// tally is the account of one body of SQL.
type tally struct {
	Body       string
	Statements int // parsed and judged
	Unparsed   int // refused by the parser, or with psql's own syntax
	Reads      int // by the tree
	Recognised int // of those, by the router
	Violations int // reads to the router that the tree says are none
}

// add sums up.
func (t *tally) add(o tally) {
	t.Statements += o.Statements
	t.Unparsed += o.Unparsed
	t.Reads += o.Reads
	t.Recognised += o.Recognised
	t.Violations += o.Violations
}

// share is the share of reads recognised, in percent.
func (t *tally) share() float64 {
	if t.Reads == 0 {
		return 100
	}
	return 100 * float64(t.Recognised) / float64(t.Reads)
}

// checker compares router and parser statement by statement.
type checker struct {
	cat     *catalog
	path    *router.SearchPath
	router  router.Classifier
	script  router.Script
	seen    map[string]bool
	version int32     // of the parse trees
	report  io.Writer // disagreements, one per line
	verbose bool      // missed reads too
}

// newChecker writes disagreements to report.
func newChecker(report io.Writer, verbose bool) *checker {
	path, err := router.ParseSearchPath("public, information_schema", "")
	if err != nil {
		panic(err) // a constant
	}
	return &checker{
		cat: newCatalog(), path: path,
		seen: map[string]bool{}, report: report, verbose: verbose,
	}
}

// body judges every statement of a list of texts, and every query in them; one
// that is a query also as the parser's own deparser writes it.
func (c *checker) body(name string, texts []string) tally {
	t := tally{Body: name}
	for _, text := range texts {
		result, err := pgquery.Parse(text)
		if err != nil || len(result.Stmts) != 1 {
			t.Unparsed++
			continue
		}
		c.version = result.Version
		stmt := result.Stmts[0].Stmt
		if lenient(stmt.ProtoReflect()) {
			t.Unparsed++
			continue
		}
		c.one(&t, text, stmt)
		c.seen[text] = true
		for _, q := range nested(stmt.ProtoReflect(), nil) {
			c.query(&t, q)
		}
	}
	return t
}

// query judges a query that was found inside another statement, in the text
// that the parser's own deparser gives for it.
func (c *checker) query(t *tally, q *pgquery.SelectStmt) {
	node := &pgquery.Node{Node: &pgquery.Node_SelectStmt{SelectStmt: q}}
	tree := &pgquery.ParseResult{Version: c.version, Stmts: []*pgquery.RawStmt{{Stmt: node}}}
	text, err := pgquery.Deparse(tree)
	if err != nil {
		t.Unparsed++
		return
	}
	if c.seen[text] {
		return
	}
	c.seen[text] = true
	result, err := pgquery.Parse(text)
	if err != nil || len(result.Stmts) != 1 {
		t.Unparsed++
		return
	}
	c.one(t, text, result.Stmts[0].Stmt)
}

// one compares the two judgements of a statement.
func (c *checker) one(t *tally, text string, stmt *pgquery.Node) {
	t.Statements++
	tree := judge(stmt, c.cat, c.path)
	c.router.Classify(&c.script, []byte(text), c.cat, c.path, nil)
	read := c.script.Class == router.ClassRead
	switch {
	case read && !tree.read:
		t.Violations++
		fmt.Fprintf(c.report, "VIOLATION (%s): %s\n", tree.why, text)
	case tree.read && !tree.neutral:
		t.Reads++
		if read {
			t.Recognised++
		} else if c.verbose {
			fmt.Fprintf(c.report, "missed (%s %s): %s\n", c.script.Class, c.script.Reason, text)
		}
	}
}
