package router

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/pgroute/pgroute/internal/cluster"
	"github.com/pgroute/pgroute/internal/pg"
)

// Standing says how one node stood in a decision, for explanations.
type Standing uint8

// Standings.
const (
	StandingChosen       Standing = iota
	StandingReady                 // could have served the unit
	StandingNotRead               // the unit was not for standbys
	StandingExcluded              // Alternative.Exclusion says why
	StandingNoWeight              // configured to take no reads
	StandingStale                 // beyond max_staleness
	StandingFenceUnknown          // the fence must be asked for first
	StandingBehind                // has not replayed the fence
	StandingMoved                 // may not have replayed what the last read saw
	StandingOtherZone             // could have, but another zone is preferred
	standings
)

var standingNames = [standings]string{
	"chosen", "ready", "not_for_standbys", "excluded", "no_weight", "stale",
	"fence_unknown", "behind", "behind_last_read", "other_zone",
}

// String gives a label.
func (s Standing) String() string {
	if s < standings {
		return standingNames[s]
	}
	return "standing " + strconv.Itoa(int(s))
}

// Alternative is one node as a decision saw it.
type Alternative struct {
	Node      cluster.NodeID
	Name      string
	Role      cluster.Role
	Standing  Standing
	Exclusion cluster.Exclusion
	ReplayLSN pg.LSN
	LagBytes  uint64
	// Staleness bounds how old the node's data are at the time of the decision.
	Staleness time.Duration
}

// Explanation is a decision with what it was made of.
type Explanation struct {
	Decision     Decision
	Fence        pg.LSN // what a standby had to have replayed, as far as known
	Alternatives []Alternative
}

// Explain decides as Decide does and tells how every node stood.
func Explain(f *Facts, u *Unit, v *View, rnd uint32, now time.Time) Explanation {
	e := Explanation{Decision: Decide(f, u, v, rnd, now)}
	w := u.Wish.Over(&f.Wish)
	q := query{f: f, v: v, wish: &w, now: now}
	q.learn()
	q.judgeAll()
	e.Fence = q.fence
	_, reads := standbyCause(f, u)
	reads = reads && w.Target != TargetPrimary || w.Target == TargetStandby || w.Target == TargetNode
	for i := range v.Snap.Nodes {
		n := &v.Snap.Nodes[i]
		e.Alternatives = append(e.Alternatives, Alternative{
			Node: n.ID, Name: n.Name, Role: n.Role, Exclusion: n.Exclusion,
			Standing:  q.standing(n, &e.Decision, reads),
			ReplayLSN: n.ReplayLSN, LagBytes: n.LagBytes, Staleness: staleness(n, now),
		})
	}
	return e
}

// standing tells how a node stood.
func (q *query) standing(n *cluster.Node, d *Decision, reads bool) Standing {
	switch {
	case n.ID == d.Node:
		return StandingChosen
	case n.Exclusion != cluster.Eligible || n.Role != cluster.RoleStandby:
		return StandingExcluded
	case n.Weight <= 0:
		return StandingNoWeight
	case !reads || q.f.Bound != BoundNone:
		return StandingNotRead
	}
	switch q.judge(n) {
	case verdictAsk:
		return StandingFenceUnknown
	case verdictBehind:
		return StandingBehind
	case verdictStale:
		return StandingStale
	case verdictMoved:
		return StandingMoved
	}
	if !q.preferred(q.ready).Has(n.ID) {
		return StandingOtherZone
	}
	return StandingReady
}

// String prints a decision for logs and tests.
func (d Decision) String() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s node=%d cause=%s", d.Action, d.Node, d.Cause)
	if d.Action == ActionFence {
		fmt.Fprintf(&b, " standbys=%#x fence=%s otherwise=%s", uint64(d.Standbys), d.Fence, d.Otherwise)
	}
	if d.Cause == CauseShadow {
		fmt.Fprintf(&b, " would=%s node=%d", d.Would, d.WouldNode)
	}
	return b.String()
}
