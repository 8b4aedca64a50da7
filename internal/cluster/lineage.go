package cluster

import "github.com/pgroute/pgroute/internal/pg"

// Ancestor is a timeline from which the accepted one descends, as the
// accepted primary's timeline history tells it.
type Ancestor struct {
	Timeline pg.TimelineID
	// End is the switch LSN: what the timeline holds beyond it is not part of
	// the accepted history. InvalidLSN when the history could not be read.
	End pg.LSN
}

// Lineage says how a position relates to the accepted history.
type Lineage uint8

// Lineages. The zero value is the safe one: nothing may be concluded.
const (
	LineageUnknown  Lineage = iota // another cluster, an unknown timeline, or an unreadable history
	LineageCurrent                 // on the accepted timeline
	LineageAncestor                // on an ancestor, before the switch: part of the history
	LineageLost                    // on an ancestor, past the switch: what it covers was lost
)

// Resolve turns a position into an LSN that may be compared with positions on
// the accepted timeline. A lost one is clamped to the switch LSN: the writes
// beyond it exist nowhere any more, so nothing can be waited for.
func (s *Snapshot) Resolve(p pg.Position) (pg.LSN, Lineage) {
	if s == nil || s.SystemID == 0 || p.SystemID != s.SystemID {
		return 0, LineageUnknown
	}
	if p.Timeline == s.Timeline {
		return p.LSN, LineageCurrent
	}
	for _, a := range s.History {
		if a.Timeline != p.Timeline {
			continue
		}
		switch {
		case a.End == pg.InvalidLSN:
			return 0, LineageUnknown
		case p.LSN > a.End:
			return a.End, LineageLost
		}
		return p.LSN, LineageAncestor
	}
	return 0, LineageUnknown
}
