package health

import (
	"fmt"
	"time"

	"github.com/pgroute/pgroute/internal/cluster"
	"github.com/pgroute/pgroute/internal/pg"
)

// changes tells as events what differs between two snapshots; prev is nil for
// the first. Pure.
func changes(prev, next *cluster.Snapshot, v *verdict) []Event {
	var events []Event
	for i := range next.Nodes {
		was := cluster.Node{}
		if prev != nil {
			was = prev.Nodes[i]
		}
		events = append(events, nodeChanges(&was, &next.Nodes[i], prev != nil)...)
	}
	events = append(events, primaryChanges(prev, next, v)...)
	for i := range events {
		events[i].At, events[i].Reason = next.At, v.reason
		if n := next.Node(events[i].Node); n != nil {
			events[i].Name, events[i].Timeline = n.Name, n.Timeline
		}
	}
	return events
}

// nodeChanges compares one node. The first snapshot says nothing about nodes
// that were not asked yet.
func nodeChanges(was, now *cluster.Node, known bool) []Event {
	var events []Event
	add := func(k EventKind, format string, args ...any) {
		events = append(events, Event{Kind: k, Node: now.ID, Detail: fmt.Sprintf(format, args...)})
	}
	switch {
	case now.Up && !was.Up:
		add(EventNodeUp, "answers as %s on timeline %d", now.Role, now.Timeline)
	case now.Up && was.Life != now.Life:
		add(EventLife, "connection broke and came back: life %d", now.Life)
	case !now.Up && (was.Up || was.LastError == notAsked && now.LastError != notAsked):
		add(EventNodeDown, "%s", now.LastError)
	}
	if known && was.Role != now.Role && was.Role != cluster.RoleUnknown {
		add(EventRole, "%s is %s now", was.Role, now.Role)
	}
	// Eligibility is news of standbys only; a primary never has it.
	if now.Role != cluster.RoleStandby || was.Exclusion == now.Exclusion && was.Role == now.Role {
		return events
	}
	if now.Exclusion == cluster.Eligible {
		add(EventEligible, "may be read")
	} else if known || now.Up {
		add(EventExcluded, "%s: %d bytes, %v behind", now.Exclusion, now.LagBytes, now.LagTime.Round(time.Millisecond))
	}
	return events
}

// primaryChanges tells what happened to the accepted primary. That it was lost
// is told by its node_down or role event and by the switch machine.
func primaryChanges(prev, next *cluster.Snapshot, v *verdict) []Event {
	var events []Event
	if next.Primary != cluster.NoNode && (prev == nil || prev.Primary != next.Primary || prev.Timeline != next.Timeline) {
		e := Event{Kind: EventPrimary, Node: next.Primary, Detail: "accepted as primary"}
		if v.guessed {
			e.Kind, e.Detail = EventUnverified, "accepted as primary by its higher timeline alone: grant REPLICATION to the monitor role to let its history be read"
		}
		events = append(events, e)
	}
	if next.Writes == cluster.WritesRefused && (prev == nil || prev.WritesWhy != next.WritesWhy) {
		events = append(events, Event{Kind: EventRefused, Node: v.rival, Detail: next.WritesWhy})
	}
	if lost := lostBytes(prev, next); lost > 0 {
		events = append(events, Event{Kind: EventWritesLost, Node: next.Primary,
			Detail: fmt.Sprintf("the former primary was at least %d bytes past the switch", lost)})
	}
	return events
}

// lostBytes tells by how much WAL the last position of the former primary that
// may have held a commit exceeds the point where the accepted timeline left its own. With
// asynchronous replication acknowledged commits may be among it; how many is
// not known here, so it is reported, not acted upon.
func lostBytes(prev, next *cluster.Snapshot) uint64 {
	if prev == nil || prev.Timeline == 0 || prev.Timeline == next.Timeline {
		return 0
	}
	var top pg.LSN
	for i := range prev.Nodes {
		if n := &prev.Nodes[i]; n.Timeline == prev.Timeline && n.Role == cluster.RolePrimary {
			top = max(top, n.SafeLSN)
		}
	}
	end, lineage := next.Resolve(pg.Position{SystemID: prev.SystemID, Timeline: prev.Timeline, LSN: top})
	if lineage != cluster.LineageLost {
		return 0
	}
	return top.Distance(end)
}
