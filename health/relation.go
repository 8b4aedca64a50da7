package health

import (
	"github.com/pgroute/pgroute/internal/cluster"
	"github.com/pgroute/pgroute/internal/pg"
)

// accepted is the history pgroute follows: which cluster, which timeline, and
// from which ancestors it descends. It survives restarts in the state file.
type accepted struct {
	systemID uint64 // 0: nothing accepted yet
	timeline pg.TimelineID
	history  []cluster.Ancestor
	complete bool           // history is known in full
	primary  cluster.NodeID // who held the timeline last; NoNode until seen
}

// relation says how a writable node stands to the accepted history.
type relation uint8

const (
	relNone       relation = iota // not writable
	relFirst                      // nothing was accepted yet
	relIncumbent                  // holds the accepted timeline, as before
	relDescendant                 // its history contains the accepted timeline
	relGuessed                    // higher timeline, history unreadable
	relPending                    // history not read yet
	relAncestor                   // on a timeline the accepted one came from: deposed
	relCopy                       // the accepted timeline on a node that did not hold it
	relDiverged                   // neither ancestor nor descendant
	relForeign                    // another system identifier
)

// relate judges one writable node. Numbers alone prove nothing: two standbys
// promoted apart may choose the same timeline number, so whole histories are
// compared wherever both are known.
func relate(acc *accepted, o *observation) relation {
	switch {
	case !o.writable():
		return relNone
	case acc.systemID == 0:
		return relFirst
	case o.systemID != acc.systemID:
		return relForeign
	case o.timeline == acc.timeline:
		return relateSame(acc, o)
	case o.history.state == historyKnown:
		return relateKnown(acc, o)
	}
	return relateUnread(acc, o)
}

// relateSame judges a node on the accepted timeline's number. Even the
// incumbent may have left it: rewound to an ancestor and promoted again, it can
// bear the same number with another history.
func relateSame(acc *accepted, o *observation) relation {
	switch {
	case acc.complete && o.history.state == historyPending:
		return relPending
	case acc.complete && o.history.state == historyKnown && !sameHistory(acc.history, o.history.ancestors):
		return relDiverged
	}
	if acc.primary != cluster.NoNode && acc.primary != o.node {
		return relCopy
	}
	return relIncumbent
}

// relateKnown judges a node on another timeline whose history was read.
func relateKnown(acc *accepted, o *observation) relation {
	if contains(o.history.ancestors, acc.timeline, acc) {
		return relDescendant
	}
	own := accepted{timeline: o.timeline, history: o.history.ancestors, complete: true}
	if contains(acc.history, o.timeline, &own) {
		return relAncestor
	}
	return relDiverged
}

// relateUnread judges a node on another timeline by what is known without its
// history: the accepted timeline's own ancestors, then the number.
func relateUnread(acc *accepted, o *observation) relation {
	if indexOf(acc.history, o.timeline) >= 0 {
		return relAncestor
	}
	if o.timeline < acc.timeline {
		if acc.complete {
			return relDiverged
		}
		return relAncestor
	}
	if o.history.state == historyUnreadable {
		return relGuessed
	}
	return relPending
}

// contains reports whether a history holds the timeline that old names, with a
// switch LSN, and agrees with everything known of the time before it.
func contains(hist []cluster.Ancestor, timeline pg.TimelineID, old *accepted) bool {
	i := indexOf(hist, timeline)
	if i < 0 {
		return false
	}
	return !old.complete || sameHistory(hist[:i], old.history)
}

// indexOf finds a timeline in a history, or -1.
func indexOf(hist []cluster.Ancestor, timeline pg.TimelineID) int {
	for i, a := range hist {
		if a.Timeline == timeline {
			return i
		}
	}
	return -1
}

// sameHistory compares two lists of ancestors; a switch LSN that could not be
// read agrees with every other.
func sameHistory(a, b []cluster.Ancestor) bool {
	if len(a) != len(b) {
		return false
	}
	for i := range a {
		ends := a[i].End == b[i].End || a[i].End == pg.InvalidLSN || b[i].End == pg.InvalidLSN
		if a[i].Timeline != b[i].Timeline || !ends {
			return false
		}
	}
	return true
}
