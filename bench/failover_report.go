package bench

import (
	"fmt"
	"io"
	"maps"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/pgroute/pgroute/bench/plot"
)

// errors counts all errors of a round.
func (f *FailoverRound) errors() int {
	var sum int
	for _, n := range f.Errors {
		sum += n
	}
	return sum
}

// WriteTable writes a row per failover and the errors by SQLSTATE.
func (r *FailoverReport) WriteTable(w io.Writer) error {
	if err := r.write(w); err != nil {
		return err
	}
	o := r.Options
	fmt.Fprintf(w, "%d writers, %d clients with transactions, %d readers, each %v after its last operation; primary %s, promotion ordered %v later; synchronous replication: %v\n\n",
		o.Clients, o.Clients, o.Clients, o.Pause, r.ending(), o.Outage, o.Sync)
	rows := [][]string{{"promoted", "first write executed", "acknowledged", "known to", "longest read pause", "operations", "errors", "dropped connections", "acknowledged rows", "lost", "executed twice"}}
	for _, f := range r.Rounds {
		rows = append(rows, []string{
			f.Promoted, ms(f.GapMS), ms(f.AckedMS), ms(f.PrecisionMS), ms(f.ReadPauseMS), strconv.Itoa(f.Operations),
			strconv.Itoa(f.errors()), strconv.Itoa(f.Dropped), strconv.Itoa(f.Acknowledged), strconv.Itoa(f.Lost), strconv.Itoa(f.Twice),
		})
	}
	if err := table(w, rows); err != nil {
		return err
	}
	fmt.Fprintf(w, "\ngap from promotion to first write executed, ms: %s\nto first write acknowledged, ms: %s\nerrors: %s\n", r.Gap.format("%.0f"), r.Acked.format("%.0f"), r.errorText())
	return nil
}

func ms(v float64) string { return fmt.Sprintf("%.1f ms", v) }

func (r *FailoverReport) ending() string {
	if r.Options.Planned {
		return "stopped in fast mode"
	}
	return "killed"
}

// errorText sums errors over all rounds, by kind of client and SQLSTATE.
func (r *FailoverReport) errorText() string {
	sum := make(map[string]int)
	for _, f := range r.Rounds {
		for name, n := range f.Errors {
			sum[name] += n
		}
	}
	var parts []string
	for _, name := range slices.Sorted(maps.Keys(sum)) {
		parts = append(parts, fmt.Sprintf("%s: %d", name, sum[name]))
	}
	if len(parts) == 0 {
		return "none"
	}
	return strings.Join(parts, ", ")
}

// bucket is the resolution of the plot.
const bucket = 25 * time.Millisecond

// Plots draws what succeeded in the last round over time.
func (r *FailoverReport) Plots() map[string][]byte {
	if len(r.Rounds) == 0 {
		return nil
	}
	last := r.Rounds[len(r.Rounds)-1]
	return map[string][]byte{"": plot.Lines{
		Title:    "A failover as clients see it",
		Subtitle: fmt.Sprintf("operations that succeeded per %v, last of %d rounds; primary %s; %s", bucket, len(r.Rounds), r.ending(), r.Machine.PostgreSQL),
		YLabel:   fmt.Sprintf("per %v", bucket), XLabel: "milliseconds since the promotion",
		Lines: []plot.Line{r.rate(reader, "reads"), r.rate(writer, "writes"), r.rate(transaction, "transactions")},
		Marks: []plot.Mark{
			{X: last.KilledMS, Note: "primary " + strings.Fields(r.ending())[0]},
			{X: 0, Note: "promoted"},
			{X: last.GapMS, Note: "first write"},
		},
	}.SVG()}
}

// rate counts the operations of a kind that succeeded, by bucket.
func (r *FailoverReport) rate(k kind, name string) plot.Line {
	counts := make(map[int]int)
	low, high := 0, 0
	for _, o := range r.last {
		// Rounded down also below zero, where the time before the promotion is.
		slot := int(math.Floor(float64(o.at) / float64(bucket)))
		low, high = min(low, slot), max(high, slot)
		if o.kind == k && o.ok {
			counts[slot]++
		}
	}
	line := plot.Line{Name: name}
	for slot := low; slot <= high; slot++ {
		x := float64(slot) * milliseconds(bucket)
		line.Points = append(line.Points, plot.Point{X: x, Y: float64(counts[slot])})
	}
	return line
}
