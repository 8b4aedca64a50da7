package soak

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/pgroute/pgroute/proxy"
	"github.com/pgroute/pgroute/router"
)

// places tells why units went where they went, by pgroute's own account.
func (r *rig) places() string {
	var b strings.Builder
	c := r.Server().Counters()
	b.WriteString("placed:")
	for _, a := range router.Actions() {
		for _, cause := range router.Causes() {
			if n := c.Decisions(a, cause); n > 0 {
				fmt.Fprintf(&b, " %s/%s×%d", a, cause, n)
			}
		}
	}
	b.WriteString("\nclassified:")
	for _, reason := range router.Reasons() {
		if n := c.Reasons(reason); n > 0 {
			fmt.Fprintf(&b, " %s×%d", reason, n)
		}
	}
	b.WriteString("\npinned:")
	for i, name := range proxy.PinNames() {
		if n := c.Pins[i].Load(); n > 0 {
			fmt.Fprintf(&b, " %s×%d", name, n)
		}
	}
	fmt.Fprintf(&b, "\nfences: %d waited for, %d passed, %d missed; %d transactions moved, %d statements refused in them",
		c.FenceWaits.Load(), c.Fenced.Load(), c.FenceMissed.Load(), c.Moved.Load(), c.Misplaced.Load())
	return b.String()
}

// learned counts the texts that go to the primary because a standby refused
// them. Every loop learns for itself.
func (r *rig) learned() (n int) {
	ctx, cancel := context.WithTimeout(context.Background(), limit)
	defer cancel()
	for _, w := range r.Server().Workers(ctx) {
		n += w.Learned
	}
	return n
}

// listed gives counts by what is counted.
func listed(counts map[string]int) string {
	var b strings.Builder
	for _, what := range slices.Sorted(maps.Keys(counts)) {
		fmt.Fprintf(&b, " %s×%d", what, counts[what])
	}
	return b.String()
}

// known samples until stop how often the catalogue was known, in percent.
func (r *rig) known(stop <-chan struct{}) int {
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	fresh, all := 0, 0
	for {
		select {
		case <-stop:
			return 100 * fresh / max(1, all)
		case <-tick.C:
		}
		for _, s := range r.Catalogs().Databases() {
			if s.Database == "postgres" {
				all++
				if s.Fresh {
					fresh++
				}
			}
		}
	}
}
