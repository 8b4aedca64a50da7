package admin_test

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/prometheus/client_golang/prometheus/testutil/promlint"

	"github.com/pgroute/pgroute/internal/cluster"
	"github.com/pgroute/pgroute/internal/lab"
	"github.com/pgroute/pgroute/internal/lab/labtest"
	"github.com/pgroute/pgroute/internal/serve/servetest"
	"github.com/pgroute/pgroute/proxy/admin"
)

// start runs a cluster with pgroute in front.
func start(t *testing.T, o lab.Options, overrides ...string) (*servetest.Proxy, *lab.Lab) {
	t.Helper()
	l := labtest.Start(t, o)
	return front(t, l, overrides...), l
}

// front runs pgroute with its admin pages on a free port.
func front(t *testing.T, l *lab.Lab, overrides ...string) *servetest.Proxy {
	t.Helper()
	return servetest.Start(t, l, append(overrides, "admin_listen=localhost:0")...)
}

// get reads a page.
func get(t *testing.T, p *servetest.Proxy, path string) (status int, body string) {
	t.Helper()
	resp, err := http.Get("http://" + p.AdminAddr().String() + path)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return resp.StatusCode, string(text)
}

// scrape gives the values of /metrics by name and labels, as printed.
func scrape(t *testing.T, p *servetest.Proxy) map[string]float64 {
	t.Helper()
	_, text := get(t, p, "/metrics")
	values := map[string]float64{}
	for lines := bufio.NewScanner(strings.NewReader(text)); lines.Scan(); {
		line := lines.Text()
		if at := strings.LastIndexByte(line, ' '); at > 0 && !strings.HasPrefix(line, "#") {
			v, err := strconv.ParseFloat(line[at+1:], 64)
			if err != nil {
				t.Fatalf("%q: %v", line, err)
			}
			values[line[:at]] = v
		}
	}
	return values
}

// sum adds up the values of a metric over all labels that contain a text.
func sum(values map[string]float64, name, containing string) (total float64) {
	for k, v := range values {
		if (k == name || strings.HasPrefix(k, name+"{")) && strings.Contains(k, containing) {
			total += v
		}
	}
	return total
}

// await scrapes until a condition holds.
func await(t *testing.T, p *servetest.Proxy, what string, ok func(map[string]float64) bool) map[string]float64 {
	t.Helper()
	deadline := time.Now().Add(30 * time.Second)
	for {
		values := scrape(t, p)
		if ok(values) {
			return values
		}
		if time.Now().After(deadline) {
			t.Fatalf("waited in vain until %s", what)
		}
	}
}

func exec(t *testing.T, c *pgx.Conn, sql string) {
	t.Helper()
	if _, err := c.Exec(t.Context(), sql, pgx.QueryExecModeSimpleProtocol); err != nil {
		t.Fatalf("%s: %v", sql, err)
	}
}

// TestMetricsCountWhatHappened sends known traffic.
func TestMetricsCountWhatHappened(t *testing.T) {
	t.Parallel()
	l := labtest.Start(t, lab.Options{Standbys: 2, Auth: lab.AuthSCRAM})
	direct := servetest.Connect(t, l.Node("primary").DSN(lab.Superuser, "postgres"))
	exec(t, direct, "CREATE TABLE counted (id int)")
	p := front(t, l)
	servetest.Connect(t, p.DSN(lab.Superuser, "postgres")).Close(t.Context())
	before := await(t, p, "the catalogue is loaded", func(v map[string]float64) bool {
		return v["pgroute_catalogs"] == 1 && v["pgroute_catalogs_stale"] == 0 && v["pgroute_clients"] == 0
	})
	c := p.Connect(t)
	for range 10 {
		exec(t, c, "SELECT 1")
	}
	for range 5 {
		exec(t, c, "INSERT INTO counted VALUES (1)")
	}
	for _, sql := range []string{"BEGIN", "SELECT 2", "COMMIT"} {
		exec(t, c, sql)
	}
	exec(t, c, "LISTEN something")
	exec(t, c, "SHOW server_version")
	refusedLogin(t, p)
	after := await(t, p, "only one client is left", func(v map[string]float64) bool { return v["pgroute_clients"] == 1 })
	for _, want := range []struct {
		name, labels string
		grown        float64
	}{
		{"pgroute_queries_total", `role="standby"`, 10},
		{"pgroute_queries_total", `node="primary",role="primary"`, 10},
		{"pgroute_queries_total", `node="primary",role="standby"`, 0},
		{"pgroute_decisions_total", `action="standby"`, 10},
		{"pgroute_decisions_total", `action="primary",cause="write"`, 5},
		{"pgroute_decisions_total", `cause="session"`, 1},
		{"pgroute_decisions_total", `cause="transaction"`, 1},
		{"pgroute_decisions_total", `action="bound",cause="in_transaction"`, 2},
		{"pgroute_decisions_total", `action="bound",cause="pinned"`, 1},
		{"pgroute_decisions_total", "", 20}, // as many as answers
		{"pgroute_errors_total", `sqlstate="28P01"`, 1},
		{"pgroute_errors_total", "", 1},
		{"pgroute_classifications_total", `reason="read"`, 10},
		{"pgroute_classifications_total", `reason="dml"`, 5},
		{"pgroute_classifications_total", `reason="listen"`, 1},
		{"pgroute_pins_total", `reason="listen"`, 1},
		{"pgroute_pinned_sessions", `reason="listen"`, 1},
		{"pgroute_logins_total", "", 1},
		{"pgroute_login_failures_total", "", 1},
		{"pgroute_panics_total", "", 0},
		{"pgroute_bad_moves_total", "", 0},
	} {
		grown := sum(after, want.name, want.labels) - sum(before, want.name, want.labels)
		if grown != want.grown {
			t.Errorf("%s{%s} grew by %v, not %v", want.name, want.labels, grown, want.grown)
		}
	}
	var st admin.Status
	if _, text := get(t, p, "/status"); json.Unmarshal([]byte(text), &st) != nil || len(st.Sessions.Shown) != 1 {
		t.Fatalf("not one busy session in %s", text)
	}
	if s := st.Sessions.Shown[0]; s.Pins != "listen" || s.Phase != "linked" || s.User != lab.Superuser || s.Node != "primary" || s.InTransaction {
		t.Errorf("the session that listens is shown as %+v", s)
	}
	if hits := sum(after, "pgroute_class_cache_hits_total", ""); hits < 12 {
		t.Errorf("%v hits of the classification cache for repeated statements", hits)
	}
	if err := c.Close(t.Context()); err != nil {
		t.Fatal(err)
	}
	await(t, p, "nobody is pinned", func(v map[string]float64) bool {
		return sum(v, "pgroute_pinned_sessions", "") == 0 && v["pgroute_clients"] == 0
	})
}

// refusedLogin tries a wrong password.
func refusedLogin(t *testing.T, p *servetest.Proxy) {
	t.Helper()
	_, err := pgconn.Connect(t.Context(), fmt.Sprintf("postgres://postgres:wrong@%s/postgres?sslmode=disable", p.Addr))
	var refused *pgconn.PgError
	if !errors.As(err, &refused) || refused.Code != "28P01" {
		t.Fatalf("a wrong password was met with %v", err)
	}
}

// TestPagesTellNoSecrets looks for passwords, verifiers and texts of
// statements on every page.
func TestPagesTellNoSecrets(t *testing.T) {
	t.Parallel()
	p, l := start(t, lab.Options{Standbys: 1, Auth: lab.AuthSCRAM}, "admin.pprof=true")
	c := p.Connect(t)
	exec(t, c, "SELECT 'confidential_literal'")
	if _, err := c.Prepare(t.Context(), "named", "SELECT 'confidential_statement'"); err != nil {
		t.Fatal(err)
	}
	_ = refuse(t, c, "SELECT confidential_column")
	for _, path := range []string{"/metrics", "/status", "/", "/readyz", "/healthz", "/debug/pprof/cmdline"} {
		status, text := get(t, p, path)
		if status != http.StatusOK {
			t.Errorf("%s: status %d", path, status)
		}
		for _, secret := range []string{"confidential", "SCRAM-SHA-256$", l.Password(lab.Superuser), l.Password(lab.Monitor)} {
			if strings.Contains(text, secret) {
				t.Errorf("%s shows %.12s…", path, secret)
			}
		}
	}
}

func refuse(t *testing.T, c *pgx.Conn, sql string) error {
	t.Helper()
	_, err := c.Exec(t.Context(), sql)
	if err == nil {
		t.Fatalf("%s was not refused", sql)
	}
	return err
}

// TestScrapeIsClean lints what a real pgroute serves, the collectors of
// process and runtime included.
func TestScrapeIsClean(t *testing.T) {
	t.Parallel()
	p, _ := start(t, lab.Options{Standbys: 1})
	_, text := get(t, p, "/metrics")
	problems, err := promlint.New(strings.NewReader(text)).Lint()
	if err != nil {
		t.Fatal(err)
	}
	for _, problem := range problems {
		t.Errorf("%s: %s", problem.Metric, problem.Text)
	}
	for _, name := range []string{"go_goroutines", "process_cpu_seconds_total", "pgroute_build_info{"} {
		if !strings.Contains(text, "\n"+name) {
			t.Errorf("no %s", name)
		}
	}
	if status, _ := get(t, p, "/debug/pprof/"); status != http.StatusNotFound {
		t.Errorf("pprof is served though nobody asked for it: status %d", status)
	}
}

// TestPagesFollowAFailover kills the primary and promotes a standby.
func TestPagesFollowAFailover(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	p, l := start(t, lab.Options{Standbys: 2})
	if status, text := get(t, p, "/readyz"); status != http.StatusOK || text != "ready\n" {
		t.Errorf("before: %d %q", status, text)
	}
	if err := l.Kill(ctx, "primary"); err != nil {
		t.Fatal(err)
	}
	p.Await("the primary is missed", func(s *cluster.Snapshot) bool { return s.Writes == cluster.WritesLost })
	if status, text := get(t, p, "/readyz"); status != http.StatusOK || !strings.HasPrefix(text, "degraded\nwrites are held: ") || !strings.Contains(text, "standby1, standby2") {
		t.Errorf("without a primary: %d %q", status, text)
	}
	values := scrape(t, p)
	if values[`pgroute_writes_state{state="primary_lost"}`] != 1 || values[`pgroute_node_up{node="primary"}`] != 0 || values[`pgroute_switch_state{state="holding"}`] != 1 {
		t.Error("metrics do not show the loss")
	}
	if err := l.Promote(ctx, "standby1"); err != nil {
		t.Fatal(err)
	}
	p.Await("the standby is accepted", func(s *cluster.Snapshot) bool { return s.Writes == cluster.WritesOpen })
	values = await(t, p, "the promotion shows", func(v map[string]float64) bool { return v["pgroute_accepted_timeline"] == 2 })
	for name, want := range map[string]float64{
		`pgroute_node_role{node="standby1",role="primary"}`: 1, `pgroute_node_role{node="primary",role="deposed"}`: 1,
		`pgroute_node_timeline{node="standby1"}`: 2, "pgroute_primaries_accepted_total": 2, "pgroute_split_brains_total": 0,
	} {
		if values[name] != want {
			t.Errorf("%s is %v, not %v", name, values[name], want)
		}
	}
	if _, page := get(t, p, "/"); !strings.Contains(page, "accepted as primary") || !strings.Contains(page, "standby is primary now") {
		t.Error("the page does not tell of the promotion")
	}
}

// TestPausedStandbyShows: lag grows, then the reason why it is not read.
func TestPausedStandbyShows(t *testing.T) {
	t.Parallel()
	p, l := start(t, lab.Options{Standbys: 1}, "health.max_lag_bytes=64kB", "health.interval=50ms")
	if err := l.PauseReplay(t.Context(), "standby1"); err != nil {
		t.Fatal(err)
	}
	c := p.Connect(t)
	exec(t, c, "CREATE TABLE filler AS SELECT repeat('x', 1000) FROM generate_series(1, 1000)")
	excluded := `pgroute_node_excluded{node="standby1",reason="lag_bytes"}`
	values := await(t, p, "the standby is left out", func(v map[string]float64) bool { return v[excluded] == 1 })
	if values[`pgroute_node_eligible{node="standby1"}`] != 0 || values[`pgroute_node_lag_bytes{node="standby1"}`] < 64<<10 {
		t.Errorf("eligible %v at a lag of %v", values[`pgroute_node_eligible{node="standby1"}`], values[`pgroute_node_lag_bytes{node="standby1"}`])
	}
	if _, page := get(t, p, "/"); !strings.Contains(page, "beyond max_lag_bytes (64kB)") {
		t.Error("the page does not say why")
	}
	if err := l.ResumeReplay(t.Context(), "standby1"); err != nil {
		t.Fatal(err)
	}
	await(t, p, "the standby returns", func(v map[string]float64) bool {
		return v[excluded] == 0 && v[`pgroute_node_eligible{node="standby1"}`] == 1
	})
}
