package cluster

import (
	"strconv"
	"time"

	"github.com/pgroute/pgroute/internal/pg"
)

// NodeID is the index of a node in the configured list, and so in
// Snapshot.Nodes; it never changes while the configuration stays.
type NodeID int16

// NoNode stands where no node is meant.
const NoNode NodeID = -1

// Role is what a node was last seen to be.
type Role uint8

// Roles. A node that has not answered yet is RoleUnknown. RoleDeposed is a
// writable node that is not the accepted primary: it gets nothing.
const (
	RoleUnknown Role = iota
	RolePrimary
	RoleStandby
	RoleDeposed
)

// String gives the role's name as metrics and the status page show it.
func (r Role) String() string {
	switch r {
	case RolePrimary:
		return "primary"
	case RoleStandby:
		return "standby"
	case RoleDeposed:
		return "deposed"
	}
	return "unknown"
}

// Life numbers the uninterrupted stretches of a node's service, as told by
// the monitor connection: one that breaks begins a new life, because a
// standby that restarts recovery can go backwards while its postmaster keeps
// its start time. Replay positions are known only for the life that reported
// them. Zero is no life: never confirmed.
type Life uint64

// Exclusion says why a node is given no reads, or that it is eligible.
type Exclusion uint8

// Exclusions, in the order in which they are judged.
const (
	Eligible Exclusion = iota
	ExcludedUnreachable
	ExcludedNotStandby
	ExcludedTimeline
	ExcludedForeignSystem
	ExcludedLagBytes
	ExcludedLagTime
	ExcludedReplayUnknown
	exclusions
)

var exclusionNames = [exclusions]string{
	"eligible", "unreachable", "not_standby", "timeline", "foreign_system",
	"lag_bytes", "lag_time", "replay_unknown",
}

// String gives the label used in metrics, logs and explanations.
func (e Exclusion) String() string {
	if e < exclusions {
		return exclusionNames[e]
	}
	return "exclusion " + strconv.Itoa(int(e))
}

// Exclusions lists every value, for metrics that start at zero.
func Exclusions() []Exclusion {
	all := make([]Exclusion, exclusions)
	for i := range all {
		all[i] = Exclusion(i)
	}
	return all
}

// Node is what is known of one node at the time of a snapshot. Positions are
// pg.InvalidLSN and times zero while unknown.
type Node struct {
	ID   NodeID
	Name string // unique; from the configuration, else host:port
	Addr string // host:port or the path of a Unix socket
	Zone string // configured label, may be empty
	// Weight scales how much outstanding work a standby takes; 1 is usual,
	// 0 means none.
	Weight int

	Role     Role
	Up       bool // answered the last probe
	Life     Life
	Timeline pg.TimelineID

	// InsertLSN is pg_current_wal_insert_lsn() of a primary, already turned
	// into the end of its last record (pg.LSN.RecordEnd).
	InsertLSN pg.LSN
	// FlushLSN is pg_current_wal_flush_lsn() of a primary. Standbys get no
	// more than that; it may lie within a record.
	FlushLSN pg.LSN
	// SafeLSN of the accepted primary is the lowest position known to cover
	// every commit acknowledged before SampledAt: a standby that has replayed
	// it shows them all. InsertLSN, or less when what follows was not flushed
	// for so long that no commit can be in there.
	SafeLSN pg.LSN
	// ReplayLSN is pg_last_wal_replay_lsn(): everything up to it is visible.
	ReplayLSN pg.LSN
	// ReplayBound is a position that nothing visible on this standby is past:
	// the receive LSN when replay has not overtaken it, else InvalidLSN.
	ReplayBound pg.LSN
	// SampledAt is when the query that told the positions was sent.
	SampledAt time.Time

	LagBytes uint64        // behind what the primary has flushed
	LagTime  time.Duration // bounded staleness by the LSN ring, at SampledAt
	// FreshAt bounds staleness at any later moment t by t - FreshAt: whatever
	// the primary had committed before it was visible here at SampledAt. Zero
	// while unknown.
	FreshAt   time.Time
	Exclusion Exclusion // Eligible for a standby that may be read

	ReceiverStatus string // pg_stat_wal_receiver.status, where permitted
	Sender         string // host:port the standby streams from, where known
	SyncState      string // pg_stat_replication.sync_state, where permitted
	Version        int    // server_version_num
	LastError      string // of the last failed probe; no secrets
	Since          time.Time
}
