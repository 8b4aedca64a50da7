package bench

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/pgroute/pgroute/internal/lab"
)

// load is one run of pgbench's built-in read-only script.
type load struct {
	port     int
	mode     string // simple, extended or prepared
	clients  int
	duration time.Duration // whole seconds: pgbench knows no less
}

// Figures are what pgbench found.
type Figures struct {
	Transactions int64   `json:"transactions"`
	Failed       int64   `json:"failed"`
	TPS          float64 `json:"tps"`         // without the time to connect
	LatencyMS    float64 `json:"latency_ms"`  // mean over all transactions
	MedianMS     float64 `json:"median_ms"`   // of the transactions sampled, like the two below
	P95MS        float64 `json:"p95_ms"`      //
	P99MS        float64 `json:"p99_ms"`      //
	ConnectMS    float64 `json:"connect_ms"`  // until all clients were connected
	SampledShare float64 `json:"sample_rate"` // of transactions whose latency was logged
}

// pgbenchGrace is how long pgbench may take beyond its time.
const pgbenchGrace = 30 * time.Second

// runLoad runs pgbench in a new directory for its logs of latencies.
func (s *site) runLoad(ctx context.Context, l load) (Figures, error) {
	dir, err := s.workDir("pgbench", account{})
	if err != nil {
		return Figures{}, err
	}
	defer os.RemoveAll(dir)
	ctx, cancel := context.WithTimeout(ctx, l.duration+pgbenchGrace)
	defer cancel()
	rate := l.sampleRate()
	args := append(l.args(), "--log", "--log-prefix="+filepath.Join(dir, "latency"), "--sampling-rate="+strconv.FormatFloat(rate, 'g', -1, 64))
	out, err := s.pgbench(ctx, args...)
	if err != nil {
		return Figures{}, err
	}
	f, err := parsePgbench(out)
	if err != nil {
		return Figures{}, err
	}
	f.SampledShare = rate
	return f, f.addLatencies(dir)
}

// args are pgbench's for the load. One thread per client up to two: pgbench
// shares the machine with what it measures.
func (l load) args() []string {
	return []string{
		"-h", "127.0.0.1", "-p", strconv.Itoa(l.port), "-U", lab.Superuser, "-n", "-S", "-M", l.mode,
		"-c", strconv.Itoa(l.clients), "-j", strconv.Itoa(min(l.clients, 2)), "-T", strconv.Itoa(max(1, int(l.duration.Seconds()))), database,
	}
}

// sampleRate is the share of transactions whose latency is logged: all of a
// lone client's, so few of many clients' that the log costs nothing.
func (l load) sampleRate() float64 {
	if l.clients == 1 {
		return 1
	}
	return 0.05
}

// initialise fills the tables, directly on the primary.
func (s *site) initialise(ctx context.Context, scale int) error {
	s.say("filling pgbench's tables at scale %d", scale)
	_, err := s.pgbench(ctx, "-h", "127.0.0.1", "-p", strconv.Itoa(s.primary().Port), "-U", lab.Superuser,
		"-i", "-q", "-s", strconv.Itoa(scale), database)
	if err != nil {
		return err
	}
	return s.lab.WaitCaughtUp(ctx)
}

// pgbench runs PostgreSQL's own pgbench, of the version of the servers.
func (s *site) pgbench(ctx context.Context, args ...string) ([]byte, error) {
	cmd := exec.CommandContext(ctx, filepath.Join(s.lab.PgBin(), "pgbench"), args...)
	cmd.Env = append(cleanEnv(), "PGSSLMODE=disable", "PGCONNECT_TIMEOUT=20")
	cmd.Cancel = func() error { return cmd.Process.Signal(syscall.SIGTERM) }
	cmd.WaitDelay = time.Second
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	if err := cmd.Run(); err != nil {
		return nil, fmt.Errorf("pgbench: %w: %s", errors.Join(err, ctx.Err()), bytes.TrimSpace(stderr.Bytes()))
	}
	return stdout.Bytes(), nil
}

// errNotPgbench says that the output is not what pgbench prints.
var errNotPgbench = errors.New("pgbench's output has no figures")

// parsePgbench reads the summary, as printed since version 13.
func parsePgbench(out []byte) (Figures, error) {
	var f Figures
	for s := bufio.NewScanner(bytes.NewReader(out)); s.Scan(); {
		if err := f.parseLine(s.Text()); err != nil {
			return Figures{}, fmt.Errorf("pgbench's line %q: %w", s.Text(), err)
		}
	}
	if f.Transactions == 0 || f.TPS == 0 {
		return Figures{}, errNotPgbench
	}
	return f, nil
}

// parseLine takes one figure from a line, if it has one. Up to 13 there were
// two lines with tps; the one that leaves connecting out comes last.
func (f *Figures) parseLine(line string) error {
	var err error
	switch name, value := splitFigure(line); name {
	case "number of transactions actually processed":
		f.Transactions, err = strconv.ParseInt(value, 10, 64)
	case "number of failed transactions":
		f.Failed, err = strconv.ParseInt(value, 10, 64)
	case "latency average":
		f.LatencyMS, err = strconv.ParseFloat(value, 64)
	case "initial connection time":
		f.ConnectMS, err = strconv.ParseFloat(value, 64)
	case "tps":
		f.TPS, err = strconv.ParseFloat(value, 64)
	}
	return err
}

// splitFigure splits "name: 12/100 (3%)" and "name = 12 ms" into name and "12".
func splitFigure(line string) (name, value string) {
	name, rest, found := strings.Cut(line, " = ")
	if !found {
		name, rest, _ = strings.Cut(line, ": ")
	}
	value, _, _ = strings.Cut(rest, " ")
	value, _, _ = strings.Cut(value, "/")
	return name, value
}

// addLatencies reads the logs that pgbench's threads wrote.
func (f *Figures) addLatencies(dir string) error {
	files, err := filepath.Glob(filepath.Join(dir, "latency.*"))
	if err != nil {
		return err
	}
	var all []float64
	for _, path := range files {
		content, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		if all, err = appendLatencies(all, content); err != nil {
			return err
		}
	}
	slices.Sort(all)
	f.MedianMS, f.P95MS, f.P99MS = percentile(all, 0.5), percentile(all, 0.95), percentile(all, 0.99)
	return nil
}

// appendLatencies reads one log: client, number, microseconds, script, time.
// Failed transactions have a word in place of the microseconds.
func appendLatencies(all []float64, log []byte) ([]float64, error) {
	for line := range bytes.Lines(log) {
		fields := bytes.Fields(line)
		if len(fields) < 6 {
			return nil, fmt.Errorf("pgbench's log has a line %q", line)
		}
		if us, err := strconv.ParseFloat(string(fields[2]), 64); err == nil {
			all = append(all, us/1000)
		}
	}
	return all, nil
}
