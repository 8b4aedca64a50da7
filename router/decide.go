package router

import (
	"time"

	"github.com/pgroute/pgroute/internal/cluster"
	"github.com/pgroute/pgroute/internal/pg"
)

// Block says what kind of transaction block a unit opens.
type Block uint8

// Blocks.
const (
	// BlockNone: it opens none.
	BlockNone Block = iota
	// BlockDefault: BEGIN without an access mode; the session's default rules.
	BlockDefault
	// BlockReadOnly: BEGIN READ ONLY and what amounts to it.
	BlockReadOnly
	// BlockPrimary: READ WRITE, SERIALIZABLE or DEFERRABLE.
	BlockPrimary
)

// Unit is what Decide must know of the statements that travel together: one
// Query, or one extended batch.
type Unit struct {
	Class  Class
	Reason Reason
	Block  Block
	// Isolated: the block names an isolation level, so the session's default
	// does not count.
	Isolated bool
	// Wish is the hint, its node already looked up (see Wish.Node).
	Wish Wish
}

// Decision says what to do with a unit. It is a value; nothing in it refers
// to the snapshot it was made from.
type Decision struct {
	Action Action
	Cause  Cause
	// Otherwise, OtherwiseNode and OtherwiseLife are what to do when, for
	// ActionFence, no standby got there in time.
	Otherwise Action
	// Would and WouldNode tell, when Cause is CauseShadow, where the unit
	// would have gone.
	Would Action

	// Node and Life name the server for ActionPrimary, ActionStandby and
	// ActionBound.
	Node          cluster.NodeID
	OtherwiseNode cluster.NodeID
	WouldNode     cluster.NodeID
	shared        bool // the knowledge of all sessions was asked
	covers        bool // see Covers
	Life          cluster.Life
	OtherwiseLife cluster.Life

	// Standbys are those that may serve the unit once they have replayed
	// Fence, which is zero when it must be asked of the primary in a query
	// sent after the decision. For ActionFence only.
	Standbys NodeSet
	Fence    pg.Position
}

// Since gives the moment after which the fence must have been asked for, when
// a decision waits for one that is not known; zero for the moment of the
// decision. A question that was already sent after it will do.
func (d *Decision) Since(f *Facts) time.Time {
	k := &f.Session
	if d.shared {
		k = f.Shared
	}
	if d.Fence.LSN != pg.InvalidLSN {
		return time.Time{}
	}
	switch d.Cause {
	case CauseFenceUnknown, CauseFenceMonotonic, CauseFenceRebalance:
		if k.StickyLife != 0 && k.ReadAt.After(k.DirtySince) {
			return k.ReadAt
		}
		return k.DirtySince
	}
	return time.Time{}
}

// Covers reports whether a standby that satisfies the fence has everything the
// session has written and seen, so that it may be kept as the session's fence.
// At the eventual level a known fence is only somebody's token.
func (d *Decision) Covers() bool { return d.covers || d.Fence.LSN == pg.InvalidLSN }

// Decide places a unit. It is pure and allocates nothing; rnd is any random
// number, now the time of the decision.
func Decide(f *Facts, u *Unit, v *View, rnd uint32, now time.Time) (d Decision) {
	if f.Bound != BoundNone {
		return bound(f, v)
	}
	place(&d, f, u, v, rnd, now)
	if v.Policy.Shadow && (d.Action == ActionStandby || d.Action == ActionFence) {
		would := d
		d = toPrimary(v, CauseShadow)
		d.Would, d.WouldNode = would.Action, would.Node
	}
	return d
}

// bound leaves a unit where its session is linked.
func bound(f *Facts, v *View) Decision {
	d := Decision{Action: ActionBound, Node: f.BoundTo, Cause: CausePinned}
	switch f.Bound {
	case BoundTransaction:
		d.Cause = CauseInTransaction
	case BoundBatch:
		d.Cause = CauseInBatch
	}
	if n := v.Snap.Node(f.BoundTo); n != nil {
		d.Life = n.Life
	}
	return d
}

// place follows, in this order: the hint or the session's wish for a place,
// the statement's class, the consistency asked for, the load. It fills d, which is zero, because a Decision is dear to copy.
func place(d *Decision, f *Facts, u *Unit, v *View, rnd uint32, now time.Time) {
	w := &f.Wish
	if u.Wish.asks() {
		merged := u.Wish.Over(w)
		w = &merged
	}
	switch w.Target {
	case TargetPrimary:
		*d = toPrimary(v, CauseAskedPrimary)
		return
	case TargetNode:
		*d = toNode(f, u, v, w, now)
		return
	}
	cause, reads := standbyCause(f, u)
	if w.Target == TargetStandby {
		cause = CauseAskedStandby
	} else if !reads {
		*d = toPrimary(v, cause)
		return
	}
	q := query{f: f, v: v, wish: w, now: now, cause: cause, mayFallBack: reads}
	q.learn()
	q.judgeAll()
	q.choose(d, rnd)
}

// standbyCause tells whether a unit may be served by a standby, and the cause
// to give for its place.
func standbyCause(f *Facts, u *Unit) (Cause, bool) {
	if u.Block != BlockNone {
		serializable := f.Serializable && !u.Isolated
		switch {
		case u.Block == BlockPrimary:
			return CauseTransaction, false
		case u.Block == BlockDefault && !f.ReadOnly:
			return CauseTransaction, false
		case serializable:
			return CauseSerializable, false
		}
		return CauseReadOnlyTransaction, true
	}
	switch u.Class {
	case ClassRead:
		if f.Serializable {
			return CauseSerializable, false
		}
		return CauseRead, true
	case ClassWrite:
		return CauseWrite, false
	case ClassSession:
		return CauseSession, false
	case ClassTransaction:
		return CauseTransaction, false
	}
	return CauseUnknownStatement, false
}

// toPrimary sends a unit to the accepted primary, or holds or refuses it
// while there is none.
func toPrimary(v *View, cause Cause) Decision {
	switch v.Snap.Writes {
	case cluster.WritesRefused:
		return Decision{Action: ActionRefuse, Cause: CauseSplitBrain, Node: cluster.NoNode}
	case cluster.WritesStartup:
		return Decision{Action: ActionHold, Cause: CauseNoPrimaryYet, Node: cluster.NoNode}
	}
	p := v.Snap.PrimaryNode()
	if p == nil || v.Snap.Writes == cluster.WritesLost {
		return Decision{Action: ActionHold, Cause: CausePrimaryLost, Node: cluster.NoNode}
	}
	return Decision{Action: ActionPrimary, Cause: cause, Node: p.ID, Life: p.Life}
}

// toNode sends a unit to the node it names. A standby beyond its lag limits
// or without weight is good enough for whoever names it; one that is down or
// on another timeline is not. Fences hold here too.
func toNode(f *Facts, u *Unit, v *View, w *Wish, now time.Time) (d Decision) {
	n := v.Snap.Node(w.Node)
	switch {
	case n == nil:
		return Decision{Action: ActionRefuse, Cause: CauseUnknownNode, Node: cluster.NoNode}
	case w.Node == v.Snap.Primary:
		return toPrimary(v, CauseAskedNode)
	case !readableWhenNamed(n):
		return Decision{Action: ActionRefuse, Cause: CauseNodeUnusable, Node: n.ID}
	}
	_, reads := standbyCause(f, u)
	q := query{f: f, v: v, wish: w, now: now, cause: CauseAskedNode, mayFallBack: reads}
	q.learn()
	q.sort(n)
	q.choose(&d, 0)
	return d
}

// readableWhenNamed reports whether a unit may go to a node that a hint names.
func readableWhenNamed(n *cluster.Node) bool {
	switch n.Exclusion {
	case cluster.Eligible, cluster.ExcludedLagBytes, cluster.ExcludedLagTime:
		return n.Up && n.Role == cluster.RoleStandby
	}
	return false
}
