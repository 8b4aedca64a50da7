package admin

import (
	"runtime"

	"github.com/pgroute/pgroute/internal/catalog"
	"github.com/pgroute/pgroute/proxy"
)

// serverFamilies tell of server connections, and of what is asked of servers
// on pgroute's own behalf.
func serverFamilies() []family {
	return []family{
		gauges("pgroute_server_connections", "Server connections of a node by what they do, over all databases and users.",
			func(m *sample, out emit) {
				for i := range m.snap.Nodes {
					name, p := m.snap.Nodes[i].Name, m.nodes[i].pool
					out(float64(p.idle), name, "idle")
					out(float64(max(0, p.total-p.idle-p.dialing)), name, "busy")
					out(float64(p.dialing), name, "dialing")
				}
			}, labelNode, "state"),
		gauges("pgroute_server_connection_waiters", "Sessions that wait for a server connection to a node.",
			func(m *sample, out emit) {
				for i := range m.snap.Nodes {
					out(float64(m.nodes[i].pool.waiting), m.snap.Nodes[i].Name)
				}
			}, labelNode),
		gauge("pgroute_server_pools", "Pools that hold or want connections: one per node, database and user.",
			func(m *sample) int { return len(m.pools) }),
		counter("pgroute_server_dials_total", "Server connections made.", func(m *sample) uint64 { return m.dials.Dialled }),
		counter("pgroute_server_dial_failures_total", "Server connections that could not be made.", func(m *sample) uint64 { return m.dials.DialFailed }),
		counter("pgroute_server_reuses_total", "Units that found an idle server connection at once.", func(m *sample) uint64 { return m.dials.Reused }),
		counter("pgroute_server_losses_total", "Server connections lost while a session was linked to them.",
			func(m *sample) uint64 { return m.counters.ServersLost.Load() }),
		counter("pgroute_auth_queries_total", "Questions to servers about roles that log in (auth_query).", func(m *sample) uint64 { return m.auth.Asked }),
		counter("pgroute_auth_cache_hits_total", "Logins answered from memory.", func(m *sample) uint64 { return m.auth.Remembered }),
		gauge("pgroute_auth_cache_entries", "Roles in memory, unknown ones included.", func(m *sample) int { return m.auth.Entries }),
		gauge("pgroute_catalogs", "Databases whose catalogue is followed.", func(m *sample) int { return len(m.catalogs) }),
		gauge("pgroute_catalogs_stale", "Followed databases of which only built-in objects are known at the moment.",
			func(m *sample) int { return countCatalogs(m, func(c *catalog.Status) bool { return !c.Fresh }) }),
		gauge("pgroute_catalogs_failing", "Followed databases whose catalogue could not be read at the last attempt.",
			func(m *sample) int { return countCatalogs(m, func(c *catalog.Status) bool { return c.Err != "" }) }),
	}
}

func countCatalogs(m *sample, which func(*catalog.Status) bool) (n int) {
	for i := range m.catalogs {
		if which(&m.catalogs[i]) {
			n++
		}
	}
	return n
}

// eachLoop reports one value per event loop, of those that answered only when
// the value is one that the loop itself must tell.
func eachLoop[N number](onlyResponsive bool, read func(w *proxy.WorkerStats) N) func(*sample, emit) {
	return func(m *sample, out emit) {
		for i := range m.loops {
			if w := &m.loops[i]; w.Responsive || !onlyResponsive {
				out(float64(read(w)), place(i))
			}
		}
	}
}

// loopFamilies tell of the event loops and what they keep.
func loopFamilies() []family {
	const loop = "loop"
	type w = proxy.WorkerStats
	return []family{
		gauges("pgroute_loop_responsive", "Whether an event loop ran a function given to it within a second.",
			eachLoop(false, func(w *w) float64 { return boolean(w.Responsive) }), loop),
		gauges("pgroute_loop_connections", "Connections of clients and servers that an event loop owns.",
			eachLoop(false, func(w *w) int { return w.Loop.Conns }), loop),
		gauges("pgroute_loop_timers", "Timers of an event loop.", eachLoop(false, func(w *w) int { return w.Loop.Timers }), loop),
		counters("pgroute_loop_iterations_total", "Batches of events handled.", eachLoop(false, func(w *w) uint64 { return w.Loop.Iterations }), loop),
		counters("pgroute_loop_sleeps_total", "Waits for events that gave the processor away.", eachLoop(false, func(w *w) uint64 { return w.Loop.Sleeps }), loop),
		counters("pgroute_loop_events_total", "Readiness events handled.", eachLoop(false, func(w *w) uint64 { return w.Loop.Events }), loop),
		counters("pgroute_loop_posted_total", "Functions that other goroutines gave to an event loop.", eachLoop(false, func(w *w) uint64 { return w.Loop.Posted }), loop),
		counters("pgroute_loop_received_bytes_total", "Bytes read from clients and servers.", eachLoop(false, func(w *w) uint64 { return w.Loop.BytesIn }), loop),
		counters("pgroute_loop_sent_bytes_total", "Bytes written to clients and servers.", eachLoop(false, func(w *w) uint64 { return w.Loop.BytesOut }), loop),
		counters("pgroute_class_cache_hits_total", "Query strings whose classification was remembered.", eachLoop(true, func(w *w) uint64 { return w.Cache.Hits }), loop),
		counters("pgroute_class_cache_misses_total", "Query strings that had to be classified.", eachLoop(true, func(w *w) uint64 { return w.Cache.Misses }), loop),
		counters("pgroute_class_cache_evictions_total", "Classifications forgotten for want of room.", eachLoop(true, func(w *w) uint64 { return w.Cache.Evictions }), loop),
		gauges("pgroute_class_cache_entries", "Classifications remembered.", eachLoop(true, func(w *w) int { return w.Cache.Entries }), loop),
		gauges("pgroute_class_cache_bytes", "Memory of the remembered classifications.", eachLoop(true, func(w *w) int { return w.Cache.Bytes }), loop),
		gauges("pgroute_prepared_statements", "Distinct prepared statements of clients.", eachLoop(true, func(w *w) int { return w.Prepared }), loop),
		gauges("pgroute_prepared_statement_bytes", "Length of the texts of the prepared statements.", eachLoop(true, func(w *w) int { return w.PrepBytes }), loop),
	}
}

// processFamilies tell of pgroute itself; memory, processor time and the like
// come from client_golang's own collectors.
func processFamilies() []family {
	return []family{
		gauges("pgroute_build_info", "Constant 1, with the version of pgroute and of the Go it was built by.",
			func(m *sample, out emit) { out(1, m.version, runtime.Version()) }, "version", "go_version"),
		gauge("pgroute_draining", "Whether pgroute has stopped taking clients and waits for sessions to end.",
			func(m *sample) float64 { return boolean(m.draining) }),
	}
}
