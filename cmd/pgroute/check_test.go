package main

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"

	"github.com/pgroute/pgroute/internal/lab"
	"github.com/pgroute/pgroute/internal/lab/labtest"
)

// labConfig writes the configuration of a pgroute in front of a lab.
func labConfig(t *testing.T, l *lab.Lab) string {
	t.Helper()
	file := filepath.Join(t.TempDir(), "proxy.toml")
	text := l.ProxyConfig(lab.ProxyOptions{Listen: "127.0.0.1:0"})
	if err := os.WriteFile(file, text, 0o600); err != nil {
		t.Fatal(err)
	}
	return file
}

// check runs `pgroute check` as the lab's monitor and gives what it printed,
// with blanks made one, and its exit status.
func check(t *testing.T, l *lab.Lab, args ...string) (string, int) {
	t.Helper()
	cmd := pgroute(t, append([]string{"check", "--config", labConfig(t, l)}, args...)...)
	cmd.Env = append(cmd.Env, "PGPASSWORD="+l.Password(lab.Monitor))
	out, err := cmd.CombinedOutput()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		t.Fatal(err)
	}
	lines := strings.Split(string(out), "\n")
	for i := range lines {
		lines[i] = strings.Join(strings.Fields(lines[i]), " ")
	}
	return strings.Join(lines, "\n"), cmd.ProcessState.ExitCode()
}

func TestCheckOfAWellCluster(t *testing.T) {
	t.Parallel()
	l := labtest.Start(t, lab.Options{Standbys: 2, Auth: lab.AuthSCRAM})
	out, status := check(t, l)
	for _, want := range []string{"\nprimary primary 127.0.0.1:", "\nstandby1 standby 127.0.0.1:", "note: auth_query works", "note: catalogues: postgres", "nothing is wrong"} {
		if !strings.Contains("\n"+out, want) {
			t.Errorf("no %q in:\n%s", want, out)
		}
	}
	if status != 0 {
		t.Errorf("status is %d", status)
	}
	if strings.Contains(out, l.Password(lab.Monitor)) {
		t.Error("the monitor's password is shown")
	}
}

// TestCheckNamesTheCure takes every right away, then does what check says
// until it is content.
func TestCheckNamesTheCure(t *testing.T) {
	t.Parallel()
	l := labtest.Start(t, lab.Options{Auth: lab.AuthSCRAM})
	c, err := pgx.Connect(t.Context(), l.Node("primary").DSN(lab.Superuser, "postgres"))
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close(t.Context())
	run := func(sql string) {
		if _, err := c.Exec(t.Context(), sql); err != nil {
			t.Fatalf("%s: %v", sql, err)
		}
	}
	for _, sql := range []string{
		`CREATE DATABASE "my app"`, `REVOKE CONNECT ON DATABASE "my app" FROM PUBLIC`,
		"REVOKE pg_monitor FROM pgroute", "ALTER ROLE pgroute NOREPLICATION", "REVOKE SELECT ON pg_authid FROM pgroute",
	} {
		run(sql)
	}
	out, status := check(t, l)
	if status != 1 || !strings.Contains(out, "4 problems") {
		t.Errorf("status %d:\n%s", status, out)
	}
	for _, cure := range []string{
		`GRANT CONNECT ON DATABASE "my app" TO "pgroute"`, `GRANT pg_monitor TO "pgroute"`, `ALTER ROLE "pgroute" REPLICATION`,
		`GRANT SELECT (rolname, rolpassword) ON pg_authid TO "pgroute"`,
	} {
		if !strings.Contains(out, "\n"+cure) {
			t.Errorf("no %q in:\n%s", cure, out)
		}
		run(cure)
	}
	if out, status := check(t, l); status != 0 {
		t.Errorf("status %d after all cures:\n%s", status, out)
	}
}

func TestCheckOfABrokenCluster(t *testing.T) {
	t.Parallel()
	l := labtest.Start(t, lab.Options{Standbys: 1})
	if err := l.Kill(t.Context(), "primary"); err != nil {
		t.Fatal(err)
	}
	out, status := check(t, l)
	if status != 1 || !strings.Contains(out, "problem: no primary was found") || !strings.Contains(out, "primary (127.0.0.1:") || !strings.Contains(out, "does not answer") {
		t.Errorf("status %d:\n%s", status, out)
	}
}

// TestCheckOfABrokenConfiguration: every mistake at once, with its line.
func TestCheckOfABrokenConfiguration(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "proxy.toml")
	if err := os.WriteFile(file, []byte("listen = [\"nowhere\"]\n[cluster]\nnodes = [\"host=a\"]\n[pool]\nsize = -1\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	out, err := pgroute(t, "check", "--config", file).CombinedOutput()
	if err == nil || !strings.Contains(string(out), "proxy.toml:1: listen") || !strings.Contains(string(out), "proxy.toml:5: pool.size") {
		t.Errorf("%v: %s", err, out)
	}
}

func TestCheckShowsTheConfiguration(t *testing.T) {
	t.Parallel()
	cmd := pgroute(t, "check", "--show", "--nodes", "127.0.0.1:1")
	cmd.Env = append(cmd.Env, "PGPASSWORD=hunter2", "PGROUTE_POOL_SIZE=7")
	out, err := cmd.CombinedOutput()
	if err == nil {
		t.Error("status 0 without any node")
	}
	text := strings.Join(strings.Fields(string(out)), " ")
	if !strings.Contains(text, "pool.size 7 environment variable PGROUTE_POOL_SIZE") || !strings.Contains(text, `health.interval "500ms" default`) {
		t.Errorf("%s", out)
	}
	if strings.Contains(text, "hunter2") {
		t.Error("the password is shown")
	}
}
