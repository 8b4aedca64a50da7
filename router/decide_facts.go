package router

import (
	"math/bits"
	"time"

	"github.com/pgroute/pgroute/internal/cluster"
	"github.com/pgroute/pgroute/internal/pg"
)

// Wish is what somebody asked for: a hint, a session's settings, or the
// configuration. Unset fields leave the matter to the next weaker wish.
type Wish struct {
	Target Target
	// Node is the wanted node for TargetNode; NoNode when the name given is
	// not that of a node, which refuses the unit.
	Node         cluster.NodeID
	Consistency  Consistency
	HasStaleness bool
	MaxStaleness time.Duration
	// MinLSN is a token that a standby must have replayed, zero for none.
	MinLSN pg.Position
}

// asks reports whether the wish asks for anything.
func (w *Wish) asks() bool {
	return w.Target != TargetAny || w.Consistency != ConsistencyUnset || w.HasStaleness || w.MinLSN.LSN != pg.InvalidLSN
}

// Over gives w completed by what the weaker wish says. A standby must satisfy
// both tokens, which Decide cannot keep as one when their timelines differ:
// the stronger wish's token wins then.
func (w Wish) Over(weaker *Wish) Wish {
	if w.Target == TargetAny {
		w.Target, w.Node = weaker.Target, weaker.Node
	}
	if w.Consistency == ConsistencyUnset {
		w.Consistency = weaker.Consistency
	}
	if !w.HasStaleness {
		w.HasStaleness, w.MaxStaleness = weaker.HasStaleness, weaker.MaxStaleness
	}
	if w.MinLSN.LSN == pg.InvalidLSN ||
		w.MinLSN.Timeline == weaker.MinLSN.Timeline && w.MinLSN.LSN < weaker.MinLSN.LSN {
		w.MinLSN = weaker.MinLSN
	}
	return w
}

// Knowledge is what is known of the freshness that a session, or all sessions
// together, have seen. The zero value has seen nothing.
type Knowledge struct {
	// Fence covers all primary activity up to DirtySince or, when that is
	// zero, all of it.
	Fence pg.Position
	// DirtySince is when the last answer of the primary had been read; zero
	// when Fence covers everything. It must be taken after that read: a time
	// cached at the start of a loop's iteration would be too early, and a
	// probe sent in between would be taken for one that saw the commit.
	DirtySince time.Time
	// Reached is a standby that has replayed Fence in its life ReachedLife, 0
	// for none. The snapshot may not know of that yet.
	Reached     cluster.NodeID
	ReachedLife cluster.Life
	// Sticky and StickyLife name the standby that served the last read since
	// the primary's last activity; StickyLife 0 means none.
	Sticky     cluster.NodeID
	StickyLife cluster.Life
	// ReadAt is when that read's answer was complete, taken like DirtySince.
	ReadAt time.Time
}

// Cover notes that fence covers all primary activity and that a standby has
// replayed it.
func (k *Knowledge) Cover(fence pg.Position, reached cluster.NodeID, life cluster.Life) {
	k.Fence, k.DirtySince = fence, time.Time{}
	k.Reached, k.ReachedLife = reached, life
}

// Bound says why a unit cannot choose its node any more.
type Bound uint8

// Bounds, weakest first.
const (
	BoundNone Bound = iota
	BoundPin
	BoundBatch
	BoundTransaction
)

// Facts is what a session is when one of its units is to be placed.
type Facts struct {
	// Bound and BoundTo name the link that cannot be left. A pin that lets
	// reads go elsewhere (LISTEN, advisory locks) is not a bound: what it
	// keeps is on the primary, where everything but reads goes anyway.
	Bound   Bound
	BoundTo cluster.NodeID
	// ReadOnly: default_transaction_read_only is on, so a plain BEGIN opens
	// a read-only transaction.
	ReadOnly bool
	// Serializable: default_transaction_isolation is serializable.
	Serializable bool
	// BehindReads counts the session's reads in a row that went to the
	// primary because no standby was expected to catch up in time.
	BehindReads uint8
	// Wish is what the session's SETs, startup options and the configuration
	// ask for, merged in this order by Wish.Over.
	Wish    Wish
	Session Knowledge
	// Shared is what all sessions of this pgroute have seen; used at
	// ConsistencyProxy, nil otherwise allowed.
	Shared *Knowledge
}

// PrimaryReads says when reads may go to the primary (read_from_primary).
type PrimaryReads uint8

// Values of read_from_primary.
const (
	// PrimaryFallback: when no standby can serve the read.
	PrimaryFallback PrimaryReads = iota
	// PrimaryAlways: the primary is a candidate like every standby.
	PrimaryAlways
	// PrimaryNever: reads are held until a standby can serve them.
	PrimaryNever
)

// Policy is the part of the configuration that Decide follows.
type Policy struct {
	Shadow       bool
	PrimaryReads PrimaryReads
	FenceWait    time.Duration
	// Prefer names the zone whose standbys are taken while one is eligible.
	Prefer string
	// WarmUp is how long a standby that became readable takes to reach its
	// full share; zero gives it at once.
	WarmUp time.Duration
}

// NodeLoad is what the data path knows of one node.
type NodeLoad struct {
	// Outstanding counts the units sent and not answered.
	Outstanding int32
	// Latency is a moving average of reads there, zero while unknown.
	Latency time.Duration
	// ReadableSince is when the node became eligible after it had not been;
	// zero when it always was.
	ReadableSince time.Time
}

// View is what a decision sees of the world: one snapshot, the load by
// NodeID (missing entries count as idle), and the policy.
type View struct {
	Snap   *cluster.Snapshot
	Load   []NodeLoad
	Policy *Policy
	// CatchUp is how long standbys recently took to reach a fresh fence;
	// zero while unknown.
	CatchUp time.Duration
}

// NodeSet is a set of nodes by NodeID. Nodes from MaxNodes on are never in it.
type NodeSet uint64

// MaxNodes bounds the nodes a decision considers.
const MaxNodes = 64

// Has reports whether the node is in the set.
func (s NodeSet) Has(id cluster.NodeID) bool {
	return id >= 0 && id < MaxNodes && s&(1<<uint(id)) != 0
}

// With gives the set with the node added.
func (s NodeSet) With(id cluster.NodeID) NodeSet {
	if id < 0 || id >= MaxNodes {
		return s
	}
	return s | 1<<uint(id)
}

// Without gives the set with the node removed.
func (s NodeSet) Without(id cluster.NodeID) NodeSet {
	if id < 0 || id >= MaxNodes {
		return s
	}
	return s &^ (1 << uint(id))
}

// first gives the lowest node of a set that is not empty.
func (s NodeSet) first() cluster.NodeID {
	return cluster.NodeID(bits.TrailingZeros64(uint64(s)))
}
