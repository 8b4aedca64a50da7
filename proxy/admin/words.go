package admin

import (
	"fmt"

	"github.com/pgroute/pgroute/internal/cluster"
)

// explain says in words what a node is used for, and why not for more.
func (m *sample) explain(n *cluster.Node) string {
	switch {
	case n.Role == cluster.RoleUnknown:
		return "has never answered: " + n.LastError
	case !n.Up:
		return fmt.Sprintf("does not answer and was last seen as %s: %s", n.Role, n.LastError)
	case n.Role == cluster.RolePrimary:
		return m.explainPrimary()
	case n.Role == cluster.RoleDeposed:
		return fmt.Sprintf("is writable but not the accepted primary: timeline %d, accepted is %d; it gets nothing", n.Timeline, m.snap.Timeline)
	}
	return m.explainStandby(n)
}

func (m *sample) explainPrimary() string {
	if m.snap.Writes != cluster.WritesOpen {
		return "is the primary, but writes are not open: " + m.writesWhy()
	}
	return "takes writes, transactions and everything that is not known to be a read"
}

func (m *sample) explainStandby(n *cluster.Node) string {
	behind := fmt.Sprintf("%s and %s behind", sizeText(n.LagBytes), secondsText(n.LagTime.Seconds()))
	switch n.Exclusion {
	case cluster.Eligible:
		if n.Weight <= 0 {
			return "takes no reads: its weight is 0"
		}
		return "takes reads; " + behind
	case cluster.ExcludedTimeline:
		return fmt.Sprintf("takes no reads: it follows timeline %d, accepted is %d", n.Timeline, m.snap.Timeline)
	case cluster.ExcludedForeignSystem:
		return "takes no reads: it belongs to another cluster (system identifier)"
	case cluster.ExcludedLagBytes:
		return fmt.Sprintf("takes no reads: %s, beyond max_lag_bytes (%s); it returns below 80 %% of that", behind, m.cfg.Health.MaxLagBytes)
	case cluster.ExcludedLagTime:
		return fmt.Sprintf("takes no reads: %s, beyond max_lag_time (%s); it returns below 80 %% of that", behind, m.cfg.Health.MaxLagTime)
	case cluster.ExcludedReplayUnknown:
		return "takes no reads: it does not tell what it has replayed"
	}
	return "takes no reads: " + n.Exclusion.String()
}

// sizeText gives a number of bytes to two or three digits.
func sizeText(n uint64) string {
	const step = 1024
	if n < step {
		return fmt.Sprintf("%d B", n)
	}
	v, unit := float64(n), -1
	for v >= step {
		v, unit = v/step, unit+1
	}
	digits := 0
	if v < 10 {
		digits = 1
	}
	return fmt.Sprintf("%.*f %ciB", digits, v, "KMGTPE"[unit])
}
