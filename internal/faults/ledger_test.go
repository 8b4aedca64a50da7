package faults

import (
	"fmt"
	"maps"
	"slices"
	"testing"
	"time"
)

// outcome is what a client may conclude from the answer to a write.
type outcome uint8

const (
	acknowledged outcome = iota
	unknown              // SQLSTATE 08007: perhaps done, perhaps not
	undone               // any other error says that nothing was done
)

// write is one write with a token of its own.
type write struct {
	token   int64
	outcome outcome
	at      time.Time // of the answer
}

// ledger is what one client was told.
type ledger struct {
	writes []write
	states map[string]int // errors by SQLSTATE
}

func (l *ledger) note(token int64, o outcome) {
	l.writes = append(l.writes, write{token, o, time.Now()})
}

func (l *ledger) failed(state string) {
	if l.states == nil {
		l.states = map[string]int{}
	}
	l.states[state]++
}

// findings compare ledgers with what the cluster holds.
type findings struct {
	acknowledged, unknown, undone int
	lost                          []int64 // acknowledged and not there
	twice                         []int64 // there more than once
	ghosts                        []int64 // told to be undone, and there
	states                        map[string]int
}

// audit compares the ledgers with how often each token is there.
func audit(ledgers []*ledger, there map[int64]int) findings {
	f := findings{states: map[string]int{}}
	for _, l := range ledgers {
		for state, n := range l.states {
			f.states[state] += n
		}
		for _, w := range l.writes {
			f.take(w, there[w.token])
		}
	}
	return f
}

// take counts one write of which so many copies are there.
func (f *findings) take(w write, copies int) {
	switch w.outcome {
	case acknowledged:
		f.acknowledged++
		if copies == 0 {
			f.lost = append(f.lost, w.token)
		}
	case unknown:
		f.unknown++
	case undone:
		f.undone++
		if copies > 0 {
			f.ghosts = append(f.ghosts, w.token)
		}
	}
	if copies > 1 {
		f.twice = append(f.twice, w.token)
	}
}

// String gives the figures of a report.
func (f *findings) String() string {
	out := fmt.Sprintf("%d acknowledged, %d unknown, %d undone; errors", f.acknowledged, f.unknown, f.undone)
	for _, state := range slices.Sorted(maps.Keys(f.states)) {
		out += fmt.Sprintf(" %s×%d", state, f.states[state])
	}
	return out
}

// check fails the test for what must never be.
func (f *findings) check(t testing.TB) {
	t.Helper()
	for what, tokens := range map[string][]int64{
		"acknowledged and lost": f.lost, "executed twice": f.twice, "told to be undone but done": f.ghosts,
	} {
		if len(tokens) > 0 {
			t.Errorf("%d writes were %s: %v", len(tokens), what, tokens[:min(len(tokens), 20)])
		}
	}
}

func TestAuditFindsPlantedViolations(t *testing.T) {
	var l ledger
	for token, o := range []outcome{acknowledged, acknowledged, acknowledged, unknown, unknown, undone, undone} {
		l.note(int64(token), o)
	}
	f := audit([]*ledger{&l}, map[int64]int{0: 1, 2: 2, 4: 1, 6: 1})
	for what, got := range map[string][]int64{"lost": f.lost, "twice": f.twice, "ghosts": f.ghosts} {
		want := map[string][]int64{"lost": {1}, "twice": {2}, "ghosts": {6}}[what]
		if !slices.Equal(got, want) {
			t.Errorf("%s: %v, want %v", what, got, want)
		}
	}
}
