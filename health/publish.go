package health

import (
	"context"
	"time"

	"github.com/pgroute/pgroute/internal/cluster"
)

// observe judges an observation and publishes the snapshot that follows. When
// it returns, everyone has been told.
func (m *Monitor) observe(o observation) {
	m.order.Lock()
	defer m.order.Unlock()
	prev := m.snap.Load()
	next, paceChanged := m.judgeOne(o, prev)
	// Stored before anybody is told, so that whoever is told and asks again
	// finds this snapshot or a newer one.
	m.snap.Store(next)
	m.hub.publish(next, next.At)
	for _, f := range m.subscribers {
		f(next)
	}
	if paceChanged {
		signal(m.pace)
	}
}

// judgeOne runs the judge and the switch machine and records what happened.
func (m *Monitor) judgeOne(o observation, prev *cluster.Snapshot) (*cluster.Snapshot, bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	now := time.Now()
	before, pending := m.judge.acc, m.judge.tail.pending()
	m.stats[o.node].count(&o)
	next := m.judge.observe(o, now)
	m.noteChanges(prev, next)
	if o.history.err != "" {
		m.noteHistoryLocked(&o, now)
	}
	if m.sw.writes(next.Writes, m.judge.verdict.reason, now) {
		m.noteLocked(m.switchEvent(now))
	}
	if m.cfg.StateFile != "" && !sameAccepted(&before, &m.judge.acc) {
		m.remember(m.judge.acc)
	}
	return next, prev.Writes != next.Writes || !pending && m.judge.tail.pending()
}

// noteChanges records what differs from the last snapshot that was told of.
// Until every node was asked once nothing is told: who answers first is judged
// without knowing of the others.
func (m *Monitor) noteChanges(prev, next *cluster.Snapshot) {
	if m.toldOf == nil {
		m.toldOf = prev
	}
	if m.judge.verdict.reason == ReasonStarting {
		return
	}
	m.noteLocked(changes(m.toldOf, next, &m.judge.verdict)...)
	m.toldOf = next
}

// switchEvent tells where the switch machine is now.
func (m *Monitor) switchEvent(now time.Time) Event {
	return Event{At: now, Kind: EventSwitch, Node: cluster.NoNode, Timeline: m.judge.acc.timeline,
		Reason: m.judge.verdict.reason, Detail: m.sw.state.String()}
}

// noteHistoryLocked records that a history could not be read, once per life.
func (m *Monitor) noteHistoryLocked(o *observation, now time.Time) {
	if m.historyOf[o.node] == o.life {
		return
	}
	m.historyOf[o.node] = o.life
	m.noteLocked(Event{At: now, Kind: EventHistory, Node: o.node, Name: m.judge.static[o.node].Name,
		Timeline: o.timeline, Detail: o.history.err})
}

// noteLocked puts events into the ring and gives them to the keeper to log.
func (m *Monitor) noteLocked(events ...Event) {
	for _, e := range events {
		m.events.add(e)
		if len(m.unlogged) < eventLimit {
			m.unlogged = append(m.unlogged, e)
		}
	}
	if len(events) > 0 {
		signal(m.keep)
	}
}

// told takes in what the primary said of its standbys.
func (m *Monitor) told(r Replication) {
	m.mu.Lock()
	defer m.mu.Unlock()
	r.attribute(m.judge.obs, m.judge.static)
	m.replication = r
	for i := range m.judge.static {
		m.judge.static[i].SyncState = r.SyncStateOf(cluster.NodeID(i))
	}
}

// replicationDue tells whether to read pg_stat_replication of a node now.
func (m *Monitor) replicationDue(id cluster.NodeID) bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	r := &m.replication
	return m.judge.verdict.primary == id && (r.Node != id || time.Since(r.At) >= m.cfg.ReplicationInterval)
}

// runPacer kicks all watchers at once, so that the positions of one round can
// be compared: slowly while a primary is known, fast while none is.
func (m *Monitor) runPacer(ctx context.Context) {
	timer := time.NewTimer(m.interval())
	defer timer.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-m.pace:
		case <-timer.C:
		}
		m.kickAll()
		timer.Reset(m.interval())
	}
}

// interval is the pace that the present topology asks for.
func (m *Monitor) interval() time.Duration {
	if m.Snapshot().Writes != cluster.WritesOpen {
		return m.cfg.FastInterval
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.judge.tail.pending() {
		return min(m.cfg.Interval, tailStride)
	}
	return m.cfg.Interval
}

func (m *Monitor) kickAll() {
	for _, w := range m.watchers {
		w.kick()
	}
}
