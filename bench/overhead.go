package bench

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"time"

	"github.com/pgroute/pgroute/bench/procfs"
)

// OverheadOptions say what to measure.
type OverheadOptions struct {
	Modes    []string      `json:"modes"`    // simple, extended, prepared
	Clients  []int         `json:"clients"`  // each one a run of its own
	Targets  []string      `json:"targets"`  // by name; none: all installed
	Rounds   int           `json:"rounds"`   // each target once per round, in turn
	Duration time.Duration `json:"duration"` // of one run, whole seconds
	Pool     int           `json:"pool"`     // server connections; 0: as many as clients, at least 20
	Scale    int           `json:"scale"`    // of pgbench's tables
	Standbys int           `json:"standbys"` // at least 1, or nothing is split
	Idle     int           `json:"idle"`     // idle clients for the memory of one; 0: not measured
}

// mostFronts bounds how many fronts share the servers.
const mostFronts = 6

// defaultPool is pgroute's and PgBouncer's own.
const defaultPool = 20

// pool is the number of server connections every front may have per node.
func (o OverheadOptions) pool() int {
	if o.Pool > 0 {
		return o.Pool
	}
	return max(defaultPool, slices.Max(o.Clients))
}

func (o OverheadOptions) validate() error {
	switch {
	case len(o.Modes) == 0 || len(o.Clients) == 0 || slices.Min(o.Clients) < 1:
		return errors.New("at least one mode and one number of clients are needed")
	case o.Rounds < 1 || o.Duration < time.Second || o.Scale < 1 || o.Idle < 0 || o.Pool < 0:
		return errors.New("rounds, seconds and scale are at least 1, idle and pool not negative")
	}
	for _, mode := range o.Modes {
		if mode != "simple" && mode != "extended" && mode != "prepared" {
			return fmt.Errorf("mode is simple, extended or prepared, not %q", mode)
		}
	}
	return nil
}

// checkTargets finds names that nothing bears.
func (o OverheadOptions) checkTargets(known []*front) error {
	for _, name := range o.Targets {
		if name != direct && !slices.ContainsFunc(known, func(f *front) bool { return f.name == name }) {
			return fmt.Errorf("there is no target %q", name)
		}
	}
	return nil
}

// wants tells whether a target was asked for.
func (o OverheadOptions) wants(name string) bool {
	return len(o.Targets) == 0 || slices.Contains(o.Targets, name)
}

// fronts are all that can be compared, pgroute first.
func (s Setup) fronts() []*front {
	all := []*front{pgrouteFront(), pgbouncerFront(), pgbouncerSessionFront(), haproxyFront(), pgpoolFront()}
	if s.Other != "" {
		all = append(all, otherFront(s.Other))
	}
	return all
}

// Overhead measures what each target costs, in turn, and the memory of an idle
// client of those that pool.
func Overhead(ctx context.Context, s Setup, o OverheadOptions) (*OverheadReport, error) {
	if err := errors.Join(o.validate(), o.checkTargets(s.fronts())); err != nil {
		return nil, err
	}
	site, err := openSite(ctx, s, o.Standbys, map[string]string{"max_connections": strconv.Itoa(o.connections())})
	if err != nil {
		return nil, err
	}
	r := &OverheadReport{refusals: make(map[cellKey]string), Options: o, Header: s.header("overhead", site)}
	err = r.measure(ctx, site)
	return r, errors.Join(err, site.close())
}

// connections is what the servers must admit: a pool of every target, and some
// for replication, probes and ourselves.
func (o OverheadOptions) connections() int {
	return (mostFronts+1)*(o.pool()+2) + 50
}

func (r *OverheadReport) measure(ctx context.Context, s *site) error {
	if err := s.initialise(ctx, r.Options.Scale); err != nil {
		return err
	}
	targets, err := s.startTargets(ctx, r.Options)
	defer func() {
		for _, t := range targets {
			t.stop()
		}
	}()
	if err != nil {
		return err
	}
	for _, t := range targets {
		r.Targets = append(r.Targets, TargetInfo{Name: t.name, Version: t.version, Note: t.note})
	}
	for _, mode := range r.Options.Modes {
		for _, clients := range r.Options.Clients {
			if err := r.measureCell(ctx, s, targets, mode, clients); err != nil {
				return err
			}
		}
	}
	r.summarise()
	return r.measureIdle(ctx, s)
}

// able gives the targets that can carry a load, and notes why the others cannot.
func (r *OverheadReport) able(targets []*target, mode string, clients int) []*target {
	var can []*target
	for _, t := range targets {
		if why := t.refusal(mode, clients); why != "" {
			r.refusals[cellKey{t.name, mode, clients}] = why
			continue
		}
		can = append(can, t)
	}
	return can
}

// startTargets starts all that are wanted and installed. One that was asked for
// by name and is missing is an error.
func (s *site) startTargets(ctx context.Context, o OverheadOptions) ([]*target, error) {
	var targets []*target
	if o.wants(direct) {
		targets = append(targets, s.directTarget())
	}
	for _, f := range s.fronts() {
		if !o.wants(f.name) {
			continue
		}
		t, err := s.start(ctx, f, demand{nodes: s.lab.Nodes(), pool: o.pool(), clients: o.pool() + slices.Max(o.Clients)})
		if errors.Is(err, errMissing) && len(o.Targets) == 0 {
			s.say("%s: not installed, left out", f.name)
			continue
		}
		if err != nil {
			return targets, err
		}
		targets = append(targets, t)
	}
	return targets, nil
}

// measureCell runs one mode with one number of clients: a short run of every
// target to open connections and fill caches, then the rounds. The order moves
// on from round to round, so that nobody always follows the same neighbour.
func (r *OverheadReport) measureCell(ctx context.Context, s *site, targets []*target, mode string, clients int) error {
	targets = r.able(targets, mode, clients)
	l := load{mode: mode, clients: clients, duration: time.Second}
	for _, t := range targets {
		l.port = t.port
		if _, err := s.runLoad(ctx, l); err != nil {
			return fmt.Errorf("%s: %w", t.name, err)
		}
	}
	l.duration = r.Options.Duration
	for round := range r.Options.Rounds {
		for i := range targets {
			t := targets[(i+round)%len(targets)]
			run, err := s.measureRun(ctx, t, l)
			if err != nil {
				return fmt.Errorf("%s: %w", t.name, err)
			}
			run.Round = round
			s.say("%-8s %3d clients, round %d: %-17s %8.0f tps %6.2f µs", mode, clients, round+1, t.name, run.TPS, run.CPUMicros)
			r.Runs = append(r.Runs, run)
		}
	}
	return nil
}

// measureRun runs a load and divides the CPU time the target used meanwhile by
// the transactions done. One transaction of pgbench -S is one query.
func (s *site) measureRun(ctx context.Context, t *target, l load) (OverheadRun, error) {
	l.port = t.port
	before, err := t.cpu()
	if err != nil {
		return OverheadRun{}, err
	}
	f, err := s.runLoad(ctx, l)
	if err != nil {
		return OverheadRun{}, err
	}
	after, err := t.cpu()
	if err != nil {
		return OverheadRun{}, err
	}
	used, n := after.Sub(before), float64(f.Transactions)
	return OverheadRun{
		Target: t.name, Mode: l.mode, Clients: l.clients, Figures: f,
		CPUMicros: float64(used.Total().Microseconds()) / n, UserMicros: float64(used.User.Microseconds()) / n,
	}, nil
}

// cpu is the CPU time of all the target's processes; the primary has none that
// a proxy's could be compared with.
func (t *target) cpu() (procfs.Times, error) {
	if t.process == nil {
		return procfs.Times{}, nil
	}
	return procfs.CPU(t.process.pid)
}
