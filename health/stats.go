package health

import (
	"time"

	"github.com/pgroute/pgroute/internal/cluster"
)

// Stats is a copy of the counters, for metrics and the status page.
type Stats struct {
	Nodes  []NodeStats // by NodeID
	Fences FenceStats
	Switch SwitchStats
	// Events counts events by kind, also those that left the ring.
	Events map[EventKind]uint64
	// Reason says why writes are as they are.
	Reason Reason
	// Replication is what the primary last told of its standbys.
	Replication Replication
}

// NodeStats counts probes of one node.
type NodeStats struct {
	Probes, Failures uint64
	// ProbeTime is the time that successful probes took in sum.
	ProbeTime time.Duration
}

// FenceStats counts fence requests.
type FenceStats struct {
	Requests uint64
	Queries  uint64 // sent to the primary
	Shared   uint64 // requests that joined a query under way
	Reused   uint64 // requests served by an earlier query
	Polls    uint64 // replay LSN queries
	Lost     uint64 // fences moved back to a switch LSN: acknowledged_writes_lost
	Results  [fenceReasons]uint64
	// Waiting is how many requests wait now; CatchUp how long each standby
	// usually takes to replay a fence.
	Waiting int
	CatchUp []time.Duration
}

// SwitchStats describes the switch machine.
type SwitchStats struct {
	State SwitchState
	Since time.Time
	// Began counts statements held, Held those held now; at all times
	// Began = Held + the sum of Ended.
	Began uint64
	Held  int
	Ended map[HoldEnd]uint64
	// Moves counts entries into each state, Holds why holding began.
	Moves map[SwitchState]uint64
	Holds map[Reason]uint64
	// Gap is how long writes were held the last time.
	Gap time.Duration
}

// stats gives the machine's counters.
func (s *switchMachine) stats() SwitchStats {
	out := SwitchStats{State: s.state, Since: s.since, Began: s.began, Held: s.held, Gap: s.gap,
		Ended: map[HoldEnd]uint64{}, Moves: map[SwitchState]uint64{}, Holds: map[Reason]uint64{}}
	for i, n := range s.ended {
		out.Ended[HoldEnd(i)] = n
	}
	for i, n := range s.moves {
		out.Moves[SwitchState(i)] = n
	}
	for i, n := range s.reason {
		out.Holds[Reason(i)] = n
	}
	return out
}

// snapshotStats copies the hub's counters.
func (h *hub) snapshotStats() FenceStats {
	h.mu.Lock()
	defer h.mu.Unlock()
	s := h.stats
	s.Waiting = len(h.asking) + len(h.inflight) + len(h.waiting)
	s.CatchUp = make([]time.Duration, len(h.known))
	for i := range h.known {
		s.CatchUp[i] = h.known[i].mean
	}
	return s
}

// count adds one observation to its node's counters.
func (s *NodeStats) count(o *observation) {
	s.Probes++
	if !o.up() {
		s.Failures++
		return
	}
	s.ProbeTime += o.at.Sub(o.sentAt)
}

// SyncStateOf gives a node's pg_stat_replication.sync_state, empty where the
// primary did not tell.
func (r *Replication) SyncStateOf(id cluster.NodeID) string {
	for i := range r.Receivers {
		if r.Receivers[i].Node == id {
			return r.Receivers[i].SyncState
		}
	}
	return ""
}
