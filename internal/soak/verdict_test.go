package soak

import (
	"context"
	"os"
	"regexp"
	"strings"

	"github.com/pgroute/pgroute/internal/serve/servetest"

	"github.com/pgroute/pgroute/internal/lab"
)

// inReadOnly marks statements of blocks that only read, which the primary
// itself may refuse. It stands in the servers' logs with the statement.
const inReadOnly = " /* in read only */"

// logPrefix makes every line tell the process, the SQLSTATE and the user.
const logPrefix = "<%p> %e %q%u: "

// logSettings make standbys tell everything they were asked.
func logSettings() map[string]string {
	return map[string]string{
		"log_line_prefix": logPrefix, "log_statement": "all", "log_error_verbosity": "terse",
		"pg_stat_statements.track": "all", "pg_stat_statements.max": "30000", "pg_stat_statements.track_utility": "on",
	}
}

// refusal is a statement that a standby would not carry out.
type refusal struct{ state, message, statement string }

// standbyLog is what one standby says about what the clients asked of it.
type standbyLog struct {
	statements int
	refusals   []refusal
	local      []string // statements that name what must never run there
}

// forbidden finds calls of functions with effects on the node or outside the
// database.
func forbidden() *regexp.Regexp {
	return regexp.MustCompile(`(?i)\b(pg_(try_)?advisory_\w+|pg_export_snapshot|dblink\w*|lo_\w+)\s*\(`)
}

// readLog takes a log apart. Lines that begin without a prefix belong to the
// statement before them.
func readLog(content string) (l standbyLog) {
	last := map[string]int{} // by process, the refusal whose statement comes next
	line := regexp.MustCompile(`^<(\d+)> (\w{5}) app(?:_wild)?: (\w+):  (.*)$`)
	bad := forbidden()
	for text := range strings.Lines(content) {
		m := line.FindStringSubmatch(strings.TrimSuffix(text, "\n"))
		if m == nil {
			continue
		}
		switch kind, rest := m[3], m[4]; {
		case kind == "LOG":
			l.statements++
			if bad.MatchString(rest) {
				l.local = append(l.local, rest)
			}
		case kind == "ERROR" && refusedState(m[2]):
			last[m[1]] = len(l.refusals)
			l.refusals = append(l.refusals, refusal{state: m[2], message: rest})
		case kind == "STATEMENT" && refusedState(m[2]):
			l.refusals[last[m[1]]].statement = rest
		}
	}
	return l
}

// refusedState tells the SQLSTATEs with which pgroute takes a statement for
// refused because the server is a standby, and with which it has one refuse.
func refusedState(state string) bool {
	return state == "25006" || state == "0A000" || state == "55000" || state == "XX000" || state == "40001"
}

// standbys gives all standbys.
func (r *rig) standbys() (nodes []*lab.Node) {
	for _, n := range r.lab.Nodes() {
		if n.Name != "primary" {
			nodes = append(nodes, n)
		}
	}
	return nodes
}

// judge compares what the standbys were asked with what pgroute counted. Only
// what changed behind pgroute's back may have come to a standby by mistake.
func (r *rig) judge(w *world) {
	corrections := map[string]int{}
	counted, kept, onStandbys := 0, 0, 0
	for _, n := range r.standbys() {
		content, err := os.ReadFile(n.LogFile())
		if err != nil {
			r.t.Fatal(err)
		}
		l := readLog(string(content))
		onStandbys += l.statements
		for _, sql := range l.local {
			r.t.Errorf("%s was asked: %s", n.Name, sql)
		}
		for _, f := range l.refusals {
			switch {
			case strings.Contains(f.statement, misplaced):
				kept++
			case !strings.Contains(f.statement, strings.TrimSpace(inReadOnly)):
				counted++
				corrections[f.state+" "+f.message]++
				r.t.Logf("%s refused: %s %s\n%s", n.Name, f.state, f.message, f.statement)
				if w.uses(f.statement)&changing == 0 {
					r.t.Errorf("%s was sent what only the primary can do: %s", n.Name, f.statement)
				}
			}
		}
		r.neverRan(n)
	}
	if own := int(r.Server().Counters().Refused25006.Load()); own != counted {
		r.t.Errorf("standbys refused %d statements outside of read-only transactions, pgroute corrected %d", counted, own)
	}
	if own := int(r.Server().Counters().Misplaced.Load()); own != kept {
		r.t.Errorf("standbys were asked to refuse %d statements in read-only transactions, pgroute counts %d", kept, own)
	}
	r.t.Logf("standbys carried out %d statements; %d self-corrections, %d texts learned:%s",
		onStandbys, counted, r.learned(), listed(corrections))
}

// neverRan asks a standby itself what ran there, inside functions too.
func (r *rig) neverRan(n *lab.Node) {
	c := servetest.Connect(r.t, n.DSN(lab.Superuser, "postgres"))
	ctx, cancel := context.WithTimeout(context.Background(), limit)
	defer cancel()
	rows, err := c.Query(ctx, `SELECT query FROM pg_stat_statements JOIN pg_roles ON userid = oid
		WHERE rolname IN ('app', 'app_wild', 'postgres') AND toplevel IS NOT NULL`)
	if err != nil {
		r.t.Fatal(err)
	}
	bad, seen := forbidden(), 0
	for rows.Next() {
		var sql string
		if err := rows.Scan(&sql); err != nil {
			r.t.Fatal(err)
		}
		if seen++; bad.MatchString(sql) {
			r.t.Errorf("%s ran: %s", n.Name, sql)
		}
	}
	var lost, locks int
	err = c.QueryRow(ctx, "SELECT (SELECT dealloc FROM pg_stat_statements_info), (SELECT count(*) FROM pg_locks WHERE locktype = 'advisory')").Scan(&lost, &locks)
	if err != nil || rows.Err() != nil || lost > 0 || locks > 0 || seen == 0 {
		r.t.Errorf("%s: %v %v: %d statistics, %d lost; %d advisory locks", n.Name, err, rows.Err(), seen, lost, locks)
	}
}
