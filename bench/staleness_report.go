package bench

import (
	"fmt"
	"io"

	"github.com/pgroute/pgroute/bench/plot"
)

// WriteTable writes a row per way to read.
func (r *StalenessReport) WriteTable(w io.Writer) error {
	if err := r.write(w); err != nil {
		return err
	}
	fmt.Fprintf(w, "%d clients, %d pairs of an insert and a select at once after it; own: by the same session, across: by another session\n\n", r.Options.Clients, r.Options.Pairs)
	rows := [][]string{{"", "missed, own", "missed, across", "on standbys, own", "on standbys, across", "read p50 ms, own", "p99", "read p50 ms, across", "p99", ""}}
	for _, s := range r.Results {
		rows = append(rows, []string{
			s.Name, s.Own.missedText(), s.Across.missedText(), percent(s.Own.StandbyShare), percent(s.Across.StandbyShare),
			fmt.Sprintf("%.3f", s.Own.ReadMedianMS), fmt.Sprintf("%.3f", s.Own.ReadP99MS),
			fmt.Sprintf("%.3f", s.Across.ReadMedianMS), fmt.Sprintf("%.3f", s.Across.ReadP99MS), s.Note,
		})
	}
	return table(w, rows)
}

func (p PairResult) missedText() string {
	return fmt.Sprintf("%d (%s)", p.Missed, percent(p.missedShare()))
}

func (p PairResult) missedShare() float64 {
	if p.Pairs == 0 {
		return 0
	}
	return float64(p.Missed) / float64(p.Pairs)
}

func percent(share float64) string { return fmt.Sprintf("%.1f %%", 100*share) }

// Plots draws the shares that missed and that standbys carried.
func (r *StalenessReport) Plots() map[string][]byte {
	p := plot.Bars{
		Title:    "Reads at once after a write: missed, and carried by standbys",
		Subtitle: fmt.Sprintf("%d clients, %d pairs each way; %s", r.Options.Clients, r.Options.Pairs, r.Machine.PostgreSQL),
		YLabel:   "% of reads",
	}
	series := []struct {
		name  string
		value func(StalenessResult) float64
	}{
		{"carried by standbys, own session", func(s StalenessResult) float64 { return s.Own.StandbyShare }},
		{"carried by standbys, other session", func(s StalenessResult) float64 { return s.Across.StandbyShare }},
		{"missed the write, own session", func(s StalenessResult) float64 { return s.Own.missedShare() }},
		{"missed the write, other session", func(s StalenessResult) float64 { return s.Across.missedShare() }},
	}
	for _, s := range r.Results {
		p.Groups = append(p.Groups, s.Name)
	}
	for _, line := range series {
		out := plot.Series{Name: line.name}
		for _, s := range r.Results {
			out.Bars = append(out.Bars, plot.Bar{Value: 100 * line.value(s)})
		}
		p.Series = append(p.Series, out)
	}
	return map[string][]byte{"": p.SVG()}
}
