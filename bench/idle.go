package bench

import (
	"context"
	"fmt"
	"io"
	"slices"
	"strconv"
	"time"

	"github.com/pgroute/pgroute/bench/plot"
	"github.com/pgroute/pgroute/bench/procfs"
)

// IdleResult is what idle clients cost a target.
type IdleResult struct {
	Target         string  `json:"target"`
	Version        string  `json:"version"`
	Clients        int     `json:"clients"`
	BytesPerClient float64 `json:"bytes_per_client"` // growth of PSS over the clients
	BaseBytes      int64   `json:"base_bytes"`       // PSS with a few clients
	TPSAlone       float64 `json:"tps_alone"`        // of active clients without idle ones, 0 when not measured
	TPSAmong       float64 `json:"tps_among"`        // of the same among the idle ones
	CPUAlone       float64 `json:"cpu_us_per_query_alone"`
	CPUAmong       float64 `json:"cpu_us_per_query_among"`
	Note           string  `json:"note,omitempty"`
}

const (
	// firstClients are connected before the base is taken: what a process
	// allocates for its first clients it allocates once.
	firstClients = 100
	// activeClients run queries among the idle ones.
	activeClients = 16
	// openLimit bounds connecting all idle clients.
	openLimit = 2 * time.Minute
)

// measureIdle measures the memory of an idle client in processes started for
// that, and whether the idle slow the active. HAProxy and session pooling are
// left out: they need a server for every client that has ever asked anything.
func (r *OverheadReport) measureIdle(ctx context.Context, s *site) error {
	if r.Options.Idle == 0 {
		return nil
	}
	if err := raiseFileLimit(); err != nil {
		return err
	}
	for _, t := range r.Targets {
		i := slices.IndexFunc(s.fronts(), func(f *front) bool { return f.name == t.Name })
		if i < 0 || t.Name == "haproxy" || t.Name == "pgbouncer-session" {
			continue
		}
		measure := s.idleClients
		if t.Name == "pgpool" {
			measure = s.idleProcesses
		}
		result, err := measure(ctx, s.fronts()[i], r.Options)
		if err != nil {
			return fmt.Errorf("idle clients of %s: %w", t.Name, err)
		}
		s.say("%-17s %7.0f bytes per idle client", t.Name, result.BytesPerClient)
		r.Idle = append(r.Idle, result)
	}
	return nil
}

// idleClients opens clients that have each run one query, takes the growth of
// the process, and lets others work among them, then alone.
func (s *site) idleClients(ctx context.Context, f *front, o OverheadOptions) (IdleResult, error) {
	t, err := s.start(ctx, f, demand{nodes: s.lab.Nodes(), pool: o.pool(), clients: o.Idle + firstClients + activeClients + 10})
	if err != nil {
		return IdleResult{}, err
	}
	defer t.stop()
	var crowd crowd
	defer crowd.close()
	if err := crowd.open(ctx, t.port, firstClients); err != nil {
		return IdleResult{}, err
	}
	base, err := t.settledMemory(ctx)
	if err != nil {
		return IdleResult{}, err
	}
	if err := crowd.open(ctx, t.port, o.Idle); err != nil {
		return IdleResult{}, err
	}
	full, err := t.settledMemory(ctx)
	if err != nil {
		return IdleResult{}, err
	}
	r := IdleResult{Target: t.name, Version: t.version, Clients: o.Idle, BaseBytes: base, BytesPerClient: float64(full-base) / float64(o.Idle)}
	return r, s.idleAndActive(ctx, t, &crowd, o.Duration, &r)
}

// idleAndActive runs the same load among the idle clients and after they left.
func (s *site) idleAndActive(ctx context.Context, t *target, c *crowd, d time.Duration, r *IdleResult) error {
	l := load{port: t.port, mode: "simple", clients: activeClients, duration: time.Second}
	if _, err := s.runLoad(ctx, l); err != nil { // opens connections
		return err
	}
	l.duration = d
	among, err := s.measureRun(ctx, t, l)
	if err != nil {
		return err
	}
	c.close()
	alone, err := s.measureRun(ctx, t, l)
	r.TPSAmong, r.CPUAmong = among.TPS, among.CPUMicros
	r.TPSAlone, r.CPUAlone = alone.TPS, alone.CPUMicros
	return err
}

// idleProcesses is for a target with a process per client: what one costs is
// there before the client comes.
func (s *site) idleProcesses(ctx context.Context, f *front, o OverheadOptions) (IdleResult, error) {
	t, err := s.start(ctx, f, demand{nodes: s.lab.Nodes(), pool: o.pool(), clients: o.pool()})
	if err != nil {
		return IdleResult{}, err
	}
	defer t.stop()
	var crowd crowd
	defer crowd.close()
	if err := crowd.open(ctx, t.port, o.pool()); err != nil {
		return IdleResult{}, err
	}
	bytes, err := t.settledMemory(ctx)
	if err != nil {
		return IdleResult{}, err
	}
	return IdleResult{
		Target: t.name, Version: t.version, Clients: o.pool(), BytesPerClient: float64(bytes) / float64(o.pool()),
		Note: "all processes, divided by clients",
	}, nil
}

// settledMemory reads PSS until two readings half a second apart differ by less
// than a hundredth: kernel and garbage collector take their time.
func (t *target) settledMemory(ctx context.Context) (int64, error) {
	ctx, cancel := context.WithTimeout(ctx, readyLimit)
	defer cancel()
	var last, now int64
	err := poll(ctx, 500*time.Millisecond, func() (bool, error) {
		m, err := procfs.MemoryOf(t.process.pid)
		last, now = now, m.PSS
		return err == nil && max(last, now)-min(last, now) < now/100, err
	})
	return now, err
}

// writeIdle writes the table of idle clients.
func (r *OverheadReport) writeIdle(w io.Writer) error {
	if len(r.Idle) == 0 {
		return nil
	}
	fmt.Fprintf(w, "\nidle clients, each of which ran one query; then %d active ones, simple protocol, among them and alone\n\n", activeClients)
	rows := [][]string{{"target", "idle clients", "bytes per client", "process before", "tps among ÷ alone", "CPU µs/query among, alone"}}
	for _, i := range r.Idle {
		row := []string{i.Target, strconv.Itoa(i.Clients), fmt.Sprintf("%.0f", i.BytesPerClient)}
		if i.TPSAlone > 0 {
			row = append(row, fmt.Sprintf("%.1f MiB", float64(i.BaseBytes)/(1<<20)), fmt.Sprintf("%.2f", i.TPSAmong/i.TPSAlone), fmt.Sprintf("%.1f, %.1f", i.CPUAmong, i.CPUAlone))
		}
		rows = append(rows, append(row, i.Note))
	}
	return table(w, rows)
}

// idleBars draws kilobytes per client; a process per client would dwarf the
// others and is left to the table.
func (r *OverheadReport) idleBars() []byte {
	p := plot.Bars{Title: "Memory per idle client", Subtitle: "growth of the process over its clients; " + r.Machine.PostgreSQL, YLabel: "KiB", XLabel: "connected clients"}
	for _, i := range r.Idle {
		if i.Note != "" {
			continue
		}
		p.Groups = []string{strconv.Itoa(i.Clients)}
		p.Series = append(p.Series, plot.Series{
			Name: i.Target + " (" + i.Version + ")", Bars: []plot.Bar{{Value: i.BytesPerClient / 1024}},
		})
	}
	return p.SVG()
}
