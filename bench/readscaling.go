package bench

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strconv"
	"sync"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/pgroute/pgroute/bench/plot"
)

// ReadScalingOptions say what to measure.
type ReadScalingOptions struct {
	Standbys int           `json:"standbys"` // measured with 0, 1, … up to this many
	Pool     int           `json:"pool"`     // server connections per node: what limits one
	Hold     time.Duration `json:"hold"`     // how long a query occupies its connection
	Clients  int           `json:"clients"`  // 0: twice what all standbys can serve at once
	Rounds   int           `json:"rounds"`
	Duration time.Duration `json:"duration"` // of one run
}

func (o ReadScalingOptions) validate() error {
	if o.Standbys < 1 || o.Pool < 1 || o.Hold < time.Millisecond || o.Clients < 0 || o.Rounds < 1 || o.Duration <= 0 {
		return errors.New("standbys, pool and rounds are at least 1, hold at least 1ms")
	}
	return nil
}

// clients is the same for every number of standbys, and enough for the most.
func (o ReadScalingOptions) clients() int {
	if o.Clients > 0 {
		return o.Clients
	}
	return 2 * o.Pool * o.Standbys
}

// ScalingRun is one run with some standbys.
type ScalingRun struct {
	Standbys int            `json:"standbys"`
	Round    int            `json:"round"`
	TPS      float64        `json:"tps"`
	ByNode   map[string]int `json:"by_node"` // queries that each node answered
}

// ScalingStep sums up the rounds with one number of standbys.
type ScalingStep struct {
	Standbys int            `json:"standbys"`
	TPS      Spread         `json:"tps"`
	Linear   Spread         `json:"of_linear"` // against that many times one standby's
	Capacity float64        `json:"capacity"`  // what the nodes' connections could serve at best
	ByNode   map[string]int `json:"by_node"`
}

// ReadScalingReport is the result of ReadScaling.
type ReadScalingReport struct {
	Header
	Options ReadScalingOptions `json:"options"`
	Clients int                `json:"clients"`
	Runs    []ScalingRun       `json:"runs"`
	Steps   []ScalingStep      `json:"summary"`
}

// ReadScaling measures how the throughput of reads grows with standbys when the
// nodes, not the machine, are the limit: every query holds its server
// connection for a fixed time, so that a node serves pool ÷ hold at most. On one
// machine nothing else can show it: N servers share its cores.
func ReadScaling(ctx context.Context, s Setup, o ReadScalingOptions) (*ReadScalingReport, error) {
	if err := o.validate(); err != nil {
		return nil, err
	}
	site, err := openSite(ctx, s, o.Standbys, nil)
	if err != nil {
		return nil, err
	}
	r := &ReadScalingReport{Header: s.header("read-scaling", site), Options: o, Clients: o.clients()}
	err = site.nameNodes(ctx)
	for round := range o.Rounds {
		for standbys := 0; standbys <= o.Standbys && err == nil; standbys++ {
			err = r.measure(ctx, site, standbys, round)
		}
	}
	r.summarise()
	return r, errors.Join(err, site.close())
}

// measure runs pgroute in front of the primary and the first so many standbys.
func (r *ReadScalingReport) measure(ctx context.Context, s *site, standbys, round int) error {
	t, err := s.start(ctx, pgrouteFront(), demand{nodes: s.lab.Nodes()[:standbys+1], pool: r.Options.Pool, clients: r.Clients + 10})
	if err != nil {
		return err
	}
	defer t.stop()
	run := ScalingRun{Standbys: standbys, Round: round, ByNode: make(map[string]int)}
	if err := r.read(ctx, t, &run); err != nil {
		return fmt.Errorf("reading with %d standbys: %w", standbys, err)
	}
	s.say("%d standbys, round %d: %.0f tps", standbys, round+1, run.TPS)
	r.Runs = append(r.Runs, run)
	return nil
}

// warmUp is how long clients run before their queries count: connections open,
// and every standby is found.
const warmUp = time.Second

// read runs the clients and counts what ends within the time.
func (r *ReadScalingReport) read(ctx context.Context, t *target, run *ScalingRun) error {
	from := time.Now().Add(warmUp)
	until := from.Add(r.Options.Duration)
	var mu sync.Mutex
	var errs []error
	var wg sync.WaitGroup
	for range r.Clients {
		wg.Go(func() {
			nodes, err := r.reader(ctx, t, from, until)
			mu.Lock()
			defer mu.Unlock()
			errs = append(errs, err)
			for node, n := range nodes {
				run.ByNode[node] += n
			}
		})
	}
	wg.Wait()
	var sum int
	for _, n := range run.ByNode {
		sum += n
	}
	run.TPS = float64(sum) / r.Options.Duration.Seconds()
	return errors.Join(errs...)
}

// reader asks until the time is over and counts answers by the node that gave
// them, which names itself.
func (r *ReadScalingReport) reader(ctx context.Context, t *target, from, until time.Time) (map[string]int, error) {
	conn, err := pgx.Connect(ctx, t.dsn())
	if err != nil {
		return nil, err
	}
	defer conn.Close(ctx)
	nodes := make(map[string]int)
	for {
		var node string
		err := conn.QueryRow(ctx, "SELECT bench_node() FROM pg_sleep($1)", r.Options.Hold.Seconds()).Scan(&node)
		now := time.Now()
		if err != nil || now.After(until) {
			return nodes, err
		}
		if now.After(from) {
			nodes[node]++
		}
	}
}

func (r *ReadScalingReport) summarise() {
	one := r.tps(1)
	for standbys := range r.Options.Standbys + 1 {
		own := r.tps(standbys)
		step := ScalingStep{Standbys: standbys, ByNode: make(map[string]int)}
		var all []float64
		for _, v := range own {
			all = append(all, v)
		}
		step.TPS = spreadOf(all)
		nodes := float64(max(1, standbys)) // without standbys the primary serves alone
		linear := quotients(own, one)
		for i := range linear {
			linear[i] /= nodes
		}
		step.Linear = spreadOf(linear)
		step.Capacity = nodes * float64(r.Options.Pool) / r.Options.Hold.Seconds()
		for _, run := range r.Runs {
			if run.Standbys == standbys {
				for node, n := range run.ByNode {
					step.ByNode[node] += n
				}
			}
		}
		r.Steps = append(r.Steps, step)
	}
}

func (r *ReadScalingReport) tps(standbys int) map[int]float64 {
	v := make(map[int]float64)
	for _, run := range r.Runs {
		if run.Standbys == standbys {
			v[run.Round] = run.TPS
		}
	}
	return v
}

// WriteTable writes a row per number of standbys.
func (r *ReadScalingReport) WriteTable(w io.Writer) error {
	if err := r.write(w); err != nil {
		return err
	}
	fmt.Fprintf(w, "%d clients, queries of %v, %d server connections per node, %d rounds of %v; median [min–max]\n\n",
		r.Clients, r.Options.Hold, r.Options.Pool, r.Options.Rounds, r.Options.Duration)
	rows := [][]string{{"standbys", "tps", "of linear", "of what the nodes can", "who answered"}}
	for _, s := range r.Steps {
		rows = append(rows, []string{
			strconv.Itoa(s.Standbys), s.TPS.format("%.0f"), s.Linear.format("%.2f"),
			fmt.Sprintf("%.2f", s.TPS.Median/s.Capacity), shares(s.ByNode, r.names()),
		})
	}
	return table(w, rows)
}

// names are the nodes' in order.
func (r *ReadScalingReport) names() []string {
	names := []string{"primary"}
	for i := range r.Options.Standbys {
		names = append(names, "standby"+strconv.Itoa(i+1))
	}
	return names
}

// Plots draws throughput over standbys, and the line it should follow.
func (r *ReadScalingReport) Plots() map[string][]byte {
	measured := plot.Line{Name: "measured (median)", Dots: true}
	linear := plot.Line{Name: "linear from one standby", Dashed: true}
	var one float64
	for _, s := range r.Steps {
		measured.Points = append(measured.Points, plot.Point{X: float64(s.Standbys), Y: s.TPS.Median})
		if s.Standbys == 1 {
			one = s.TPS.Median
		}
	}
	for n := 1; n <= r.Options.Standbys; n++ {
		linear.Points = append(linear.Points, plot.Point{X: float64(n), Y: one * float64(n)})
	}
	return map[string][]byte{"": plot.Lines{
		Title:    "Reads per second over standbys",
		Subtitle: fmt.Sprintf("nodes limited to %d connections, queries of %v, %d clients; without standbys the primary reads", r.Options.Pool, r.Options.Hold, r.Clients),
		YLabel:   "reads per second", XLabel: "standbys", Whole: true,
		Lines: []plot.Line{measured, linear},
	}.SVG()}
}

// shares writes who did how much, in the order of names.
func shares(byNode map[string]int, names []string) string {
	var sum int
	for _, n := range byNode {
		sum += n
	}
	var text string
	for _, name := range names {
		if n := byNode[name]; n > 0 {
			text += fmt.Sprintf("%s %.1f %%  ", name, 100*float64(n)/float64(sum))
		}
	}
	return text
}
