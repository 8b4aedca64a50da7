package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"

	"github.com/pgroute/pgroute/internal/lab"
	"github.com/pgroute/pgroute/internal/lab/labtest"
)

// routedJSON is what `pgroute route --json` prints.
type routedJSON struct {
	Statements []routed
	Summary    routeSummary
}

// routeJSON runs `pgroute route --json`.
func routeJSON(t *testing.T, stdin string, args ...string) routedJSON {
	t.Helper()
	cmd := pgroute(t, append([]string{"route", "--json"}, args...)...)
	cmd.Stdin = strings.NewReader(stdin)
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	var r routedJSON
	if err := json.Unmarshal(out, &r); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	return r
}

// targets lists where the statements go.
func (r routedJSON) targets() string {
	var all []string
	for _, s := range r.Statements {
		all = append(all, s.Target)
	}
	return strings.Join(all, " ")
}

// TestRouteShowsATable runs the command as the manual does.
func TestRouteShowsATable(t *testing.T) {
	t.Parallel()
	out, err := pgroute(t, "route", "SELECT 1", "SELECT nextval('s')").CombinedOutput()
	if err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	lines := strings.Split(string(out), "\n")
	for i, want := range []string{
		"# TARGET CLASS VERB REASON EFFECTS WHY STATEMENT",
		"1 standby read select read none a read, and this standby is eligible SELECT 1",
		"2 primary write select sequence (nextval) sequence,write the statement writes, locks or needs the answer of the primary SELECT nextval('s')",
		"",
		"standbys could carry 1 of 2 statements (50.0 %)",
	} {
		if got := strings.Join(strings.Fields(lines[i]), " "); got != want {
			t.Errorf("line %d is %q, not %q", i+1, got, want)
		}
	}
}

// TestRouteKeepsAQueryStringTogether: all of it goes where its worst goes.
func TestRouteKeepsAQueryStringTogether(t *testing.T) {
	t.Parallel()
	r := routeJSON(t, "", "SELECT 1; INSERT INTO t VALUES (1)", "SELECT 2")
	if got := r.targets(); got != "primary primary standby" {
		t.Errorf("targets are %s", got)
	}
	if r.Statements[0].Class != "read" || r.Statements[1].Reason != "dml" {
		t.Errorf("%+v", r.Statements)
	}
}

// TestRouteFollowsTransactions reads a log of statements.
func TestRouteFollowsTransactions(t *testing.T) {
	t.Parallel()
	const log = `-- a session
		SELECT 1; BEGIN; SELECT 2; UPDATE t SET a = ';' WHERE b = $$;$$; END;
		BEGIN READ ONLY; SELECT 3; COMMIT AND CHAIN; SELECT 4; ROLLBACK;
\set aid 7
		/* pgroute: primary */ SELECT 5; ; SELECT abalance FROM accounts WHERE aid = :aid;
		CREATE FUNCTION f() RETURNS int BEGIN ATOMIC SELECT CASE WHEN true THEN 1 END; SELECT 2; END;
		SELECT 6`
	const want = "standby primary primary primary primary standby standby standby standby standby primary standby primary standby"
	file := filepath.Join(t.TempDir(), "log.sql")
	if err := os.WriteFile(file, []byte(log), 0o600); err != nil {
		t.Fatal(err)
	}
	for name, r := range map[string]routedJSON{"stdin": routeJSON(t, log, "-"), "file": routeJSON(t, "", "--file", file)} {
		if got := r.targets(); got != want {
			t.Errorf("%s: targets are %s, not %s", name, got, want)
		}
		s := r.Summary
		if s.Statements != 14 || s.Standby != 8 || s.Reads != 7 || s.ReadsBound != 1 || s.Share != 8.0/14 {
			t.Errorf("%s: summary is %+v", name, s)
		}
	}
}

// TestRouteReadsAServersLog lets a real server log what a client sent.
func TestRouteReadsAServersLog(t *testing.T) {
	t.Parallel()
	l := labtest.Start(t, lab.Options{Conf: map[string]string{"log_statement": "all", "log_min_duration_statement": "0"}})
	c, err := pgx.Connect(t.Context(), l.Node("primary").DSN(lab.Superuser, "postgres"))
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close(t.Context())
	for _, sql := range []string{"CREATE TABLE logged (a int)", "BEGIN", "SELECT a\nFROM logged", "COMMIT", "SELECT count(*) FROM logged"} {
		if _, err := c.Exec(t.Context(), sql, pgx.QueryExecModeSimpleProtocol); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := c.Exec(t.Context(), "SELECT a FROM logged WHERE a = $1", 1); err != nil { // extended protocol
		t.Fatal(err)
	}
	var got []string
	for _, s := range routeJSON(t, "", "--log", "--file", l.Node("primary").LogFile()).Statements {
		if strings.Contains(s.Statement, "logged") || s.Class == "transaction" {
			got = append(got, s.Target+": "+s.Statement)
		}
	}
	want := []string{
		"primary: CREATE TABLE logged (a int)", "primary: BEGIN", "primary: SELECT a\nFROM logged", "primary: COMMIT",
		"standby: SELECT count(*) FROM logged", "standby: SELECT a FROM logged WHERE a = $1",
	}
	if !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
}

// TestRouteSurvivesAnyInput: what is not SQL is unknown, and goes to the primary.
func TestRouteSurvivesAnyInput(t *testing.T) {
	t.Parallel()
	for _, in := range []string{"SELECT 'left open; SELECT 2", "\x00;\xff;", "((((;)))); END END CASE;;", "SELECT 1;\xff\xfe", "/* open"} {
		for _, s := range routeJSON(t, in, "-").Statements {
			if s.Target != "primary" && s.Reason != "read" {
				t.Errorf("%q: %+v", in, s)
			}
		}
	}
	if r := routeJSON(t, " ; -- nothing\n ;", "-"); len(r.Statements) != 0 {
		t.Errorf("statements in nothing: %+v", r.Statements)
	}
}

func TestRouteSaysWhatIsMissing(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		args []string
		says string
	}{
		{[]string{"route"}, "nothing to route"},
		{[]string{"route", "--file", "/does/not/exist"}, "no such file"},
		{[]string{"route", "--nodes", "127.0.0.1:1", "SELECT 1"}, "no primary was found"},
		{[]string{"route", "--search-path", `"open`, "SELECT 1"}, "--search-path"},
	} {
		out, err := pgroute(t, c.args...).CombinedOutput()
		if err == nil || !strings.Contains(string(out), c.says) {
			t.Errorf("%v: %v, %s", c.args, err, out)
		}
	}
}

// TestRouteAsksTheLiveCatalogue: a function is what its database says.
func TestRouteAsksTheLiveCatalogue(t *testing.T) {
	t.Parallel()
	l := labtest.Start(t, lab.Options{Standbys: 1})
	c, err := pgx.Connect(t.Context(), l.Node("primary").DSN(lab.Superuser, "postgres"))
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close(t.Context())
	for _, sql := range []string{
		"CREATE FUNCTION reads() RETURNS int STABLE LANGUAGE sql AS 'SELECT 1'",
		"CREATE FUNCTION writes() RETURNS int LANGUAGE sql AS 'SELECT 1'",
	} {
		if _, err := c.Exec(t.Context(), sql); err != nil {
			t.Fatal(err)
		}
	}
	config := labConfig(t, l)
	if got := routeJSON(t, "", "SELECT reads()", "SELECT writes()").targets(); got != "primary primary" {
		t.Errorf("without a server: %s", got)
	}
	r := routeJSON(t, "", "--config", config, "SELECT reads()", "SELECT writes()", "/* pgroute: node=standby1 */ SELECT 1")
	if got := r.targets(); got != "standby primary standby" || r.Statements[0].Node != "standby1" || r.Statements[1].Reason != "volatile_function" {
		t.Errorf("with the server: %s, %+v", got, r.Statements)
	}
	out, err := pgroute(t, "route", "--config", config, "--database", "nowhere", "SELECT 1").CombinedOutput()
	if err == nil || !strings.Contains(string(out), `database "nowhere" does not exist`) {
		t.Errorf("%v: %s", err, out)
	}
}
