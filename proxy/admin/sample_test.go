package admin

import (
	"time"

	"github.com/pgroute/pgroute/backend"
	"github.com/pgroute/pgroute/health"
	"github.com/pgroute/pgroute/internal/catalog"
	"github.com/pgroute/pgroute/internal/cluster"
	"github.com/pgroute/pgroute/internal/config"
	"github.com/pgroute/pgroute/internal/netloop"
	"github.com/pgroute/pgroute/proxy"
	"github.com/pgroute/pgroute/proxy/auth"
	"github.com/pgroute/pgroute/router"
)

// noon is the time of the samples that tests make.
func noon() time.Time { return time.Date(2026, 5, 4, 12, 0, 0, 0, time.UTC) }

// eventful is a sample in which as much as possible is not zero: after a
// failover, with one standby that lags and one that follows the old timeline.
func eventful() *sample {
	at := noon()
	cfg := config.Default()
	m := &sample{
		at: at, version: "v1.2.3", started: at.Add(-3 * time.Hour), cfg: cfg, current: cfg,
		clients: 7, max: 100, phases: map[string]int64{"idle": 5, "linked": 2},
		counters: &proxy.Counters{},
		snap: &cluster.Snapshot{
			Version: 9, At: at, SystemID: 1<<63 + 5, Timeline: 2, Primary: 1, Writes: cluster.WritesOpen,
			History: []cluster.Ancestor{{Timeline: 1, End: 0x5000000}},
			Nodes: []cluster.Node{
				{ID: 0, Name: "a", Addr: "10.0.0.1:5432", Weight: 1, Role: cluster.RoleDeposed, Timeline: 1,
					InsertLSN: 0x5000100, FlushLSN: 0x5000100, Exclusion: cluster.ExcludedUnreachable, Version: 150018,
					LastError: "connection refused", Since: at.Add(-time.Minute)},
				{ID: 1, Name: "b", Addr: "10.0.0.2:5432", Zone: "east", Weight: 1, Role: cluster.RolePrimary, Up: true, Life: 3, Timeline: 2,
					InsertLSN: 0x7000000, FlushLSN: 0x6FFE000, Exclusion: cluster.ExcludedNotStandby, Version: 150018, SampledAt: at, Since: at.Add(-time.Minute)},
				{ID: 2, Name: "c", Addr: "10.0.0.3:5432", Zone: "west", Weight: 2, Role: cluster.RoleStandby, Up: true, Life: 4, Timeline: 2,
					ReplayLSN: 0x6000000, LagBytes: 0x1000000, LagTime: 1500 * time.Millisecond, FreshAt: at.Add(-2 * time.Second),
					Exclusion: cluster.ExcludedLagBytes, Version: 150018, SampledAt: at, Since: at.Add(-time.Second),
					ReceiverStatus: "streaming", Sender: "10.0.0.2:5432", SyncState: "async"},
			},
		},
		nodes: []nodeSample{{}, {outstanding: 2, asPrimary: 40, asStandby: 3, pool: poolSum{total: 4, idle: 1, waiting: 2, dialing: 1}}, {asStandby: 60}},
		pools: []backend.PoolStats{{Key: backend.Key{Node: 1, Database: "app", User: "alice"}, Total: 4, Idle: 1, Waiting: 2, Dialing: 1}},
		dials: backend.Counters{Dialled: 5, DialFailed: 1, Reused: 90},
		loops: []proxy.WorkerStats{{
			Loop: netloop.Stats{Conns: 9, Iterations: 100, BytesIn: 2048, BytesOut: 4096}, Sessions: 7, Responsive: true,
			Cache: router.CacheStats{Hits: 80, Misses: 20, Entries: 20, Bytes: 9000}, Learned: 1, Prepared: 3, PrepBytes: 120,
		}, {}},
		sessions: []proxy.SessionInfo{
			{PID: 1 << 30, Client: "10.1.1.1:4000", User: "alice", Database: "app", Phase: "waiting", Node: 1, Waits: "server_connection", Since: at.Add(-250 * time.Millisecond)},
			{PID: 1<<30 + 1, Client: "10.1.1.1:4001", User: "alice", Database: "app", Phase: "linked", Node: 1, Transaction: true, Pins: "listen,temporary_table"},
		}, busy: 2,
		auth:     auth.LookupStats{Asked: 4, Remembered: 2, Entries: 1},
		catalogs: []catalog.Status{{Database: "app", Fresh: true, Version: 4, Counts: catalog.Counts{Functions: 3, Relations: 8}, LoadedAt: at, LoadTime: 20 * time.Millisecond, CheckedAt: at}},
		health:   healthStats(at),
		events: []health.Event{
			{At: at.Add(-2 * time.Minute), Kind: health.EventNodeDown, Node: 0, Name: "a", Timeline: 1, Reason: health.ReasonPrimaryDown, Detail: "connection refused"},
			{At: at.Add(-time.Minute), Kind: health.EventPrimary, Node: 1, Name: "b", Timeline: 2, Reason: health.ReasonSteady, Detail: "accepted as primary"},
		},
	}
	m.counters.Logins.Add(12)
	return m
}

func healthStats(at time.Time) health.Stats {
	s := health.Stats{
		Nodes:  []health.NodeStats{{Probes: 10, Failures: 4, ProbeTime: 60 * time.Millisecond}, {Probes: 20, ProbeTime: 40 * time.Millisecond}, {Probes: 20, ProbeTime: 40 * time.Millisecond}},
		Events: map[health.EventKind]uint64{health.EventPrimary: 2, health.EventWritesLost: 1},
		Switch: health.SwitchStats{State: health.SwitchSteady, Since: at.Add(-time.Minute), Began: 6, Gap: 1200 * time.Millisecond,
			Ended: map[health.HoldEnd]uint64{health.HoldDrained: 5, health.HoldTimeout: 1}},
		Replication: health.Replication{Node: 1, At: at,
			Receivers: []health.Receiver{{Application: "c", Client: "10.0.0.3", Slot: "c", State: "streaming", SyncState: "async",
				Sent: 0x7000000, Write: 0x7000000, Flush: 0x6800000, Replay: 0x6000000, ReplayLag: time.Second, Node: 2}},
			Slots: []health.Slot{{Name: "c", Kind: "physical", WALStatus: "reserved", Active: true, Retained: 0x1000000}}},
	}
	s.Fences = health.FenceStats{Requests: 8, Queries: 5, Polls: 9, CatchUp: []time.Duration{0, 0, 3 * time.Millisecond}}
	s.Fences.Results[health.FenceReached] = 8
	return s
}
