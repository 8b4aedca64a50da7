package health

import (
	"testing"
	"time"

	"github.com/pgroute/pgroute/internal/cluster"
)

// switchStep is one input of the switch machine.
type switchStep struct {
	name string
	ok   func(*switchMachine) bool
	do   func(*switchMachine, time.Time)
}

var switchSteps = []switchStep{
	{"open", always, func(s *switchMachine, t time.Time) { s.writes(cluster.WritesOpen, ReasonSteady, t) }},
	{"lost", always, func(s *switchMachine, t time.Time) { s.writes(cluster.WritesLost, ReasonPrimaryDown, t) }},
	{"refused", always, func(s *switchMachine, t time.Time) { s.writes(cluster.WritesRefused, ReasonRivals, t) }},
	{"begin", always, func(s *switchMachine, t time.Time) { s.begin() }},
	{"drained", holds, func(s *switchMachine, t time.Time) { s.end(HoldDrained, t) }},
	{"timeout", holds, func(s *switchMachine, t time.Time) { s.end(HoldTimeout, t) }},
}

func always(*switchMachine) bool  { return true }
func holds(s *switchMachine) bool { return s.held > 0 }

// TestSwitchMachineKeepsItsInvariantsInEveryOrder runs every sequence of
// inputs to a depth and checks after each step that nothing held is lost.
func TestSwitchMachineKeepsItsInvariantsInEveryOrder(t *testing.T) {
	var walk func(path []int)
	walk = func(path []int) {
		s := replaySwitch(t, path)
		if len(path) == 7 {
			return
		}
		for i, step := range switchSteps {
			if step.ok(s) {
				walk(append(path[:len(path):len(path)], i))
			}
		}
	}
	walk(nil)
}

func replaySwitch(t *testing.T, path []int) *switchMachine {
	now := time.Unix(1e9, 0)
	s := newSwitch(now)
	open := false
	for _, i := range path {
		now = now.Add(time.Second)
		switchSteps[i].do(s, now)
		switch switchSteps[i].name {
		case "open":
			open = true
		case "lost", "refused":
			open = false
		}
		checkSwitch(t, s, open, path)
	}
	return s
}

func checkSwitch(t *testing.T, s *switchMachine, open bool, path []int) {
	t.Helper()
	sum := uint64(s.held)
	for _, n := range s.ended {
		sum += n
	}
	if s.began != sum {
		t.Fatalf("%v: began %d, held and ended %d", path, s.began, sum)
	}
	if open == (s.state == SwitchHolding) {
		t.Fatalf("%v: writes open %v in state %v", path, open, s.state)
	}
	if s.state == SwitchDraining && s.held == 0 {
		t.Fatalf("%v: draining with nothing held", path)
	}
}

func TestSwitchMeasuresTheGap(t *testing.T) {
	now := time.Unix(1e9, 0)
	s := newSwitch(now)
	s.writes(cluster.WritesOpen, ReasonSteady, now)
	s.writes(cluster.WritesLost, ReasonPrimaryDown, now)
	s.begin()
	s.writes(cluster.WritesOpen, ReasonSteady, now.Add(70*time.Millisecond))
	if s.gap != 70*time.Millisecond || s.state != SwitchDraining {
		t.Fatalf("%+v", s)
	}
	if !s.end(HoldDrained, now) || s.state != SwitchSteady {
		t.Fatalf("%+v", s)
	}
}

func TestEndingAHoldThatNeverBeganPanics(t *testing.T) {
	defer func() {
		if recover() == nil {
			t.Fatal("no panic")
		}
	}()
	newSwitch(time.Now()).end(HoldDrained, time.Now())
}
