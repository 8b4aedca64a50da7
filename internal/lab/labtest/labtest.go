// Package labtest gives tests a real PostgreSQL cluster on free ports, stopped
// and deleted when they end. A missing PostgreSQL fails the test; it never skips.
//
// A cluster with two standbys takes about a second to come up. Packages may run
// in parallel, and tests of one package too. A package whose tests can share a
// cluster starts one in TestMain through Shared.
package labtest

import (
	"context"
	"fmt"
	"maps"
	"os"
	"testing"
	"time"

	"github.com/pgroute/pgroute/internal/lab"
)

const (
	startLimit = time.Minute
	// sweepAge is how old a crashed test's directory must be before it is
	// removed: no test starts a lab for that long.
	sweepAge = 5 * time.Minute
	prefix   = "pgroute-labtest-"
)

// PgBinVariable names the environment variable that runs all tests against
// another PostgreSQL version: the directory of its programs.
const PgBinVariable = "PGROUTE_TEST_PG_BIN"

// Start starts a cluster for the test. Of o only Dir is ignored; BasePort 0
// takes free ports.
func Start(t testing.TB, o lab.Options) *lab.Lab {
	t.Helper()
	l, err := start(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if t.Failed() {
			logNodes(t, l)
		}
		if err := stop(l); err != nil {
			t.Error(err)
		}
	})
	return l
}

// Shared starts a cluster, hands it to use, runs the tests, and stops it. It
// returns the status for os.Exit.
func Shared(m *testing.M, o lab.Options, use func(*lab.Lab)) int {
	l, err := start(context.Background(), o)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	use(l)
	code := m.Run()
	if err := stop(l); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	return code
}

func start(ctx context.Context, o lab.Options) (*lab.Lab, error) {
	ctx, cancel := context.WithTimeout(ctx, startLimit)
	defer cancel()
	for _, pattern := range patterns() {
		if err := lab.Sweep(ctx, pattern, sweepAge); err != nil {
			return nil, err
		}
	}
	dir, err := os.MkdirTemp(lab.ScratchDir(), prefix+"*")
	if err != nil {
		return nil, err
	}
	o.Dir = dir
	o.Conf = testSettings(o.Conf)
	if o.PgBin == "" {
		o.PgBin = os.Getenv(PgBinVariable)
	}
	l, err := lab.Start(ctx, o)
	if err != nil {
		os.RemoveAll(dir)
	}
	return l, err
}

// testSettings are smaller than a lab's, several of which run at once.
func testSettings(own map[string]string) map[string]string {
	conf := map[string]string{"shared_buffers": "16MB"}
	maps.Copy(conf, own)
	return conf
}

// stop ends the lab with a limit of its own: the test's context is over by now.
func stop(l *lab.Lab) error {
	ctx, cancel := context.WithTimeout(context.Background(), startLimit)
	defer cancel()
	err := l.Stop(ctx)
	if removeErr := os.RemoveAll(l.Dir); err == nil {
		err = removeErr
	}
	return err
}

// logNodes shows the end of every server's log with a failed test.
func logNodes(t testing.TB, l *lab.Lab) {
	const most = 3000
	for _, n := range l.Nodes() {
		content, err := os.ReadFile(n.LogFile())
		if err != nil {
			t.Logf("%s: %v", n.Name, err)
			continue
		}
		t.Logf("log of %s:\n%s", n.Name, content[max(0, len(content)-most):])
	}
}
