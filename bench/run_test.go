package bench

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"os/signal"
	"slices"
	"syscall"
	"testing"
	"time"

	"github.com/pgroute/pgroute/internal/config"
	"github.com/pgroute/pgroute/internal/lab/labtest"
	"github.com/pgroute/pgroute/internal/serve"
)

// TestMain lets a copy of the test binary be pgroute: "serve --config FILE" is
// what benchmarks run it with.
func TestMain(m *testing.M) {
	if len(os.Args) == 4 && os.Args[1] == "serve" {
		if err := serveAs(os.Args[3]); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		return
	}
	os.Exit(m.Run())
}

func serveAs(path string) error {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM)
	defer stop()
	cfg, err := config.Read(config.Sources{Path: path})
	if err != nil {
		return err
	}
	app, err := serve.New(cfg, slog.New(slog.NewTextHandler(os.Stderr, nil)))
	if err != nil {
		return err
	}
	return app.Run(ctx)
}

// testSetup runs this binary as pgroute, with the PostgreSQL that tests run on.
func testSetup(t *testing.T) (context.Context, Setup) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 4*time.Minute)
	t.Cleanup(cancel)
	return ctx, Setup{Program: os.Args[0], Command: "test", PgBin: os.Getenv(labtest.PgBinVariable), Progress: t.Output()}
}

// TestOverheadRuns measures every target that is installed here. No time is
// judged: the machine may be doing anything.
func TestOverheadRuns(t *testing.T) {
	ctx, setup := testSetup(t)
	o := OverheadOptions{Modes: []string{"simple", "prepared"}, Clients: []int{2}, Rounds: 1, Duration: time.Second, Scale: 1, Standbys: 1, Idle: 50}
	r, err := Overhead(ctx, setup, o)
	if err != nil {
		t.Fatal(err)
	}
	var seen []string
	for _, run := range r.Runs {
		if run.Transactions == 0 || run.Failed != 0 || run.MedianMS <= 0 {
			t.Errorf("a run that did nothing: %+v", run)
		}
		if (run.CPUMicros > 0) != (run.Target != direct) {
			t.Errorf("%s used %v µs per query", run.Target, run.CPUMicros)
		}
		seen = append(seen, run.Target+" "+run.Mode)
	}
	for _, want := range []string{"direct simple", "direct prepared", "pgroute simple", "pgroute prepared"} {
		if !slices.Contains(seen, want) {
			t.Errorf("%s was not measured, only %q", want, seen)
		}
	}
	if len(r.Cells) != 2*len(r.Targets) || len(r.Idle) == 0 || r.Idle[0].Target != pgrouteName {
		t.Errorf("%d cells of %d targets, idle %+v", len(r.Cells), len(r.Targets), r.Idle)
	}
}

func TestReadScalingRuns(t *testing.T) {
	ctx, setup := testSetup(t)
	o := ReadScalingOptions{Standbys: 1, Pool: 2, Hold: 2 * time.Millisecond, Rounds: 1, Duration: 200 * time.Millisecond}
	r, err := ReadScaling(ctx, setup, o)
	if err != nil {
		t.Fatal(err)
	}
	if len(r.Steps) != 2 || r.Steps[0].ByNode["primary"] == 0 || r.Steps[1].ByNode["standby1"] == 0 {
		t.Errorf("got %+v", r.Steps)
	}
	if n := r.Steps[0].ByNode["standby1"]; n != 0 {
		t.Errorf("a standby that pgroute was not told of answered %d queries", n)
	}
}

func TestFailoverRuns(t *testing.T) {
	ctx, setup := testSetup(t)
	o := FailoverOptions{Standbys: 1, Rounds: 2, Clients: 2, Pause: time.Millisecond, Outage: 50 * time.Millisecond, Around: 300 * time.Millisecond}
	r, err := Failover(ctx, setup, o)
	if err != nil {
		t.Fatal(err)
	}
	for i, promoted := range []string{"standby1", "primary"} {
		f := r.Rounds[i]
		if f.Promoted != promoted || f.Acknowledged == 0 || f.Twice != 0 || f.KilledMS >= 0 {
			t.Errorf("round %d: %+v", i+1, f)
		}
	}
}

func TestStalenessRuns(t *testing.T) {
	ctx, setup := testSetup(t)
	r, err := Staleness(ctx, setup, StalenessOptions{Levels: []string{"session"}, Clients: 2, Pairs: 40, Standbys: 1})
	if err != nil {
		t.Fatal(err)
	}
	i := slices.IndexFunc(r.Results, func(s StalenessResult) bool { return s.Name == "pgroute session" })
	if i < 0 {
		t.Fatalf("got %+v", r.Results)
	}
	if own := r.Results[i].Own; own.Missed != 0 || own.Pairs != 40 {
		t.Errorf("a session missed its own write: %+v", own)
	}
}

// TestATargetAskedForMustBeThere: leaving it out in silence would look like a result.
func TestATargetAskedForMustBeThere(t *testing.T) {
	f := &front{name: "nobody", program: "pgroute-bench-no-such-program"}
	if _, _, err := f.find("pgroute"); err == nil {
		t.Error("found a program that does not exist")
	}
}

// TestAFrontThatEndsSaysWhy: a configuration it refuses must not look like a
// slow start.
func TestAFrontThatEndsSaysWhy(t *testing.T) {
	dir := t.TempDir()
	p, err := program{path: "/bin/sh", args: []string{"-c", "echo no such setting >&2; exit 3"}, dir: dir}.start()
	if err != nil {
		t.Fatal(err)
	}
	<-p.done
	if err := p.ended(); err == nil || err.Error() != "sh ended by itself: no such setting" {
		t.Errorf("got %v", err)
	}
}
