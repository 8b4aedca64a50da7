package plot

import (
	"math"
	"strconv"
)

// scale maps values of one axis to positions on the canvas.
type scale struct {
	low, high float64 // values at the two ends
	from, to  float64 // positions of the two ends
}

func (s scale) at(v float64) float64 {
	if s.high == s.low {
		return s.from
	}
	return s.from + (v-s.low)/(s.high-s.low)*(s.to-s.from)
}

// ticks gives round values from low to at least high, about n of them.
func ticks(low, high float64, n int) []float64 {
	if high <= low {
		high = low + 1
	}
	step := niceStep((high - low) / float64(n))
	first := math.Floor(low / step)
	var values []float64
	for i := 0; ; i++ {
		v := (first + float64(i)) * step
		values = append(values, v)
		if v >= high-step*1e-9 {
			return values
		}
	}
}

// niceStep rounds up to 1, 2, 2.5 or 5 times a power of ten.
func niceStep(raw float64) float64 {
	power := math.Pow(10, math.Floor(math.Log10(raw)))
	for _, factor := range []float64{1, 2, 2.5, 5} {
		if raw <= factor*power*(1+1e-9) {
			return factor * power
		}
	}
	return 10 * power
}

// label writes a number as short as its neighbours allow.
func label(v float64) string {
	switch a := math.Abs(v); {
	case a >= 10_000:
		return strconv.FormatFloat(v/1000, 'f', -1, 64) + "k"
	case a < 1e-9:
		return "0"
	default:
		return strconv.FormatFloat(math.Round(v*1000)/1000, 'f', -1, 64)
	}
}

// valueLabel writes a measured value: three digits say enough.
func valueLabel(v float64) string {
	switch a := math.Abs(v); {
	case a >= 10_000:
		return strconv.FormatFloat(v/1000, 'f', 1, 64) + "k"
	case a >= 100:
		return strconv.FormatFloat(v, 'f', 0, 64)
	case a >= 10:
		return strconv.FormatFloat(v, 'f', 1, 64)
	default:
		return strconv.FormatFloat(v, 'f', 2, 64)
	}
}
