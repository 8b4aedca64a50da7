package router

import (
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/pgroute/pgroute/internal/cluster"
	"github.com/pgroute/pgroute/internal/pg"
)

// twin decides as the design says it, without regard to cost and without a
// line of Decide's. It gives the action and cause, the nodes of which any may
// be chosen, and the fence. Load is left out: it chooses among nodes.
type twin struct {
	f   *Facts
	u   *Unit
	v   *View
	now time.Time
}

// ruling is what the twin says.
type ruling struct {
	action Action
	cause  Cause
	nodes  []cluster.NodeID // for ActionPrimary, ActionStandby, ActionBound
	among  []cluster.NodeID // for ActionFence
	fence  pg.LSN
	other  Action
	// orLeave: a fence to rebalance is as good, then from the node of nodes.
	orLeave bool
	// orShare: the primary may have been chosen as one of several.
	orShare bool
}

func (w *twin) primary(cause Cause) ruling {
	switch {
	case w.v.Snap.Writes == cluster.WritesRefused:
		return ruling{action: ActionRefuse, cause: CauseSplitBrain}
	case w.v.Snap.Writes == cluster.WritesStartup:
		return ruling{action: ActionHold, cause: CauseNoPrimaryYet}
	case w.v.Snap.Writes == cluster.WritesLost || w.v.Snap.Primary == cluster.NoNode:
		return ruling{action: ActionHold, cause: CausePrimaryLost}
	}
	return ruling{action: ActionPrimary, cause: cause, nodes: []cluster.NodeID{w.v.Snap.Primary}}
}

func (w *twin) decide() ruling {
	if w.f.Bound != BoundNone {
		cause := []Cause{0, CausePinned, CauseInBatch, CauseInTransaction}[w.f.Bound]
		return ruling{action: ActionBound, cause: cause, nodes: []cluster.NodeID{w.f.BoundTo}}
	}
	o := w.free()
	if w.v.Policy.Shadow && (o.action == ActionStandby || o.action == ActionFence) {
		p := w.primary(CauseShadow)
		p.orShare = slices.Contains(o.nodes, w.v.Snap.Primary)
		return p
	}
	return o
}

// wish is the first of hint and session that asks for something, field by field.
func (w *twin) wish() (target Target, node cluster.NodeID, level Consistency, stale time.Duration, token []pg.Position) {
	target, node, level, stale = w.f.Wish.Target, w.f.Wish.Node, w.f.Wish.Consistency, -1
	if w.u.Wish.Target != TargetAny {
		target, node = w.u.Wish.Target, w.u.Wish.Node
	}
	if w.u.Wish.Consistency != ConsistencyUnset {
		level = w.u.Wish.Consistency
	}
	for _, x := range []*Wish{&w.f.Wish, &w.u.Wish} {
		if x.HasStaleness {
			stale = x.MaxStaleness
		}
	}
	if w.f.Wish.MinLSN.LSN != 0 {
		token = append(token, w.f.Wish.MinLSN)
	}
	return target, node, level, stale, token
}

// class tells whether the unit is a read, and the cause.
func (w *twin) class() (read bool, cause Cause) {
	readOnly := w.u.Block == BlockReadOnly || w.u.Block == BlockDefault && w.f.ReadOnly
	switch {
	case w.u.Block != BlockNone && !readOnly:
		return false, CauseTransaction
	case w.u.Block != BlockNone && w.f.Serializable && !w.u.Isolated:
		return false, CauseSerializable
	case w.u.Block != BlockNone:
		return true, CauseReadOnlyTransaction
	case w.u.Class == ClassRead && w.f.Serializable:
		return false, CauseSerializable
	}
	causes := map[Class]Cause{
		ClassRead: CauseRead, ClassWrite: CauseWrite, ClassSession: CauseSession,
		ClassTransaction: CauseTransaction, ClassUnknown: CauseUnknownStatement,
	}
	return w.u.Class == ClassRead, causes[w.u.Class]
}

func (w *twin) free() ruling {
	target, node, _, _, _ := w.wish()
	read, cause := w.class()
	var usable []cluster.NodeID
	switch target {
	case TargetPrimary:
		return w.primary(CauseAskedPrimary)
	case TargetNode:
		if node < 0 || int(node) >= len(w.v.Snap.Nodes) {
			return ruling{action: ActionRefuse, cause: CauseUnknownNode}
		}
		if node == w.v.Snap.Primary {
			return w.primary(CauseAskedNode)
		}
		n := w.v.Snap.Nodes[node]
		lag := n.Exclusion == cluster.ExcludedLagBytes || n.Exclusion == cluster.ExcludedLagTime
		if !n.Up || n.Role != cluster.RoleStandby || n.Exclusion != cluster.Eligible && !lag {
			return ruling{action: ActionRefuse, cause: CauseNodeUnusable, nodes: []cluster.NodeID{node}}
		}
		usable, cause = []cluster.NodeID{node}, CauseAskedNode
	default:
		if target == TargetStandby {
			cause = CauseAskedStandby
		} else if !read {
			return w.primary(cause)
		}
		for _, n := range w.v.Snap.Nodes {
			if n.Role == cluster.RoleStandby && n.Exclusion == cluster.Eligible && n.Weight > 0 {
				usable = append(usable, n.ID)
			}
		}
	}
	return w.read(cause, read, usable)
}

// need is a set of positions to be replayed; ask says that they do not suffice.
type need struct {
	lsn pg.LSN
	ask bool
}

// known is the safe position of the accepted primary, if probed after t.
func (w *twin) known(t time.Time) (pg.LSN, bool) {
	s := w.v.Snap
	if s.Primary == cluster.NoNode {
		return 0, false
	}
	p := s.Nodes[s.Primary]
	return p.SafeLSN, p.SafeLSN != 0 && p.Timeline == s.Timeline && p.SampledAt.After(t)
}

// at is what must have been replayed for a position to be covered.
func (w *twin) at(p pg.Position) need {
	lsn, lineage := w.v.Snap.Resolve(p)
	if lineage != cluster.LineageUnknown {
		return need{lsn: lsn}
	}
	insert, ok := w.known(time.Time{})
	return need{insert, !ok}
}

// fence is what every standby must have replayed.
func (w *twin) fence(level Consistency, token []pg.Position) (all need, k *Knowledge) {
	add := func(n need) { all = need{max(all.lsn, n.lsn), all.ask || n.ask} }
	for _, p := range token {
		add(w.at(p))
	}
	k = &w.f.Session
	if level == ConsistencyProxy && w.f.Shared != nil {
		k = w.f.Shared
	}
	switch {
	case level == ConsistencyEventual:
		return all, nil
	case level == ConsistencyStrong:
		add(need{ask: true})
		return all, nil
	case !k.DirtySince.IsZero():
		insert, ok := w.known(k.DirtySince)
		add(need{insert, !ok})
	case k.Fence.LSN != 0:
		add(w.at(k.Fence))
	}
	return all, k
}

// replayed is what a standby is known to have replayed: what its probe showed,
// and what the session has waited for there.
func (w *twin) replayed(id cluster.NodeID, k *Knowledge) pg.LSN {
	n := w.v.Snap.Nodes[id]
	if k == nil || k.Fence.LSN == 0 || !k.DirtySince.IsZero() || k.ReachedLife != n.Life || k.Reached != id {
		return n.ReplayLSN
	}
	if own := w.at(k.Fence); w.knows(k.Fence) {
		return max(n.ReplayLSN, own.lsn)
	}
	return n.ReplayLSN
}

// knows reports whether a position belongs to the accepted history.
func (w *twin) knows(p pg.Position) bool {
	_, lineage := w.v.Snap.Resolve(p)
	return lineage != cluster.LineageUnknown
}

// move is what a standby other than the last one must have replayed.
func (w *twin) move(k *Knowledge) (sticky cluster.NodeID, n need) {
	if k == nil || k.StickyLife == 0 {
		return cluster.NoNode, need{}
	}
	var bounds []pg.LSN
	sticky = cluster.NoNode
	a := w.v.Snap.Nodes[k.Sticky]
	if a.Life == k.StickyLife {
		sticky = k.Sticky
		if a.ReplayBound != 0 && a.Timeline == w.v.Snap.Timeline && a.SampledAt.After(k.ReadAt) {
			bounds = append(bounds, a.ReplayBound)
		}
	}
	if insert, ok := w.known(k.ReadAt); ok {
		bounds = append(bounds, insert)
	}
	if len(bounds) == 0 {
		return sticky, need{ask: true}
	}
	return sticky, need{lsn: slices.Min(bounds)}
}

func (w *twin) read(cause Cause, read bool, usable []cluster.NodeID) ruling {
	_, _, level, stale, token := w.wish()
	all, k := w.fence(level, token)
	sticky, move := w.move(k)
	var ready []cluster.NodeID
	outByAge, outByMove := false, false
	for _, id := range usable {
		n := w.v.Snap.Nodes[id]
		fresh := stale < 0 || !n.FreshAt.IsZero() && w.now.Sub(n.FreshAt) <= stale
		switch {
		case all.ask:
		case w.replayed(id, k) < all.lsn:
			outByMove = outByMove || id != sticky && move.ask
		case !fresh:
			outByAge = true
		case id != sticky && (move.ask || w.replayed(id, k) < move.lsn):
			outByMove = true
		default:
			ready = append(ready, id)
		}
	}
	if len(ready) > 0 {
		return w.among(ready, usable, sticky, cause)
	}
	other := w.primary(CauseNoStandby)
	if !read || w.v.Policy.PrimaryReads == PrimaryNever {
		other = ruling{action: ActionHold, cause: CauseNoStandby}
	}
	mustAsk := all.ask || outByAge || outByMove && move.ask
	asked := cause == CauseAskedStandby || cause == CauseAskedNode
	switch {
	case len(usable) == 0, mustAsk && w.v.Snap.Primary == cluster.NoNode:
		return other
	case other.action == ActionPrimary && !asked && w.v.CatchUp > w.v.Policy.FenceWait && w.f.BehindReads < 8:
		other.cause = CauseFenceSlow
		return other
	}
	o := ruling{action: ActionFence, among: usable, other: other.action, cause: CauseFenceAhead}
	switch {
	case all.ask && level == ConsistencyStrong && !w.tokenUnknown(token):
		o.cause = CauseFenceStrong
	case all.ask:
		o.cause = CauseFenceUnknown
	case outByAge:
		o.cause = CauseFenceStale
	case outByMove:
		o.cause = CauseFenceMonotonic
	}
	if !mustAsk {
		o.fence = max(all.lsn, move.lsn)
	}
	return o
}

// tokenUnknown reports that a token alone makes the fence be asked for.
func (w *twin) tokenUnknown(token []pg.Position) bool {
	for _, p := range token {
		if w.at(p).ask {
			return true
		}
	}
	return false
}

// among says which of the ready nodes may be taken.
func (w *twin) among(ready, usable []cluster.NodeID, sticky cluster.NodeID, cause Cause) ruling {
	set := slices.Clone(ready)
	asked := cause == CauseAskedStandby || cause == CauseAskedNode
	s := w.v.Snap
	if w.v.Policy.PrimaryReads == PrimaryAlways && !asked && s.Primary != cluster.NoNode &&
		s.Writes == cluster.WritesOpen && s.Nodes[s.Primary].Weight > 0 {
		set = append(set, s.Primary)
	}
	var near []cluster.NodeID
	for _, id := range set {
		if w.v.Policy.Prefer != "" && s.Nodes[id].Zone == w.v.Policy.Prefer {
			near = append(near, id)
		}
	}
	if len(near) > 0 {
		set = near
	}
	alone := len(ready) == 1 && ready[0] == sticky && len(usable) > 1
	return ruling{action: ActionStandby, cause: cause, nodes: set, orLeave: cause == CauseRead && alone}
}

// agrees compares a decision with what the twin allows.
func (o *ruling) agrees(d Decision, snap *cluster.Snapshot, sticky cluster.NodeID) bool {
	if o.orLeave && d.Cause == CauseFenceRebalance {
		return d.Action == ActionFence && d.OtherwiseNode == sticky && d.Otherwise == ActionStandby && !d.Standbys.Has(sticky)
	}
	if o.orShare && d.Cause == CauseReadOnPrimary {
		return d.Node == snap.Primary
	}
	if o.action == ActionStandby && d.Action == ActionPrimary {
		return d.Cause == CauseReadOnPrimary && d.Node == snap.Primary && slices.Contains(o.nodes, d.Node)
	}
	cause := d.Cause
	if cause == CauseReadSticky && d.Node == sticky {
		cause = CauseRead
	}
	if d.Action != o.action || cause != o.cause {
		return false
	}
	if d.Action == ActionFence {
		var among NodeSet
		for _, id := range o.among {
			among = among.With(id)
		}
		return d.Standbys == among && d.Fence.LSN == o.fence && d.Otherwise == o.other
	}
	if len(o.nodes) == 0 {
		return d.Node == cluster.NoNode
	}
	return slices.Contains(o.nodes, d.Node) && (d.Action != ActionStandby || d.Life == snap.Nodes[d.Node].Life)
}

// TestDecideAgreesWithItsTwin compares the two in random worlds.
func TestDecideAgreesWithItsTwin(t *testing.T) {
	seed := uint64(time.Now().UnixNano())
	r := rand.New(rand.NewPCG(seed, 1))
	actions := map[Action]int{}
	seen := map[Cause]int{}
	for range 100_000 {
		w := randomWorld(r)
		d := Decide(w.f, w.u, w.v, r.Uint32(), w.now)
		o := w.decide()
		sticky := cluster.NoNode
		if _, k := w.fence(w.level(), nil); k != nil {
			sticky, _ = w.move(k)
		}
		if !o.agrees(d, w.v.Snap, sticky) {
			t.Fatalf("seed %d\ndecided %v\ntwin    %+v\nfacts %+v\nunit %+v\nsnapshot %+v", seed, d, o, *w.f, *w.u, *w.v.Snap)
		}
		actions[d.Action]++
		seen[d.Cause]++
	}
	for _, a := range Actions() {
		if actions[a] == 0 {
			t.Errorf("no decision to %s in all worlds", a)
		}
	}
	for _, c := range Causes() {
		if seen[c] == 0 {
			t.Errorf("no decision for %s in all worlds", c)
		}
	}
}

func (w *twin) level() Consistency {
	_, _, level, _, _ := w.wish()
	return level
}
