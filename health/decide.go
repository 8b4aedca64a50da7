package health

import (
	"github.com/pgroute/pgroute/internal/cluster"
	"github.com/pgroute/pgroute/internal/pg"
)

// verdict is what follows from one set of observations: who is the primary,
// whether writes are open, and what was accepted.
type verdict struct {
	acc     accepted
	primary cluster.NodeID // NoNode while no accepted primary answers
	writes  cluster.WriteState
	reason  Reason
	// rival is the node because of which writes are not open, or NoNode.
	rival cluster.NodeID
	// switched tells that acc names another timeline or node than before, and
	// guessed that this was done without having read the history.
	switched, guessed bool
}

// decide is the rule book of succession. It looks at all nodes at once and
// depends on nothing else, so that every rule is a line in a table test.
// asked tells whether every node was probed at least once.
func decide(acc accepted, obs []observation, asked bool) verdict {
	v := verdict{acc: acc, primary: cluster.NoNode, rival: cluster.NoNode}
	if acc.systemID == 0 {
		return decideFirst(v, obs, asked)
	}
	// First the succession, then everybody is judged by its outcome: the
	// former primary becomes an ancestor by that, not by having failed.
	if next, guessed, ok := successor(&acc, obs); ok {
		v.accept(next)
		v.guessed = guessed
	}
	return settle(v, obs)
}

// decideFirst accepts a primary when nothing is known yet. It waits until all
// nodes were asked, because the first to answer may be a deposed one.
func decideFirst(v verdict, obs []observation, asked bool) verdict {
	v.writes = cluster.WritesStartup
	claims := claimants(obs)
	switch {
	case !asked:
		v.reason = ReasonStarting
		return v
	case len(claims) == 0:
		v.reason = ReasonNoPrimary
		return v
	}
	// Two clusters among the nodes and nothing to tell which is meant.
	for _, c := range claims[1:] {
		if c.systemID != claims[0].systemID {
			return v.refuse(ReasonForeignSystem, c.node)
		}
	}
	top := topmost(claims)
	switch {
	case top == nil && anyPending(claims):
		v.reason = ReasonHistoryPending
		return v
	case top == nil:
		return v.refuse(ReasonRivals, claims[len(claims)-1].node)
	}
	if elsewhere := streamsElsewhere(top, obs); elsewhere != cluster.NoNode {
		v.reason, v.rival = ReasonStreamsElsewhere, elsewhere
		return v
	}
	v.accept(top)
	return settle(v, obs)
}

// settle finds the primary once the accepted history is fixed, and looks for
// writable nodes that contradict it.
func settle(v verdict, obs []observation) verdict {
	contradiction, foreign, waiting := cluster.NoNode, cluster.NoNode, ReasonSteady
	for i := range obs {
		o := &obs[i]
		switch relate(&v.acc, o) {
		case relIncumbent:
			v.primary = o.node
			v.adopt(o)
		case relDescendant, relGuessed, relCopy, relDiverged:
			// A descendant that is still one now was not accepted: several
			// differ from one another.
			contradiction = o.node
		case relPending:
			waiting = ReasonHistoryPending
		case relForeign:
			foreign = o.node
		}
	}
	switch {
	case v.primary == cluster.NoNode:
		return v.lost(obs, contradiction, foreign, waiting)
	case contradiction != cluster.NoNode:
		return v.refuse(rivalReason(&obs[contradiction]), contradiction)
	}
	v.writes, v.reason = cluster.WritesOpen, ReasonSteady
	if !v.acc.complete {
		v.reason = ReasonUnverified
	}
	return v
}

// rivalReason tells rivals whose history was read from those whose was not.
func rivalReason(o *observation) Reason {
	if o.history.state == historyUnreadable {
		return ReasonUnverifiedRivals
	}
	return ReasonRivals
}

// lost names the reason for having no primary. Two contradicting nodes are
// refused; one alone is just not accepted, and writes wait for a valid one.
func (v verdict) lost(obs []observation, contradiction, foreign cluster.NodeID, waiting Reason) verdict {
	v.writes = cluster.WritesLost
	if v.acc.primary == cluster.NoNode {
		v.writes = cluster.WritesStartup
	}
	switch {
	case contradiction != cluster.NoNode && contenders(&v.acc, obs) > 1:
		return v.refuse(rivalReason(&obs[contradiction]), contradiction)
	case contradiction != cluster.NoNode:
		v.reason, v.rival = ReasonNotDescendant, contradiction
	case waiting != ReasonSteady:
		v.reason = waiting
	case foreign != cluster.NoNode:
		v.reason, v.rival = ReasonForeignSystem, foreign
	case v.acc.primary == cluster.NoNode:
		v.reason = ReasonNoPrimary
	case obs[v.acc.primary].up():
		v.reason = ReasonPrimaryDemoted
	default:
		v.reason = ReasonPrimaryDown
	}
	return v
}

// refuse closes writes because waiting would not help.
func (v verdict) refuse(r Reason, rival cluster.NodeID) verdict {
	v.writes, v.reason, v.rival = cluster.WritesRefused, r, rival
	return v
}

// accept moves the accepted history to a node's timeline.
func (v *verdict) accept(o *observation) {
	next := accepted{systemID: o.systemID, timeline: o.timeline, primary: o.node}
	switch {
	case o.history.state == historyKnown:
		next.history, next.complete = o.history.ancestors, true
	case v.acc.systemID != 0:
		next.history = guessHistory(&v.acc, o)
	}
	v.acc, v.switched = next, true
}

// adopt takes what only the incumbent itself can tell: who it is after a
// restart of pgroute, and its history when that was not known in full.
func (v *verdict) adopt(o *observation) {
	v.acc.primary = o.node
	if !v.acc.complete && o.history.state == historyKnown {
		v.acc.history, v.acc.complete = o.history.ancestors, true
	}
}

// guessHistory extends the accepted history without having read the new one.
// A promoted node keeps the switch LSN as its replay LSN until it restarts; it
// is believed only when the promotion happened under our eyes, because after
// a crash the same function gives the end of crash recovery.
func guessHistory(old *accepted, o *observation) []cluster.Ancestor {
	end := pg.InvalidLSN
	if o.witnessed {
		end = o.replay
	}
	hist := append([]cluster.Ancestor(nil), old.history...)
	return append(hist, cluster.Ancestor{Timeline: old.timeline, End: end})
}

// successor finds the node that takes over: a descendant of the accepted
// timeline from which no other descendant differs, or, where histories cannot
// be read, a higher timeline without any other claimant.
func successor(acc *accepted, obs []observation) (next *observation, guessed, ok bool) {
	var descendants []*observation
	var guess *observation
	for i := range obs {
		switch relate(acc, &obs[i]) {
		case relDescendant:
			descendants = append(descendants, &obs[i])
		case relGuessed:
			guess = &obs[i]
		}
	}
	if len(descendants) > 0 {
		next = topmost(descendants)
		return next, false, next != nil
	}
	return guess, true, guess != nil && contenders(acc, obs) == 1
}

// contenders counts the writable nodes of this cluster, leaving out those on
// ancestors of the accepted timeline, which are known to be deposed.
func contenders(acc *accepted, obs []observation) int {
	n := 0
	for i := range obs {
		switch relate(acc, &obs[i]) {
		case relNone, relForeign, relAncestor:
		default:
			n++
		}
	}
	return n
}

// claimants lists the writable nodes.
func claimants(obs []observation) []*observation {
	var claims []*observation
	for i := range obs {
		if obs[i].writable() {
			claims = append(claims, &obs[i])
		}
	}
	return claims
}

// anyPending reports whether a claimant's history is still to be read.
func anyPending(claims []*observation) bool {
	for _, c := range claims {
		if c.history.state == historyPending {
			return true
		}
	}
	return false
}

// topmost finds the node that descends from all others, or nil.
func topmost(claims []*observation) *observation {
	for _, top := range claims {
		if descendsFromAll(top, claims) {
			return top
		}
	}
	return nil
}

// descendsFromAll reports whether one node's history contains the timeline of
// every other.
func descendsFromAll(top *observation, claims []*observation) bool {
	for _, c := range claims {
		if c == top {
			continue
		}
		old := accepted{timeline: c.timeline, history: c.history.ancestors,
			complete: c.history.state == historyKnown}
		if top.history.state != historyKnown || !contains(top.history.ancestors, c.timeline, &old) {
			return false
		}
	}
	return true
}

// streamsElsewhere finds a standby that streams from a primary which is not
// the candidate: it follows a timeline the candidate knows nothing of. With no
// accepted history this is the only sign that the candidate was deposed.
func streamsElsewhere(top *observation, obs []observation) cluster.NodeID {
	for i := range obs {
		o := &obs[i]
		if !o.up() || !o.inRecovery || o.systemID != top.systemID || o.receiver.status != "streaming" {
			continue
		}
		known := o.timeline == top.timeline || indexOf(top.history.ancestors, o.timeline) >= 0
		if !known && o.timeline > top.timeline {
			return o.node
		}
	}
	return cluster.NoNode
}
