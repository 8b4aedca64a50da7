package bench

import (
	"fmt"
	"io"
	"strconv"

	"github.com/pgroute/pgroute/bench/plot"
)

// TargetInfo names a target and how it was set up.
type TargetInfo struct {
	Name    string `json:"name"`
	Version string `json:"version"`
	Note    string `json:"note"`
}

// OverheadRun is one run of pgbench through one target.
type OverheadRun struct {
	Target     string  `json:"target"`
	Mode       string  `json:"mode"`
	Clients    int     `json:"clients"`
	Round      int     `json:"round"`
	CPUMicros  float64 `json:"cpu_us_per_query"`  // 0 without a proxy
	UserMicros float64 `json:"user_us_per_query"` // the part outside the kernel
	Figures
}

// OverheadReport is the result of Overhead.
type OverheadReport struct {
	Header
	Options OverheadOptions `json:"options"`
	Targets []TargetInfo    `json:"targets"`
	Runs    []OverheadRun   `json:"runs"`
	Cells   []OverheadCell  `json:"summary"`
	Idle    []IdleResult    `json:"idle,omitempty"`

	refusals map[cellKey]string
}

// OverheadCell sums up the rounds of one target under one load. Ratios are taken
// within rounds.
type OverheadCell struct {
	Target     string `json:"target"`
	Mode       string `json:"mode"`
	Clients    int    `json:"clients"`
	TPS        Spread `json:"tps"`
	MedianMS   Spread `json:"median_ms"`
	P99MS      Spread `json:"p99_ms"`
	CPUMicros  Spread `json:"cpu_us_per_query"`
	UserMicros Spread `json:"user_us_per_query"`
	OfDirect   Spread `json:"tps_of_direct"`     // this target's throughput / direct's
	PgrouteCPU Spread `json:"pgroute_cpu_of"`    // pgroute's CPU per query / this target's
	PgrouteTPS Spread `json:"pgroute_tps_of"`    // pgroute's throughput / this target's
	PgrouteMid Spread `json:"pgroute_p50_of"`    // pgroute's median latency / this target's
	Refusal    string `json:"refusal,omitempty"` // why it was not measured
}

// summarise fills Cells from Runs, in the order of the options.
func (r *OverheadReport) summarise() {
	for _, mode := range r.Options.Modes {
		for _, clients := range r.Options.Clients {
			for _, t := range r.Targets {
				key := cellKey{t.Name, mode, clients}
				c := r.cell(key)
				c.Refusal = r.refusals[key]
				r.Cells = append(r.Cells, c)
			}
		}
	}
}

// cellKey names a cell.
type cellKey struct {
	target, mode string
	clients      int
}

func (r *OverheadReport) cell(k cellKey) OverheadCell {
	c := OverheadCell{Target: k.target, Mode: k.mode, Clients: k.clients}
	own, pgroute, base := r.rounds(k), r.rounds(cellKey{pgrouteName, k.mode, k.clients}), r.rounds(cellKey{direct, k.mode, k.clients})
	c.TPS = spreadOf(own.values(tps))
	c.MedianMS = spreadOf(own.values(median))
	c.P99MS = spreadOf(own.values(p99))
	c.OfDirect = spreadOf(quotients(own.by(tps), base.by(tps)))
	c.PgrouteTPS = spreadOf(quotients(pgroute.by(tps), own.by(tps)))
	c.PgrouteMid = spreadOf(quotients(pgroute.by(median), own.by(median)))
	if k.target != direct {
		c.CPUMicros = spreadOf(own.values(cpu))
		c.UserMicros = spreadOf(own.values(userTime))
		c.PgrouteCPU = spreadOf(quotients(pgroute.by(cpu), own.by(cpu)))
	}
	return c
}

// runs are those of one cell.
type runs []OverheadRun

func (r *OverheadReport) rounds(k cellKey) runs {
	var found runs
	for _, run := range r.Runs {
		if (cellKey{run.Target, run.Mode, run.Clients}) == k {
			found = append(found, run)
		}
	}
	return found
}

func tps(r OverheadRun) float64      { return r.TPS }
func median(r OverheadRun) float64   { return r.MedianMS }
func p99(r OverheadRun) float64      { return r.P99MS }
func cpu(r OverheadRun) float64      { return r.CPUMicros }
func userTime(r OverheadRun) float64 { return r.UserMicros }

func (rs runs) values(f func(OverheadRun) float64) []float64 {
	var v []float64
	for _, r := range rs {
		v = append(v, f(r))
	}
	return v
}

func (rs runs) by(f func(OverheadRun) float64) map[int]float64 {
	v := make(map[int]float64)
	for _, r := range rs {
		v[r.Round] = f(r)
	}
	return v
}

// WriteTable writes targets, cells and idle clients.
func (r *OverheadReport) WriteTable(w io.Writer) error {
	if err := r.write(w); err != nil {
		return err
	}
	fmt.Fprintf(w, "pgbench -S, scale %d, %d rounds of %v in turn, pool of %d; median [min–max]\n\n",
		r.Options.Scale, r.Options.Rounds, r.Options.Duration, r.Options.pool())
	rows := [][]string{{"target", "version", "set-up"}}
	for _, t := range r.Targets {
		rows = append(rows, []string{t.Name, t.Version, t.Note})
	}
	if err := table(w, rows); err != nil {
		return err
	}
	fmt.Fprintln(w)
	if err := table(w, r.cellRows()); err != nil {
		return err
	}
	return r.writeIdle(w)
}

func (r *OverheadReport) cellRows() [][]string {
	rows := [][]string{{"mode", "clients", "target", "CPU µs/query", "user", "tps", "of direct", "p50 ms", "p99 ms", "pgroute's CPU ÷", "pgroute's tps ÷", "pgroute's p50 ÷"}}
	for _, c := range r.Cells {
		row := []string{c.Mode, strconv.Itoa(c.Clients), c.Target}
		if c.Refusal != "" {
			rows = append(rows, append(row, "("+c.Refusal+")", "", "", "", "", "", "", "", ""))
			continue
		}
		rows = append(rows, append(row,
			c.CPUMicros.format("%.1f"), c.userText(), c.TPS.format("%.0f"), c.OfDirect.format("%.2f"), c.MedianMS.format("%.3f"), fmt.Sprintf("%.3f", c.P99MS.Median),
			c.PgrouteCPU.format("%.2f"), c.PgrouteTPS.format("%.2f"), c.PgrouteMid.format("%.2f")))
	}
	return rows
}

// userText is the median of the part outside the kernel.
func (c OverheadCell) userText() string {
	if c.UserMicros.N == 0 {
		return "–"
	}
	return fmt.Sprintf("%.1f", c.UserMicros.Median)
}

// Plots draws CPU per query and throughput against direct.
func (r *OverheadReport) Plots() map[string][]byte {
	subtitle := fmt.Sprintf("pgbench -S, %d rounds of %v in turn, median and range; %s, %d cores", r.Options.Rounds, r.Options.Duration, r.Machine.PostgreSQL, r.Machine.Cores)
	plots := map[string][]byte{
		"cpu":        r.bars("CPU of the proxy per query", subtitle, "µs per query", func(c OverheadCell) Spread { return c.CPUMicros }),
		"throughput": r.bars("Throughput against a direct connection", subtitle, "of direct", func(c OverheadCell) Spread { return c.OfDirect }),
	}
	if len(r.Idle) > 0 {
		plots["idle"] = r.idleBars()
	}
	return plots
}

// bars draws one value of all cells, a group per load and a colour per target.
func (r *OverheadReport) bars(title, subtitle, unit string, value func(OverheadCell) Spread) []byte {
	p := plot.Bars{Title: title, Subtitle: subtitle, YLabel: unit, XLabel: "protocol mode, clients"}
	for _, mode := range r.Options.Modes {
		for _, clients := range r.Options.Clients {
			p.Groups = append(p.Groups, mode+", "+strconv.Itoa(clients))
		}
	}
	for _, t := range r.plotted() {
		s := plot.Series{Name: t.Name + " (" + t.Version + ")"}
		for _, c := range r.Cells {
			if c.Target == t.Name {
				v := value(c)
				s.Bars = append(s.Bars, plot.Bar{Value: v.Median, Low: v.Min, High: v.Max, Missing: c.Refusal})
			}
		}
		p.Series = append(p.Series, s)
	}
	return p.SVG()
}

// plotted are the proxies, pgroute first; direct is what they are compared with.
func (r *OverheadReport) plotted() []TargetInfo {
	var shown []TargetInfo
	for _, t := range r.Targets {
		if t.Name != direct {
			shown = append(shown, t)
		}
	}
	return shown
}
