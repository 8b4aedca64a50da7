package bench

import (
	"slices"
	"testing"
)

func TestSpread(t *testing.T) {
	for _, c := range []struct {
		values []float64
		want   Spread
		text   string
	}{
		{nil, Spread{}, "–"},
		{[]float64{4}, Spread{4, 4, 4, 1}, "4.0"},
		{[]float64{3, 1, 2}, Spread{2, 1, 3, 3}, "2.0 [1.0–3.0]"},
		{[]float64{4, 1, 2, 3}, Spread{2.5, 1, 4, 4}, "2.5 [1.0–4.0]"},
	} {
		got := spreadOf(c.values)
		if got != c.want || got.format("%.1f") != c.text {
			t.Errorf("spread of %v is %+v, %q", c.values, got, got.format("%.1f"))
		}
	}
}

func TestQuotientsAreTakenWithinRounds(t *testing.T) {
	got := quotients(map[int]float64{0: 10, 1: 40, 2: 5}, map[int]float64{0: 5, 1: 10, 3: 1})
	slices.Sort(got)
	if !slices.Equal(got, []float64{2, 4}) {
		t.Errorf("got %v", got)
	}
	if got := quotients(map[int]float64{0: 1}, map[int]float64{0: 0}); got != nil {
		t.Errorf("divided by nothing: %v", got)
	}
}

func TestPercentile(t *testing.T) {
	v := []int{1, 2, 3, 4, 5, 6, 7, 8, 9, 10}
	for p, want := range map[float64]int{0: 1, 0.5: 6, 0.95: 10, 1: 10} {
		if got := percentile(v, p); got != want {
			t.Errorf("percentile %v is %d, not %d", p, got, want)
		}
	}
	if got := percentile([]int(nil), 0.5); got != 0 {
		t.Errorf("percentile of nothing is %d", got)
	}
}
