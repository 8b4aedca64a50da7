package plot

import (
	"bytes"
	"encoding/xml"
	"errors"
	"flag"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// sample plots use everything that can be drawn.
func samples() map[string][]byte {
	return map[string][]byte{
		"bars.svg": Bars{
			Title: "CPU of the proxy per query", Subtitle: "median & range of 5 rounds", YLabel: "µs", XLabel: "mode, clients",
			Groups: []string{"simple, 1", "simple, 16"},
			Series: []Series{
				{Name: "pgroute", Bars: []Bar{{Value: 30, Low: 28, High: 33}, {Value: 9.5, Low: 9.5, High: 9.5}}},
				{Name: "direct <none>", Bars: []Bar{{Missing: "no proxy"}, {Value: 12_345, Low: 12_000, High: 13_000}}},
			},
		}.SVG(),
		"lines.svg": Lines{
			Title: "Throughput by standbys", Subtitle: "pool of 4", YLabel: "tps", XLabel: "standbys", Whole: true,
			Lines: []Line{
				{Name: "measured", Points: []Point{{0, 198}, {1, 199}, {2, 397}, {3, 590}}, Dots: true},
				{Name: "linear", Points: []Point{{1, 200}, {3, 600}}, Dashed: true},
			},
			Marks: []Mark{{X: 1.5, Note: "promoted"}, {X: 1.6, Note: "first write"}},
		}.SVG(),
	}
}

var update = flag.Bool("update", false, "write the golden files anew")

func TestPlotsMatchTheirGoldenFiles(t *testing.T) {
	for name, got := range samples() {
		path := filepath.Join("testdata", name)
		if *update {
			if err := os.WriteFile(path, got, 0o644); err != nil {
				t.Fatal(err)
			}
		}
		want, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(got, want) {
			t.Errorf("%s differs from its golden file; look at the new one (go test -update) before committing it", name)
		}
	}
}

func TestPlotsAreWellFormed(t *testing.T) {
	plots := samples()
	plots["nothing"] = Bars{}.SVG()
	plots["no lines"] = Lines{}.SVG()
	for name, svg := range plots {
		d := xml.NewDecoder(bytes.NewReader(svg))
		for {
			_, err := d.Token()
			if errors.Is(err, io.EOF) {
				break
			}
			if err != nil {
				t.Fatalf("%s: %v", name, err)
			}
		}
		if strings.Contains(string(svg), "NaN") || strings.Contains(string(svg), "Inf") {
			t.Errorf("%s has a coordinate that is no number", name)
		}
	}
}

func TestTicksAreRoundAndCover(t *testing.T) {
	for _, c := range []struct {
		low, high float64
		n         int
		want      []float64
	}{
		{0, 10, 5, []float64{0, 2, 4, 6, 8, 10}},
		{0, 0.9, 5, []float64{0, 0.2, 0.4, 0.6000000000000001, 0.8, 1}},
		{-3, 4, 4, []float64{-4, -2, 0, 2, 4}},
		{0, 3, 3, []float64{0, 1, 2, 3}},
		{0, 0, 5, []float64{0, 0.2, 0.4, 0.6000000000000001, 0.8, 1}},
	} {
		if got := ticks(c.low, c.high, c.n); !slices.Equal(got, c.want) {
			t.Errorf("ticks(%v, %v, %d) = %v, want %v", c.low, c.high, c.n, got, c.want)
		}
	}
}

func TestLabelsAreShort(t *testing.T) {
	for v, want := range map[float64]string{0: "0", 1e-12: "0", 2.5: "2.5", 0.6000000000000001: "0.6", 500: "500", 20_000: "20k", 12_500: "12.5k"} {
		if got := label(v); got != want {
			t.Errorf("label(%v) = %q, want %q", v, got, want)
		}
	}
	for v, want := range map[float64]string{0: "0.00", 8.634: "8.63", 36.42: "36.4", 217.9: "218", 45_321: "45.3k"} {
		if got := valueLabel(v); got != want {
			t.Errorf("valueLabel(%v) = %q, want %q", v, got, want)
		}
	}
}
