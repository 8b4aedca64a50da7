package admin

import (
	"github.com/pgroute/pgroute/health"
	"github.com/pgroute/pgroute/internal/cluster"
	"github.com/pgroute/pgroute/internal/pg"
)

// writeStates lists the states, for metrics that start at zero.
func writeStates() []cluster.WriteState {
	return []cluster.WriteState{cluster.WritesOpen, cluster.WritesStartup, cluster.WritesLost, cluster.WritesRefused}
}

// clusterFamilies tell whether writes can go anywhere, and what happened.
func clusterFamilies() []family {
	return []family{
		gauges("pgroute_writes_state", "1 for the state that writes are in, 0 for the others.",
			func(m *sample, out emit) { oneOf(out, writeStates(), m.snap.Writes) }, "state"),
		gauges("pgroute_writes_reason", "1 for the reason why writes are in that state, 0 for the others.",
			func(m *sample, out emit) { oneOf(out, health.Reasons(), m.health.Reason) }, "reason"),
		gauge("pgroute_accepted_timeline", "The timeline of the accepted primary, 0 until there was one.",
			func(m *sample) uint32 { return uint32(m.snap.Timeline) }),
		gauges("pgroute_switch_state", "1 for where the switch from one primary to the next stands, 0 for the others.",
			func(m *sample, out emit) { oneOf(out, health.SwitchStates(), m.health.Switch.State) }, "state"),
		counters("pgroute_switch_moves_total", "How often the switch entered each state.",
			func(m *sample, out emit) {
				for _, s := range health.SwitchStates() {
					out(float64(m.health.Switch.Moves[s]), s.String())
				}
			}, "state"),
		counters("pgroute_switch_holding_total", "How often writes began to be held, by reason.",
			func(m *sample, out emit) {
				for _, r := range health.Reasons() {
					out(float64(m.health.Switch.Holds[r]), r.String())
				}
			}, "reason"),
		gauge("pgroute_switch_last_gap_seconds", "How long writes were held the last time.",
			func(m *sample) float64 { return m.health.Switch.Gap.Seconds() }),
		counters("pgroute_events_total", "What happened to the cluster, by kind.",
			func(m *sample, out emit) {
				for _, k := range health.EventKinds() {
					out(float64(m.health.Events[k]), k.String())
				}
			}, "kind"),
		counter("pgroute_primaries_accepted_total", "How often a node was accepted as the primary: at the start, after a promotion, and when a lost primary came back.",
			func(m *sample) uint64 {
				return m.health.Events[health.EventPrimary] + m.health.Events[health.EventUnverified]
			}),
		counter("pgroute_split_brains_total", "How often writes began to be refused because of two writable nodes.",
			func(m *sample) uint64 { return m.health.Events[health.EventRefused] }),
		counter("pgroute_acknowledged_writes_lost_total", "Switches after which writes that were acknowledged on the former primary are missing.",
			func(m *sample) uint64 { return m.health.Events[health.EventWritesLost] }),
	}
}

// fenceFamilies tell how sessions wait for standbys to catch up.
func fenceFamilies() []family {
	f := func(read func(*health.FenceStats) uint64) func(*sample) uint64 {
		return func(m *sample) uint64 { return read(&m.health.Fences) }
	}
	return []family{
		counter("pgroute_fence_requests_total", "Requests for a standby that has replayed what a session has seen.",
			f(func(s *health.FenceStats) uint64 { return s.Requests })),
		counter("pgroute_fence_queries_total", "Queries to the primary for its insert position.",
			f(func(s *health.FenceStats) uint64 { return s.Queries })),
		counter("pgroute_fence_shared_total", "Requests that joined another request's query.",
			f(func(s *health.FenceStats) uint64 { return s.Shared })),
		counter("pgroute_fence_reused_total", "Requests that an earlier query had answered.",
			f(func(s *health.FenceStats) uint64 { return s.Reused })),
		counter("pgroute_fence_polls_total", "Queries to standbys for their replay position.",
			f(func(s *health.FenceStats) uint64 { return s.Polls })),
		counter("pgroute_fences_lost_total", "Fences that pointed past a switch: what they covered was lost.",
			f(func(s *health.FenceStats) uint64 { return s.Lost })),
		counters("pgroute_fence_results_total", "How requests for a fence ended.",
			func(m *sample, out emit) {
				for _, r := range health.FenceReasons() {
					out(float64(m.health.Fences.Results[r]), r.String())
				}
			}, "result"),
		gauge("pgroute_fence_waiting", "Requests for a fence that wait now.",
			func(m *sample) int { return m.health.Fences.Waiting }),
		gauges("pgroute_fence_catch_up_seconds", "How long a node usually takes to replay a fresh fence, 0 while unknown.",
			func(m *sample, out emit) {
				for i, d := range m.health.Fences.CatchUp {
					if n := m.snap.Node(cluster.NodeID(i)); n != nil {
						out(d.Seconds(), n.Name)
					}
				}
			}, labelNode),
	}
}

// replicationFamilies tell what the primary says of its standbys and slots,
// where the monitor role may read it. Slots are named by the cluster's
// administrators.
func replicationFamilies() []family {
	lag := func(name, help string, of func(r *health.Receiver) pg.LSN) family {
		return gauges(name, help, func(m *sample, out emit) {
			for i := range m.health.Replication.Receivers {
				r := &m.health.Replication.Receivers[i]
				if n := m.snap.Node(r.Node); n != nil && of(r) != pg.InvalidLSN {
					out(float64(r.Sent.Distance(of(r))), n.Name)
				}
			}
		}, labelNode)
	}
	return []family{
		gauges("pgroute_replication_streaming", "Whether the primary streams to a node (pg_stat_replication).",
			func(m *sample, out emit) {
				for i := range m.snap.Nodes {
					out(boolean(streaming(m, m.snap.Nodes[i].ID)), m.snap.Nodes[i].Name)
				}
			}, labelNode),
		lag("pgroute_replication_write_lag_bytes", "WAL sent to a node that it has not written yet.", func(r *health.Receiver) pg.LSN { return r.Write }),
		lag("pgroute_replication_flush_lag_bytes", "WAL sent to a node that it has not flushed yet.", func(r *health.Receiver) pg.LSN { return r.Flush }),
		lag("pgroute_replication_replay_lag_bytes", "WAL sent to a node that it has not replayed yet.", func(r *health.Receiver) pg.LSN { return r.Replay }),
		gauges("pgroute_replication_slot_active", "Whether a replication slot of the primary is in use.",
			func(m *sample, out emit) {
				for _, s := range m.health.Replication.Slots {
					out(boolean(s.Active), s.Name)
				}
			}, "slot"),
		gauges("pgroute_replication_slot_retained_bytes", "WAL that the primary keeps for a replication slot.",
			func(m *sample, out emit) {
				for _, s := range m.health.Replication.Slots {
					out(float64(s.Retained), s.Name)
				}
			}, "slot"),
	}
}

func streaming(m *sample, id cluster.NodeID) bool {
	for i := range m.health.Replication.Receivers {
		if r := &m.health.Replication.Receivers[i]; r.Node == id && r.State == "streaming" {
			return true
		}
	}
	return false
}
