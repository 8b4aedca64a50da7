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

	Other string `help:"Another build of pgroute to compare with, as target pgroute-other." type:"existingfile" placeholder:"FILE"`

	Overhead    benchOverhead  `cmd:"" help:"CPU per query, throughput, latency and memory per idle client, against direct and every proxy installed."`
	ReadScaling benchScaling   `cmd:"" help:"Throughput of reads over 0 to N standbys, of nodes limited by their connections."`
	Failover    benchFailover  `cmd:"" help:"Kill the primary under load, promote a standby: gap until the first write, errors by SQLSTATE."`
	Staleness   benchStaleness `cmd:"" help:"Reads that miss the write just before them, and reads on standbys, by consistency level."`
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
	Targets  []string      `help:"direct, pgroute, pgbouncer, pgbouncer-session, haproxy, pgpool, pgroute-other (default: all installed)."`
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

// benchScaling is `pgroute bench read-scaling`.
type benchScaling struct {
	Standbys int           `default:"3" help:"Measured with 0 to so many standbys."`
	Pool     int           `default:"4" help:"Server connections per node: what limits a node."`
	Hold     time.Duration `default:"20ms" help:"How long a query holds its server connection."`
	Clients  int           `help:"Clients (default: twice what all standbys can serve at once)."`
	Rounds   int           `default:"3" help:"Rounds over all numbers of standbys."`
	Duration time.Duration `default:"5s" help:"Length of one run."`
}

// Run measures and writes the report.
func (c *benchScaling) Run(ctx context.Context, parent *BenchCmd) error {
	setup, err := parent.setup()
	if err != nil {
		return err
	}
	r, err := bench.ReadScaling(ctx, setup, bench.ReadScalingOptions{
		Standbys: c.Standbys, Pool: c.Pool, Hold: c.Hold, Clients: c.Clients, Rounds: c.Rounds, Duration: c.Duration,
	})
	if err != nil {
		return err
	}
	return parent.save(r)
}

// benchFailover is `pgroute bench failover`.
type benchFailover struct {
	Standbys int           `default:"2" help:"Number of standbys."`
	Rounds   int           `default:"5" help:"Failovers, one after the other; the old primary comes back by pg_rewind."`
	Clients  int           `default:"8" help:"Clients of each kind: single writes, transactions, reads."`
	Pause    time.Duration `default:"2ms" help:"Pause of a client between two operations."`
	Outage   time.Duration `default:"500ms" help:"Time from the primary's death to the order to promote."`
	Around   time.Duration `default:"2s" help:"How long clients run before and after."`
	Sync     bool          `help:"Quorum synchronous replication."`
	Planned  bool          `help:"Stop the primary in fast mode instead of killing it."`
}

// Run measures and writes the report.
func (c *benchFailover) Run(ctx context.Context, parent *BenchCmd) error {
	setup, err := parent.setup()
	if err != nil {
		return err
	}
	r, err := bench.Failover(ctx, setup, bench.FailoverOptions{
		Standbys: c.Standbys, Rounds: c.Rounds, Clients: c.Clients, Pause: c.Pause,
		Outage: c.Outage, Around: c.Around, Sync: c.Sync, Planned: c.Planned,
	})
	if err != nil {
		return err
	}
	return parent.save(r)
}

// benchStaleness is `pgroute bench staleness`.
type benchStaleness struct {
	Levels   []string `default:"eventual,session,proxy,strong" help:"Consistency levels."`
	Clients  int      `default:"8" help:"Concurrent clients."`
	Pairs    int      `default:"8000" help:"Pairs of a write and a read, over all clients, for each level."`
	Standbys int      `default:"2" help:"Number of standbys."`
}

// Run measures and writes the report.
func (c *benchStaleness) Run(ctx context.Context, parent *BenchCmd) error {
	setup, err := parent.setup()
	if err != nil {
		return err
	}
	r, err := bench.Staleness(ctx, setup, bench.StalenessOptions{
		Levels: c.Levels, Clients: c.Clients, Pairs: c.Pairs, Standbys: c.Standbys,
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
		Program: program, PgBin: c.PgBin, Other: c.Other, Progress: os.Stderr,
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
