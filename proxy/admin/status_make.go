package admin

import (
	"encoding/json"
	"net/http"

	"github.com/pgroute/pgroute/health"
	"github.com/pgroute/pgroute/internal/cluster"
	"github.com/pgroute/pgroute/internal/pg"
	"github.com/pgroute/pgroute/proxy"
	"github.com/pgroute/pgroute/router"
)

// serveStatus answers with a Status.
func (s *Sources) serveStatus(w http.ResponseWriter, r *http.Request) {
	st := s.takeAll(r.Context()).status()
	w.Header().Set("Content-Type", "application/json")
	e := json.NewEncoder(w)
	e.SetIndent("", "  ")
	_ = e.Encode(&st) // fails only when the client is gone
}

// status makes a Status of a sample.
func (m *sample) status() Status {
	ready := m.readiness()
	st := Status{
		Version: m.version, At: m.at, Started: m.started,
		State: ready.State, StateReasons: list(ready.Reasons),
		Configuration: m.configuration(), Cluster: m.cluster(), Replication: m.replication(),
		Nodes: []Node{}, Pools: []Pool{}, Catalogs: []CatalogState{}, Loops: []Loop{}, Events: []Event{},
		Clients: m.clientCounts(), Sessions: m.sessionList(), Routing: m.routing(), Holds: m.holds(), Fences: m.fences(),
		Servers: Servers{m.dials.Dialled, m.dials.DialFailed, m.dials.Reused, m.counters.ServersLost.Load()},
		Auth:    Auth{m.auth.Asked, m.auth.Remembered, m.auth.Entries},
	}
	for i := range m.snap.Nodes {
		st.Nodes = append(st.Nodes, m.node(&m.snap.Nodes[i]))
	}
	for _, p := range m.pools {
		st.Pools = append(st.Pools, Pool{m.nodeName(p.Key.Node), p.Key.Database, p.Key.User,
			PoolCount{p.Total, p.Idle, p.Dialing, p.Waiting}})
	}
	for _, c := range m.catalogs {
		st.Catalogs = append(st.Catalogs, CatalogState{c.Database, c.Fresh, c.Version,
			c.Counts.Functions, c.Counts.Relations, c.Counts.Operators, c.Counts.Types,
			c.LoadedAt, c.LoadTime.Seconds(), c.CheckedAt, c.Err})
	}
	for i := range m.loops {
		st.Loops = append(st.Loops, loopState(&m.loops[i]))
	}
	for _, e := range m.events {
		st.Events = append(st.Events, Event{e.At, e.Kind.String(), e.Name, uint32(e.Timeline), e.Reason.String(), e.Detail})
	}
	return st
}

// list makes JSON show no items as an empty list.
func list(items []string) []string {
	if items == nil {
		return []string{}
	}
	return items
}

// configuration shows what is in force: limits of lag need a restart.
func (m *sample) configuration() Configuration {
	c := m.current
	return Configuration{
		Listen: list(m.cfg.Listen), Mode: string(c.Routing.Mode), Consistency: string(c.Routing.Consistency),
		ReadFromPrimary: string(c.Routing.ReadFromPrimary), FenceWait: c.Routing.FenceWait.String(),
		MaxLagBytes: m.cfg.Health.MaxLagBytes.String(), MaxLagTime: m.cfg.Health.MaxLagTime.String(),
		HoldTimeout: c.Failover.HoldTimeout.String(), QueueTimeout: c.Pool.QueueTimeout.String(),
		PoolSize: c.Pool.Size, AuthMethod: string(c.Auth.Method),
	}
}

func (m *sample) cluster() Cluster {
	c := Cluster{
		SystemID: m.snap.SystemID, Timeline: uint32(m.snap.Timeline), Primary: m.nodeName(m.snap.Primary),
		Writes: m.snap.Writes.String(), Reason: m.health.Reason.String(), Why: m.snap.WritesWhy,
		Switch: m.health.Switch.State.String(), SwitchSince: m.health.Switch.Since,
		LastGap: m.health.Switch.Gap.Seconds(), History: []Ancestor{},
	}
	for _, a := range m.snap.History {
		c.History = append(c.History, Ancestor{uint32(a.Timeline), lsn(a.End)})
	}
	return c
}

// nodeName gives a node's name, empty for no node.
func (m *sample) nodeName(id cluster.NodeID) string {
	if n := m.snap.Node(id); n != nil {
		return n.Name
	}
	return ""
}

// lsn prints a position, and nothing while it is unknown.
func lsn(l pg.LSN) string {
	if l == pg.InvalidLSN {
		return ""
	}
	return l.String()
}

func (m *sample) node(n *cluster.Node) Node {
	p, d := m.probes(n.ID), &m.nodes[n.ID]
	out := Node{
		Name: n.Name, Address: n.Addr, Zone: n.Zone, Weight: n.Weight,
		Role: n.Role.String(), Up: n.Up, Since: n.Since, Explained: m.explain(n),
		Eligible: n.Exclusion == cluster.Eligible && n.Weight > 0, Exclusion: n.Exclusion.String(),
		Timeline: uint32(n.Timeline), InsertLSN: lsn(n.InsertLSN), FlushLSN: lsn(n.FlushLSN), ReplayLSN: lsn(n.ReplayLSN),
		Sampled: n.SampledAt, Receiver: n.ReceiverStatus, Sender: n.Sender, SyncState: n.SyncState,
		Version: n.Version, LastError: n.LastError,
		Probes: p.Probes, Failures: p.Failures,
		AsPrimary: d.asPrimary, AsStandby: d.asStandby, Unanswered: d.outstanding,
		Pool: PoolCount{d.pool.total, d.pool.idle, d.pool.dialing, d.pool.waiting},
	}
	if n := p.Probes - p.Failures; n > 0 {
		out.ProbeTime = p.ProbeTime.Seconds() / float64(n)
	}
	if d.latency > 0 {
		seconds := d.latency.Seconds()
		out.Latency = &seconds
	}
	if lagKnown(n) {
		bytes, seconds := n.LagBytes, n.LagTime.Seconds()
		out.LagBytes, out.LagTime = &bytes, &seconds
	}
	if s, ok := staleness(n, m.at); ok {
		out.Staleness = &s
	}
	return out
}

func (m *sample) replication() Replication {
	r := &m.health.Replication
	out := Replication{ToldBy: m.nodeName(r.Node), At: r.At, Denied: r.Denied, Receivers: []Receiver{}, Slots: []Slot{}}
	for i := range r.Receivers {
		v := &r.Receivers[i]
		out.Receivers = append(out.Receivers, Receiver{
			m.nodeName(v.Node), v.Application, v.Client, v.State, v.SyncState, v.Slot,
			lsn(v.Sent), lsn(v.Write), lsn(v.Flush), lsn(v.Replay), v.ReplayLag.Seconds(),
		})
	}
	for _, s := range r.Slots {
		out.Slots = append(out.Slots, Slot{s.Name, s.Kind, s.Active, s.WALStatus, s.Retained})
	}
	return out
}

func (m *sample) clientCounts() Clients {
	c := m.counters
	out := Clients{
		Connected: m.clients, Max: m.max, Phases: m.phases, Pinned: map[string]int64{},
		Logins: c.Logins.Load(), LoginFailures: c.LoginFailures.Load(), LoginTimeouts: c.LoginTimeouts.Load(),
		Refused: c.Refused.Load(), CancelRequests: c.CancelRequests.Load(),
		Errors: map[string]uint64{}, Panics: c.Panics.Load(), BadMoves: c.BadMoves.Load(),
	}
	for i, name := range proxy.PinNames() {
		out.Pinned[name] = c.Pinned(i)
	}
	for state, n := range c.ErrorsByState() {
		if n > 0 {
			out.Errors[state] = n
		}
	}
	return out
}

func (m *sample) sessionList() Sessions {
	out := Sessions{Busy: m.busy, Shown: []Session{}}
	for _, s := range m.sessions {
		v := Session{
			PID: s.PID, Client: s.Client, User: s.User, Database: s.Database, Phase: s.Phase,
			Node: m.nodeName(s.Node), InTransaction: s.Transaction, Pins: s.Pins, Waits: s.Waits,
		}
		if !s.Since.IsZero() {
			waited := max(0, m.at.Sub(s.Since).Seconds())
			v.Waited = &waited
		}
		out.Shown = append(out.Shown, v)
	}
	return out
}

func (m *sample) routing() Routing {
	c := m.counters
	out := Routing{
		Decisions: []Decided{}, Reasons: map[string]uint64{}, Shadow: map[string]uint64{},
		Reruns: c.Reruns.Load(), Refusals: c.Refused25006.Load(), Learned: readLearned(m),
		Moved: c.Moved.Load(), Misplaced: c.Misplaced.Load(),
		Transactions: map[string]uint64{}, WouldHaveSplit: c.WouldHaveSplit(),
	}
	for i, kind := range proxy.TxKinds() {
		out.Transactions[kind] = c.Transactions(i)
	}
	for _, a := range router.Actions() {
		for _, cause := range router.Causes() {
			if n := c.Decisions(a, cause); n > 0 {
				out.Decisions = append(out.Decisions, Decided{a.String(), cause.String(), cause.Text(), n})
			}
		}
		if n := c.Shadowed(a); n > 0 {
			out.Shadow[a.String()] = n
		}
	}
	for _, r := range router.Reasons() {
		if n := c.Reasons(r); n > 0 {
			out.Reasons[r.String()] = n
		}
	}
	return out
}

func (m *sample) holds() Holds {
	s, c := &m.health.Switch, m.counters
	out := Holds{
		Now: s.Held, Total: s.Began, Ended: map[string]uint64{},
		Timeouts: c.HoldTimeouts.Load(), Refused: c.HoldRefused.Load(), QueueTimeouts: c.QueueTimeouts.Load(),
	}
	for _, e := range health.HoldEnds() {
		out.Ended[e.String()] = s.Ended[e]
	}
	return out
}

func (m *sample) fences() Fences {
	f, c := &m.health.Fences, m.counters
	out := Fences{
		Waits: c.FenceWaits.Load(), Passed: c.Fenced.Load(), Missed: c.FenceMissed.Load(),
		Waiting: f.Waiting, Requests: f.Requests, Queries: f.Queries, Polls: f.Polls, Lost: f.Lost,
		Results: map[string]uint64{}, CatchUp: map[string]float64{},
	}
	for _, r := range health.FenceReasons() {
		out.Results[r.String()] = f.Results[r]
	}
	for i, d := range f.CatchUp {
		out.CatchUp[m.nodeName(cluster.NodeID(i))] = d.Seconds()
	}
	return out
}

func loopState(w *proxy.WorkerStats) Loop {
	return Loop{
		Responsive: w.Responsive, Sessions: w.Sessions, Connections: w.Loop.Conns,
		Iterations: w.Loop.Iterations, BytesIn: w.Loop.BytesIn, BytesOut: w.Loop.BytesOut,
		ClassHits: w.Cache.Hits, ClassMisses: w.Cache.Misses, ClassEntries: w.Cache.Entries, ClassBytes: w.Cache.Bytes,
		Prepared: w.Prepared, PreparedBytes: w.PrepBytes,
	}
}
