package health

import (
	"time"

	"github.com/pgroute/pgroute/internal/cluster"
	"github.com/pgroute/pgroute/internal/pg"
)

// EventKind names what happened.
type EventKind uint8

// Event kinds.
const (
	EventNodeUp EventKind = iota
	EventNodeDown
	EventRole       // a node's role changed
	EventLife       // a node's monitor connection began a new life
	EventPrimary    // a primary was accepted, or answers again
	EventUnverified // a primary was accepted without reading its history
	EventRefused    // writes are refused
	EventWritesLost // acknowledged writes may be missing after a switch
	EventExcluded   // a standby gets no reads any more
	EventEligible   // a standby gets reads again
	EventSwitch     // the switch machine moved
	EventHistory    // a timeline history could not be read
	EventStateFile  // the state file could not be written
	eventKinds
)

var eventNames = [eventKinds]string{
	"node_up", "node_down", "role", "life", "primary", "primary_unverified", "writes_refused",
	"acknowledged_writes_lost", "standby_excluded", "standby_eligible", "switch", "history", "state_file",
}

// String gives the label used in SHOW EVENTS.
func (k EventKind) String() string {
	if k < eventKinds {
		return eventNames[k]
	}
	return "unknown"
}

// EventKinds lists every value.
func EventKinds() []EventKind {
	all := make([]EventKind, eventKinds)
	for i := range all {
		all[i] = EventKind(i)
	}
	return all
}

// Event is one entry of the bounded log of what happened to the cluster.
type Event struct {
	At       time.Time
	Kind     EventKind
	Node     cluster.NodeID // NoNode when it concerns no single node
	Name     string         // of the node
	Timeline pg.TimelineID
	Reason   Reason // of a switch
	Detail   string // plain words, no secrets
}

// eventRing keeps the newest events.
type eventRing struct {
	events []Event
	next   int
	counts [eventKinds]uint64
}

// eventLimit bounds the ring.
const eventLimit = 256

func (r *eventRing) add(e Event) {
	r.counts[e.Kind]++
	if len(r.events) < eventLimit {
		r.events = append(r.events, e)
		return
	}
	r.events[r.next] = e
	r.next = (r.next + 1) % eventLimit
}

// list copies the events, oldest first.
func (r *eventRing) list() []Event {
	all := make([]Event, 0, len(r.events))
	all = append(all, r.events[r.next:]...)
	return append(all, r.events[:r.next]...)
}
