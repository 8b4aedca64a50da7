package bench

import (
	"fmt"
	"slices"
	"time"
)

// Spread sums up the rounds of one measurement. Medians, because a shared
// machine spoils single rounds; the range, because a median hides that.
type Spread struct {
	Median float64 `json:"median"`
	Min    float64 `json:"min"`
	Max    float64 `json:"max"`
	N      int     `json:"n"` // rounds; 0 says that nothing was measured
}

// spreadOf sums up values, in any order.
func spreadOf(values []float64) Spread {
	n := len(values)
	if n == 0 {
		return Spread{}
	}
	v := slices.Sorted(slices.Values(values))
	return Spread{Median: (v[(n-1)/2] + v[n/2]) / 2, Min: v[0], Max: v[n-1], N: n}
}

// format writes the median, and the range behind it when there is one.
func (s Spread) format(verb string) string {
	switch {
	case s.N == 0:
		return "–"
	case s.N == 1:
		return fmt.Sprintf(verb, s.Median)
	}
	return fmt.Sprintf(verb+" ["+verb+"–"+verb+"]", s.Median, s.Min, s.Max)
}

// quotients divides the rounds of a by those of b, round by round: both shared
// the machine's mood in each. Rounds missing on either side are left out.
func quotients(a, b map[int]float64) []float64 {
	var q []float64
	for round, x := range a {
		if y, ok := b[round]; ok && y > 0 {
			q = append(q, x/y)
		}
	}
	return q
}

// percentile gives the value that a share p of sorted values does not exceed.
func percentile[T any](sorted []T, p float64) T {
	var zero T
	if len(sorted) == 0 {
		return zero
	}
	return sorted[min(int(p*float64(len(sorted))), len(sorted)-1)]
}

// milliseconds is a duration as reports write it.
func milliseconds(d time.Duration) float64 { return float64(d) / float64(time.Millisecond) }
