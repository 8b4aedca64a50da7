package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/pgroute/pgroute/internal/lab"
	"github.com/pgroute/pgroute/internal/lab/labtest"
)

// asPgroute makes a copy of the test binary behave as pgroute itself.
const asPgroute = "TEST_BINARY_IS_PGROUTE"

func TestMain(m *testing.M) {
	if os.Getenv(asPgroute) != "" {
		main()
		return
	}
	os.Exit(m.Run())
}

// pgroute prepares a run of the command line.
func pgroute(t *testing.T, args ...string) *exec.Cmd {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Minute)
	t.Cleanup(cancel)
	cmd := exec.CommandContext(ctx, os.Args[0], args...)
	cmd.Env = append(os.Environ(), asPgroute+"=1", "SELF="+os.Args[0])
	return cmd
}

// labDir is a directory of a lab to come, which the servers' system user can reach.
func labDir(t *testing.T) string { return filepath.Join(labtest.TempDir(t), "lab") }

func TestLabExecGivesTheCommandItsEnvironmentAndStatus(t *testing.T) {
	t.Parallel()
	dir := labDir(t)
	cmd := pgroute(t, "lab", "--dir", dir, "--no-proxy", "--base-port", "0", "--standbys", "1", "--auth", "scram",
		"--exec", `psql -AtXc 'SELECT inet_server_port() = '$PGROUTE_LAB_PRIMARY_PORT", current_user, current_database()" &&
			psql -AtXp $PGROUTE_LAB_STANDBY1_PORT -c 'SELECT pg_is_in_recovery()' && echo $PGROUTE_LAB_DIR $PGSSLMODE; exit 7`)
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	var exit *exec.ExitError
	if !errors.As(err, &exit) || exit.ExitCode() != 7 {
		t.Errorf("status is %v, not the command's 7: %s", err, stderr.String())
	}
	if want := fmt.Sprintf("t|postgres|postgres\nt\n%s disable\n", dir); string(out) != want {
		t.Errorf("stdout is %q, not only the command's %q", out, want)
	}
	if _, err := os.Stat(dir); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("the lab's directory is left: %v", err)
	}
}

// TestLabExecRunsThroughPgroute has pgroute in front, with passwords.
func TestLabExecRunsThroughPgroute(t *testing.T) {
	t.Parallel()
	ports, err := lab.ReservePorts(2)
	if err != nil {
		t.Fatal(err)
	}
	defer ports.Release()
	addr := func(i int) string { return fmt.Sprintf("127.0.0.1:%d", ports.Numbers[i]) }
	cmd := pgroute(t, "lab", "--dir", labDir(t), "--base-port", "0", "--standbys", "1", "--auth", "scram",
		"--listen", addr(0), "--admin-listen", addr(1),
		"--exec", `set -e
		kill -0 $PGROUTE_LAB_PROXY_PID
		test $PGPORT != $PGROUTE_LAB_PRIMARY_PORT
		psql -AtXqc 'CREATE TABLE t (i int)' -c 'INSERT INTO t VALUES (42)' -c 'SELECT i FROM t'`)
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil || string(out) != "42\n" {
		t.Errorf("%v, %q: %s", err, out, stderr.String())
	}
}

// TestLabCommandsFindTheirLab runs a failover from inside --exec.
func TestLabCommandsFindTheirLab(t *testing.T) {
	t.Parallel()
	cmd := pgroute(t, "lab", "--dir", labDir(t), "--no-proxy", "--base-port", "0", "--exec", `set -e
		$SELF lab kill primary
		$SELF lab promote standby2
		$SELF lab rewind primary
		$SELF lab pause-replay standby1
		$SELF lab status >&2
		$SELF lab status --json
		$SELF lab resume-replay standby1
		$SELF lab stop standby1
		$SELF lab start standby1
		if $SELF lab kill standby7; then exit 9; fi`)
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("%v: %s", err, stderr.String())
	}
	var status []lab.NodeStatus
	if err := json.Unmarshal(out, &status); err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, s := range status {
		got = append(got, fmt.Sprintf("%s %s %d %v", s.Name, s.Role, s.Timeline, s.Paused))
	}
	want := "primary standby 2 false, standby1 standby 2 true, standby2 primary 2 false"
	if strings.Join(got, ", ") != want {
		t.Errorf("status is %q, not %q", got, want)
	}
	if !strings.Contains(stderr.String(), `no node "standby7"`) {
		t.Errorf("nothing about standby7 in %s", stderr.String())
	}
}

// TestSignalStopsTheLab ends a foreground lab as kill or Ctrl-C does.
func TestSignalStopsTheLab(t *testing.T) {
	t.Parallel()
	dir := labDir(t)
	cmd := pgroute(t, "lab", "--dir", dir, "--no-proxy", "--base-port", "0", "--standbys", "1")
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	readUntil(t, out, "Ctrl-C")
	if err := cmd.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	if err := cmd.Wait(); err != nil {
		t.Errorf("status after SIGTERM: %v", err)
	}
	if _, err := os.Stat(dir); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("the lab's directory is left: %v", err)
	}
}

func readUntil(t *testing.T, from io.Reader, text string) {
	t.Helper()
	var seen bytes.Buffer
	buf := make([]byte, 4096)
	for !strings.Contains(seen.String(), text) {
		n, err := from.Read(buf)
		seen.Write(buf[:n])
		if err != nil {
			t.Fatalf("%v after %q", err, seen.String())
		}
	}
}

func TestLabCommandsWithoutALabSayWhatToDo(t *testing.T) {
	t.Parallel()
	out, err := pgroute(t, "lab", "--dir", labDir(t), "status").CombinedOutput()
	if err == nil || !strings.Contains(string(out), "--dir") {
		t.Errorf("%v: %s", err, out)
	}
}
