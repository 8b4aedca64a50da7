package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/pgroute/pgroute/internal/lab"
)

// exitError carries a command's exit status through main, which prints nothing
// for it: the command said what there was to say.
type exitError struct{ code int }

func (e exitError) Error() string { return "exit status " + strconv.Itoa(e.code) }

// ExitCode is the status pgroute exits with.
func (e exitError) ExitCode() int { return e.code }

// runCommand runs --exec with the environment that names the lab. stdout is the
// command's own.
func (c *labRunCmd) runCommand(ctx context.Context, l *lab.Lab, proxy *lab.Proxy) error {
	cmd := exec.CommandContext(ctx, "/bin/sh", "-c", c.Exec)
	cmd.Stdin, cmd.Stdout, cmd.Stderr = os.Stdin, os.Stdout, os.Stderr
	cmd.Env = append(cleanEnv(), c.commandEnv(l, proxy)...)
	// SIGTERM first: pgbench and psql end in order.
	cmd.Cancel = func() error { return cmd.Process.Signal(syscall.SIGTERM) }
	cmd.WaitDelay = 5 * time.Second
	err := cmd.Run()
	var exit *exec.ExitError
	if errors.As(err, &exit) {
		return exitError{commandStatus(exit)}
	}
	return err
}

// commandStatus is the status as a shell reports it: 128+n after signal n.
func commandStatus(exit *exec.ExitError) int {
	if ws, ok := exit.Sys().(syscall.WaitStatus); ok && ws.Signaled() {
		return 128 + int(ws.Signal())
	}
	return exit.ExitCode()
}

// cleanEnv is our environment without PG* variables that would lead the command
// elsewhere.
func cleanEnv() []string {
	var env []string
	for _, kv := range os.Environ() {
		if name, _, _ := strings.Cut(kv, "="); !strings.HasPrefix(name, "PG") || strings.HasPrefix(name, "PGROUTE_") {
			env = append(env, kv)
		}
	}
	return env
}

// commandEnv names the proxy to libpq, and the lab and its nodes to scripts.
func (c *labRunCmd) commandEnv(l *lab.Lab, proxy *lab.Proxy) []string {
	host, port := "127.0.0.1", strconv.Itoa(l.Node("primary").Port)
	// PostgreSQL's own programs are not always on the path. A lab has no TLS, and
	// some drivers take libpq's default, prefer, for require.
	path := os.Getenv("PATH") + string(os.PathListSeparator) + l.PgBin()
	env := []string{"PATH=" + path, "PGUSER=" + lab.Superuser, "PGDATABASE=postgres", "PGSSLMODE=disable", "PGROUTE_LAB_DIR=" + l.Dir}
	if proxy != nil {
		host, port = dialAddress(c.Listen)
		env = append(env, "PGROUTE_LAB_PROXY_PID="+strconv.Itoa(proxy.PID()), "PGROUTE_LAB_ADMIN="+c.AdminListen)
	}
	env = append(env, "PGHOST="+host, "PGPORT="+port)
	if password := l.Password(lab.Superuser); password != "" {
		env = append(env, "PGPASSWORD="+password)
	}
	for _, n := range l.Nodes() {
		env = append(env, fmt.Sprintf("PGROUTE_LAB_%s_PORT=%d", strings.ToUpper(n.Name), n.Port))
	}
	return env
}

// dialAddress turns a listen address into one to connect to.
func dialAddress(listen string) (host, port string) {
	host, port, err := net.SplitHostPort(listen)
	if err != nil {
		return listen, ""
	}
	if ip := net.ParseIP(host); host == "" || ip != nil && ip.IsUnspecified() {
		host = "127.0.0.1"
	}
	return host, port
}
