package main

import (
	"context"
	"fmt"
	"os"
	"strings"
	"time"

	"github.com/alecthomas/kong"

	"github.com/pgroute/pgroute/bench"
)

// BenchCmd is `pgroute bench`.
type BenchCmd struct {
	Out   string `help:"Directory for JSON and plots; \"\" for none." default:"bench-results" placeholder:"DIR"`
	PgBin string `help:"Directory of PostgreSQL's programs (default: the newest found)." placeholder:"DIR"`

	Overhead benchOverhead `cmd:"" help:"CPU per query, throughput, latency and memory per idle client, against direct and every proxy installed."`
}

// AfterApply hands the command itself, and so its flags, to the sub-commands.
func (c *BenchCmd) AfterApply(k *kong.Context) error {
	k.Bind(c)
	return nil
}

// benchOverhead is `pgroute bench overhead`.
type benchOverhead struct {
	Modes    []string      `default:"simple,extended,prepared" help:"Protocol modes of pgbench."`
	Clients  []int         `default:"1,16,100" help:"Numbers of clients."`
	Targets  []string      `help:"direct, pgroute, pgbouncer, pgbouncer-session, haproxy, pgpool (default: all installed)."`
	Rounds   int           `default:"5" help:"Rounds; each target takes its turn in each."`
	Duration time.Duration `default:"5s" help:"Length of one run, in whole seconds."`
	Pool     int           `help:"Server connections of every proxy (default: as many as clients, at least 20)."`
	Scale    int           `default:"10" help:"Scale of pgbench's tables."`
	Standbys int           `default:"1" help:"Number of standbys."`
	Idle     int           `default:"5000" help:"Idle clients to measure the memory of one; 0: not measured."`
}

// Run measures and writes the report.
func (c *benchOverhead) Run(ctx context.Context, parent *BenchCmd) error {
	setup, err := parent.setup()
	if err != nil {
		return err
	}
	r, err := bench.Overhead(ctx, setup, bench.OverheadOptions{
		Modes: c.Modes, Clients: c.Clients, Targets: c.Targets, Rounds: c.Rounds, Duration: c.Duration,
		Pool: c.Pool, Scale: c.Scale, Standbys: c.Standbys, Idle: c.Idle,
	})
	if err != nil {
		return err
	}
	return parent.save(r)
}

// setup is what all benchmarks share. Progress goes to stderr, the table to
// stdout.
func (c *BenchCmd) setup() (bench.Setup, error) {
	program, err := os.Executable()
	if err != nil {
		return bench.Setup{}, fmt.Errorf("find pgroute's own binary: %w", err)
	}
	return bench.Setup{
		Program: program, PgBin: c.PgBin, Progress: os.Stderr,
		Command: "pgroute " + strings.Join(os.Args[1:], " "),
	}, nil
}

func (c *BenchCmd) save(r bench.Report) error {
	files, err := bench.Save(os.Stdout, c.Out, r)
	for _, f := range files {
		fmt.Fprintln(os.Stderr, "wrote", f)
	}
	return err
}
