package bench

import (
	"bytes"
	"encoding/json"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// fixedHeader is the same on every machine.
func fixedHeader(name string) Header {
	return Header{Benchmark: name, Command: "pgroute bench " + name, Machine: Machine{
		CPU: "a processor", Cores: 2, MemoryGiB: 24, OS: "a system", Kernel: "6.1", Go: "go1.26", PostgreSQL: "postgres 15.8",
		Commit: "0123456789ab", Load: "0 0 0", Time: time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC),
	}}
}

// fixedOverhead is two rounds of three targets, one of which cannot carry one mode.
func fixedOverhead() *OverheadReport {
	r := &OverheadReport{
		Header:   fixedHeader("overhead"),
		Options:  OverheadOptions{Modes: []string{"simple", "prepared"}, Clients: []int{16}, Rounds: 2, Duration: 5 * time.Second, Scale: 10},
		Targets:  []TargetInfo{{direct, "postgres 15.8", "no proxy"}, {pgrouteName, "0123456789ab", "splits"}, {"pgbouncer", "PgBouncer 1.18.0", "transaction pooling"}},
		refusals: map[cellKey]string{{"pgbouncer", "prepared", 16}: "no prepared statements"},
		Idle: []IdleResult{
			{Target: pgrouteName, Version: "0123456789ab", Clients: 5000, BytesPerClient: 1200, BaseBytes: 12 << 20, TPSAlone: 100, TPSAmong: 99, CPUAlone: 9, CPUAmong: 9.1},
			{Target: "pgpool", Clients: 20, BytesPerClient: 7e6, Note: "all processes, divided by clients"},
		},
	}
	add := func(target, mode string, round int, tps, cpu float64) {
		r.Runs = append(r.Runs, OverheadRun{Target: target, Mode: mode, Clients: 16, Round: round, CPUMicros: cpu, UserMicros: cpu / 4, Figures: Figures{TPS: tps, MedianMS: 16000 / tps, P99MS: 32000 / tps}})
	}
	for round, slow := range []float64{1, 2} { // the second round was disturbed: ratios stay
		for _, mode := range r.Options.Modes {
			add(direct, mode, round, 50000/slow, 0)
			add(pgrouteName, mode, round, 40000/slow, 9*slow)
		}
		add("pgbouncer", "simple", round, 32000/slow, 10*slow)
	}
	r.summarise()
	return r
}

func fixedReports() []Report {
	pair := PairResult{Pairs: 100, Missed: 12, StandbyShare: 0.75, ReadMedianMS: 0.2, ReadP99MS: 2}
	scaling := &ReadScalingReport{Header: fixedHeader("read-scaling"), Clients: 16, Options: ReadScalingOptions{Standbys: 2, Pool: 4, Hold: 20 * time.Millisecond, Rounds: 1, Duration: time.Second},
		Runs: []ScalingRun{{0, 0, 190, map[string]int{"primary": 190}}, {1, 0, 195, map[string]int{"standby1": 195}}, {2, 0, 388, map[string]int{"standby1": 200, "standby2": 188}}}}
	scaling.summarise()
	failover := &FailoverReport{Header: fixedHeader("failover"), Options: FailoverOptions{Standbys: 2, Rounds: 1, Clients: 8, Pause: time.Millisecond, Outage: 500 * time.Millisecond},
		Rounds: []FailoverRound{{Promoted: "standby1", KilledMS: -700, OrderedMS: -180, GapMS: 42, AckedMS: 45, PrecisionMS: 1.5, ReadPauseMS: 12, Operations: 9000, Acknowledged: 5000, Dropped: 1, Errors: map[string]int{"writer 08007": 3, "transaction 40001": 4}}},
		Gap:    spreadOf([]float64{42}), Acked: spreadOf([]float64{45}),
		last: []outcome{{writer, true, -30 * time.Millisecond}, {reader, true, -1}, {writer, false, 1}, {writer, true, 45 * time.Millisecond}, {transaction, true, 60 * time.Millisecond}}}
	return []Report{
		fixedOverhead(), scaling, failover,
		&StalenessReport{Header: fixedHeader("staleness"), Options: StalenessOptions{Clients: 8, Pairs: 100}, Results: []StalenessResult{{Name: "pgroute session", Note: "x", Own: pair, Across: pair}}},
	}
}

var update = flag.Bool("update", false, "write the golden files anew")

func TestTablesMatchTheirGoldenFiles(t *testing.T) {
	for _, r := range fixedReports() {
		var got bytes.Buffer
		if err := r.WriteTable(&got); err != nil {
			t.Fatal(err)
		}
		path := filepath.Join("testdata", r.Name()+".txt")
		if *update {
			if err := os.WriteFile(path, got.Bytes(), 0o644); err != nil {
				t.Fatal(err)
			}
		}
		want, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(got.Bytes(), want) {
			t.Errorf("%s is\n%s\nnot\n%s", r.Name(), got.Bytes(), want)
		}
	}
}

func TestReportsAreSaved(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "new", "results")
	for _, r := range fixedReports() {
		var table bytes.Buffer
		files, err := Save(&table, dir, r)
		if err != nil {
			t.Fatal(err)
		}
		var plots int
		for _, f := range files {
			content, err := os.ReadFile(f)
			if err != nil {
				t.Fatal(err)
			}
			switch filepath.Ext(f) {
			case ".svg":
				plots++
				if !bytes.HasPrefix(content, []byte("<svg ")) || bytes.Contains(content, []byte("NaN")) {
					t.Errorf("%s is no plot", f)
				}
			case ".json":
				var back struct{ Benchmark, Command string }
				if err := json.Unmarshal(content, &back); err != nil || back.Benchmark != r.Name() {
					t.Errorf("%s: %v, of %q", f, err, back.Benchmark)
				}
			}
		}
		if plots == 0 || len(files) != plots+1 || table.Len() == 0 {
			t.Errorf("%s left %q and a table of %d bytes", r.Name(), files, table.Len())
		}
	}
}

func TestNothingIsSavedWithoutADirectory(t *testing.T) {
	if files, err := Save(&bytes.Buffer{}, "", fixedOverhead()); err != nil || files != nil {
		t.Errorf("%q, %v", files, err)
	}
}

// TestRatiosSurviveADisturbedRound: the second round ran at half speed for all.
func TestRatiosSurviveADisturbedRound(t *testing.T) {
	for _, c := range fixedOverhead().Cells {
		if c.Target == "pgbouncer" && c.Mode == "simple" {
			if c.PgrouteCPU != (Spread{0.9, 0.9, 0.9, 2}) || c.PgrouteTPS != (Spread{1.25, 1.25, 1.25, 2}) || c.OfDirect.Median != 0.64 {
				t.Errorf("got %+v", c)
			}
			return
		}
	}
	t.Error("no cell of pgbouncer")
}

func TestMachineIsDescribed(t *testing.T) {
	m := thisMachine("postgres 15")
	text := m.String()
	for _, want := range []string{m.Go, "postgres 15", "cores"} {
		if want == "" || !strings.Contains(text, want) {
			t.Errorf("%q is not in %q", want, text)
		}
	}
}
