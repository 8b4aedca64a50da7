package main

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestBenchPrintsATableAndSavesResults runs the shortest benchmark there is.
func TestBenchPrintsATableAndSavesResults(t *testing.T) {
	t.Parallel()
	out := filepath.Join(t.TempDir(), "results")
	cmd := pgroute(t, "bench", "--out", out, "read-scaling", "--standbys", "1", "--rounds", "1", "--duration", "100ms", "--hold", "2ms", "--pool", "2")
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	table, err := cmd.Output()
	if err != nil {
		t.Fatalf("%v: %s", err, stderr.String())
	}
	for _, want := range []string{"$ pgroute bench", "standbys", "standby1"} {
		if !strings.Contains(string(table), want) {
			t.Errorf("no %q in %s", want, table)
		}
	}
	for _, name := range []string{"read-scaling.json", "read-scaling.svg"} {
		if content, err := os.ReadFile(filepath.Join(out, name)); err != nil || len(content) == 0 {
			t.Errorf("%s: %d bytes, %v", name, len(content), err)
		}
	}
}

func TestBenchRefusesWhatItCannotMeasure(t *testing.T) {
	t.Parallel()
	for _, args := range [][]string{
		{"bench", "overhead", "--modes", "fast"},
		{"bench", "overhead", "--targets", "nobody"},
		{"bench", "failover", "--standbys", "1", "--sync"},
		{"bench", "staleness", "--levels", "some"},
	} {
		out, err := pgroute(t, args...).CombinedOutput()
		if err == nil || strings.Contains(string(out), "starting") {
			t.Errorf("%q: %v: %s", args, err, out)
		}
	}
}
