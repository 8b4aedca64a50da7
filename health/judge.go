package health

import (
	"fmt"
	"time"

	"github.com/pgroute/pgroute/internal/cluster"
	"github.com/pgroute/pgroute/internal/pg"
)

// judge holds what is known of the cluster and turns each new observation into
// a snapshot. It performs no I/O, starts nothing and reads no clock, and is
// used by one goroutine at a time.
type judge struct {
	static []cluster.Node // the configured part of each node
	limits limits

	acc     accepted      // what is followed
	obs     []observation // newest of each node, by NodeID
	asked   []bool        // whether a node was ever probed
	lags    []lag         // with their hysteresis
	ring    *ring         // where the accepted primary's commits ended when
	flushed *ring         // and up to where its WAL was flushed
	tail    tail          // what of it is inserted and not flushed
	verdict verdict       // newest decision

	nodes   []cluster.Node // of the newest snapshot
	version uint64
	segment uint64 // wal_segment_size in bytes
}

// notAsked stands for the answer of a node that was not probed yet.
const notAsked = "not asked yet"

// ringLimit bounds the LSN ring; at one probe per half second it covers a
// quarter of an hour before it thins out.
const ringLimit = 2048

// newJudge starts with nothing observed and what the state file remembered.
func newJudge(static []cluster.Node, lim limits, acc accepted) *judge {
	n := len(static)
	acc.primary = cluster.NoNode
	j := &judge{
		static: static, limits: lim, acc: acc,
		ring: newRing(ringLimit), flushed: newRing(ringLimit),
		obs: make([]observation, n), asked: make([]bool, n), lags: make([]lag, n),
		segment: pg.DefaultWALSegmentSize,
	}
	for i := range j.obs {
		j.obs[i] = observation{node: cluster.NodeID(i), err: notAsked}
	}
	return j
}

// start gives the snapshot before anything was observed.
func (j *judge) start(now time.Time) *cluster.Snapshot {
	j.rule()
	return j.publish(now)
}

// observe takes one observation in and gives the snapshot that follows.
func (j *judge) observe(o observation, now time.Time) *cluster.Snapshot {
	prev := &j.obs[o.node]
	j.asked[o.node] = true
	if o.up() {
		o = continued(o, prev, j.acc.timeline)
		j.segment = o.segmentSize
	} else {
		o = lastKnown(o, prev)
	}
	j.obs[o.node] = o
	j.rule()
	if p := j.verdict.primary; p != cluster.NoNode {
		// Its sample may have come before it was accepted.
		j.primarySeen(&j.obs[p])
	}
	return j.publish(now)
}

// primarySeen takes in where the accepted primary's WAL ends. The same
// observation comes again whenever another node is observed; what it covers
// was found out when it was new.
func (j *judge) primarySeen(o *observation) {
	if o.safe != pg.InvalidLSN {
		return
	}
	o.safe = j.tail.see(o.life, o.sentAt, o.at, o.walState)
	j.walSeen(o.sentAt, o.walState)
}

// walSeen moves the rings along.
func (j *judge) walSeen(sentAt time.Time, w walState) {
	j.ring.add(sentAt, w.insert)
	j.ring.collapse(j.tail.recordsEnd(j.tail.flush), j.tail.quiet)
	j.flushed.add(sentAt, min(j.tail.recordsEnd(w.flush), w.insert))
}

// insertSeen takes in the end of the primary's WAL as another query told it,
// and gives the lowest position that covers the commits acknowledged before
// that was sent. coarse leaves the rings alone.
func (j *judge) insertSeen(node cluster.NodeID, life cluster.Life, sentAt, at time.Time, w walState, coarse bool) pg.LSN {
	o := &j.obs[node]
	if node != j.verdict.primary || !o.up() || o.life != life {
		return w.insert
	}
	w.window = o.window
	safe := j.tail.see(life, sentAt, at, w)
	if !coarse {
		j.walSeen(sentAt, w)
	}
	return safe
}

// straddling names a record of the accepted primary that may straddle its
// flush LSN: the furthest standby stands before it.
func (j *judge) straddling(node cluster.NodeID) (straddler, bool) {
	if node != j.verdict.primary || j.tail.life != j.obs[node].life {
		return straddler{}, false
	}
	var replay pg.LSN
	for i := range j.obs {
		if o := &j.obs[i]; o.up() && o.inRecovery && o.systemID == j.acc.systemID && o.timeline == j.acc.timeline {
			replay = max(replay, o.replay)
		}
	}
	return straddler{j.tail.flush, replay}, j.tail.suspect(replay)
}

// proven takes in that a record straddles the flush LSN.
func (j *judge) proven(life cluster.Life, s straddler) {
	if j.tail.life == life {
		j.tail.proof = s
	}
}

// continued joins an answer to what the same life told before: within a life
// neither the timeline nor the replayed position of a standby goes back. The
// control file may show an older timeline when no receiver runs, and answers
// on two connections may overtake one another.
func continued(o observation, prev *observation, timeline pg.TimelineID) observation {
	if o.life != prev.life || !prev.inRecovery {
		o.witnessed = o.life == prev.life && prev.witnessed
		return o
	}
	if o.inRecovery {
		o.timeline = max(o.timeline, prev.timeline)
		o.replay = max(o.replay, prev.replay)
		return o
	}
	o.witnessed = prev.timeline == timeline && timeline != 0
	return o
}

// lastKnown keeps what a node that does not answer was last seen to be, for
// display; its life is over, so no position counts.
func lastKnown(o observation, prev *observation) observation {
	o.sample, o.history, o.sentAt, o.safe = prev.sample, prev.history, prev.sentAt, prev.safe
	o.life = 0
	return o
}

// rule decides about the succession and moves the LSN ring along.
func (j *judge) rule() {
	before := j.acc
	j.verdict = decide(j.acc, j.obs, j.allAsked())
	j.acc = j.verdict.acc
	if before.timeline == j.acc.timeline && before.systemID == j.acc.systemID {
		return
	}
	// Up to the switch LSN both timelines hold the same records, so what is
	// known of the time before stays true.
	i := indexOf(j.acc.history, before.timeline)
	if i < 0 || j.acc.history[i].End == pg.InvalidLSN {
		j.ring.clear()
		j.flushed.clear()
		return
	}
	j.ring.cut(j.acc.history[i].End)
	j.flushed.cut(j.acc.history[i].End)
}

// allAsked reports whether every node was probed at least once.
func (j *judge) allAsked() bool {
	for _, a := range j.asked {
		if !a {
			return false
		}
	}
	return true
}

// publish makes the snapshot.
func (j *judge) publish(now time.Time) *cluster.Snapshot {
	nodes := make([]cluster.Node, len(j.obs))
	highest := j.highest()
	for i := range nodes {
		nodes[i] = j.node(i, highest)
		nodes[i].Since = now
		if j.nodes != nil && sameState(&j.nodes[i], &nodes[i]) {
			nodes[i].Since = j.nodes[i].Since
		}
	}
	j.nodes = nodes
	j.version++
	return &cluster.Snapshot{
		Version: j.version, At: now,
		SystemID: j.acc.systemID, Timeline: j.acc.timeline, History: j.acc.history,
		Primary: j.verdict.primary, Writes: j.verdict.writes, WritesWhy: j.why(),
		SegmentSize: j.segment, Nodes: nodes,
	}
}

// sameState reports whether a node is what it was; Since tells for how long.
func sameState(a, b *cluster.Node) bool {
	return a.Role == b.Role && a.Up == b.Up && a.Life == b.Life && a.Exclusion == b.Exclusion
}

// highest gives the largest LSN known on the accepted timeline when no primary
// tells it; zero while one does.
func (j *judge) highest() pg.LSN {
	if j.verdict.primary != cluster.NoNode {
		return pg.InvalidLSN
	}
	top, _ := j.flushed.last()
	highest := top.lsn
	for i := range j.obs {
		if o := &j.obs[i]; o.up() && o.inRecovery && o.timeline == j.acc.timeline {
			highest = max(highest, o.replay, o.receive)
		}
	}
	return highest
}

// node makes one node's part of the snapshot.
func (j *judge) node(i int, highest pg.LSN) cluster.Node {
	o := &j.obs[i]
	n := j.static[i]
	n.ID, n.Up, n.Life, n.LastError = o.node, o.up(), o.life, o.err
	n.Role, n.Timeline, n.Version = j.role(o), o.timeline, o.version
	n.SampledAt = o.sentAt
	if n.Role != cluster.RoleStandby {
		n.SyncState = ""
	}
	switch n.Role {
	case cluster.RoleStandby:
		n.ReceiverStatus, n.Sender = o.receiver.status, o.receiver.sender
		j.standby(&n, o, &j.lags[i], highest)
	case cluster.RolePrimary, cluster.RoleDeposed:
		n.InsertLSN, n.FlushLSN, n.SafeLSN = o.insert, o.flush, o.safe
		n.Exclusion = notStandby(n.Up)
	default:
		n.Exclusion = cluster.ExcludedUnreachable
	}
	return n
}

// role names what a node is. One that does not answer keeps the role it was
// last seen in, except that a writable node which is not the accepted primary
// is deposed whether it answers or not.
func (j *judge) role(o *observation) cluster.Role {
	switch {
	case o.version == 0:
		return cluster.RoleUnknown // never answered
	case o.inRecovery:
		return cluster.RoleStandby
	case o.node == j.verdict.primary:
		return cluster.RolePrimary
	case j.formerPrimary(o):
		return cluster.RolePrimary
	}
	return cluster.RoleDeposed
}

// formerPrimary reports whether the node is the accepted primary that just
// stopped answering, with no successor accepted yet.
func (j *judge) formerPrimary(o *observation) bool {
	return !o.up() && o.node == j.acc.primary && o.timeline == j.acc.timeline &&
		j.verdict.primary == cluster.NoNode
}

// standby fills in positions, lag and exclusion.
func (j *judge) standby(n *cluster.Node, o *observation, l *lag, highest pg.LSN) {
	if !n.Up {
		n.Exclusion = cluster.ExcludedUnreachable
		return
	}
	n.ReplayLSN = o.replay
	if o.receive >= o.replay {
		n.ReplayBound = o.receive
	}
	// On another timeline the same number is another position.
	comparable := j.acc.systemID != 0 && o.systemID == j.acc.systemID && o.timeline == j.acc.timeline
	if comparable {
		l.measure(j.ring, j.flushed, o.sentAt, o.replay, highest)
		l.judge(j.limits)
		n.LagBytes, n.LagTime, n.FreshAt = l.bytes, l.time, l.freshAt
	}
	n.Exclusion = j.exclusion(o, l)
}

// exclusion says why a standby that answers gets no reads; the first reason
// counts. Without an accepted history nobody knows who is right, so none does.
func (j *judge) exclusion(o *observation, l *lag) cluster.Exclusion {
	switch {
	case j.acc.systemID != 0 && o.systemID != j.acc.systemID:
		return cluster.ExcludedForeignSystem
	case j.acc.systemID == 0 || o.timeline != j.acc.timeline:
		return cluster.ExcludedTimeline
	case o.replay == pg.InvalidLSN:
		return cluster.ExcludedReplayUnknown
	case l.overBytes:
		return cluster.ExcludedLagBytes
	case l.overTime:
		return cluster.ExcludedLagTime
	}
	return cluster.Eligible
}

// notStandby is the exclusion of a primary.
func notStandby(up bool) cluster.Exclusion {
	if up {
		return cluster.ExcludedNotStandby
	}
	return cluster.ExcludedUnreachable
}

// why says in words why writes are not open, for clients and operators.
func (j *judge) why() string {
	v := &j.verdict
	name := func(id cluster.NodeID) string {
		if id == cluster.NoNode {
			return "a node"
		}
		return j.static[id].Name
	}
	switch v.reason {
	case ReasonSteady, ReasonUnverified:
		return ""
	case ReasonStarting:
		return "not every node has been asked yet"
	case ReasonNoPrimary:
		return "no node is writable"
	case ReasonPrimaryDown:
		return fmt.Sprintf("primary %s does not answer", name(j.acc.primary))
	case ReasonPrimaryDemoted:
		return fmt.Sprintf("former primary %s is a standby now", name(j.acc.primary))
	case ReasonHistoryPending:
		return "the timeline history of a candidate is not read yet"
	case ReasonNotDescendant:
		return fmt.Sprintf("%s is writable, but timeline %d does not descend from %d",
			name(v.rival), j.obs[v.rival].timeline, j.acc.timeline)
	case ReasonForeignSystem:
		return fmt.Sprintf("%s belongs to another cluster (system identifier %d)",
			name(v.rival), j.obs[v.rival].systemID)
	case ReasonStreamsElsewhere:
		return fmt.Sprintf("%s streams timeline %d from a primary that is not configured or not reachable",
			name(v.rival), j.obs[v.rival].timeline)
	}
	return j.whyRefused(name)
}

// whyRefused names two writable nodes.
func (j *judge) whyRefused(name func(cluster.NodeID) string) string {
	other := "another node"
	for i := range j.obs {
		o := &j.obs[i]
		if o.writable() && o.node != j.verdict.rival && relate(&j.acc, o) != relAncestor {
			other = name(o.node)
		}
	}
	return fmt.Sprintf("%s and %s are both writable and neither clearly descends from the other",
		other, name(j.verdict.rival))
}
