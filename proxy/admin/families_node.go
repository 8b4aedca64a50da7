package admin

import (
	"strconv"
	"time"

	"github.com/pgroute/pgroute/internal/cluster"
	"github.com/pgroute/pgroute/internal/pg"
)

const labelNode = "node"

// eachNode reports one value per node.
func eachNode(read func(m *sample, n *cluster.Node) float64) func(*sample, emit) {
	return func(m *sample, out emit) {
		for i := range m.snap.Nodes {
			n := &m.snap.Nodes[i]
			out(read(m, n), n.Name)
		}
	}
}

// someNodes reports one value for each node that has it.
func someNodes(read func(m *sample, n *cluster.Node) (float64, bool)) func(*sample, emit) {
	return func(m *sample, out emit) {
		for i := range m.snap.Nodes {
			n := &m.snap.Nodes[i]
			if v, ok := read(m, n); ok {
				out(v, n.Name)
			}
		}
	}
}

// roles lists the roles, for metrics that start at zero.
func roles() []cluster.Role {
	return []cluster.Role{cluster.RoleUnknown, cluster.RolePrimary, cluster.RoleStandby, cluster.RoleDeposed}
}

// nodeFamilies tell what each node is.
func nodeFamilies() []family {
	return []family{
		gauges("pgroute_node_info", "Constant 1, with the zone and PostgreSQL version of a node; version 0 until it has answered.",
			readNodeInfo, labelNode, "zone", "version"),
		gauges("pgroute_node_up", "Whether the node answered the last probe.",
			eachNode(func(_ *sample, n *cluster.Node) float64 { return boolean(n.Up) }), labelNode),
		gauges("pgroute_node_role", "1 for the role a node was last seen in, 0 for the others; a deposed node is writable but not the accepted primary and gets nothing.",
			func(m *sample, out emit) {
				for i := range m.snap.Nodes {
					oneOf(out, roles(), m.snap.Nodes[i].Role, m.snap.Nodes[i].Name)
				}
			}, labelNode, "role"),
		gauges("pgroute_node_timeline", "The timeline a node is on, 0 while unknown.",
			eachNode(func(_ *sample, n *cluster.Node) float64 { return float64(n.Timeline) }), labelNode),
		gauges("pgroute_node_insert_lsn_bytes", "WAL insert position of a writable node, in bytes from the start of its history.",
			someNodes(func(_ *sample, n *cluster.Node) (float64, bool) { return position(n.InsertLSN) }), labelNode),
		gauges("pgroute_node_flush_lsn_bytes", "WAL flush position of a writable node, which lag counts from, in bytes from the start of its history.",
			someNodes(func(_ *sample, n *cluster.Node) (float64, bool) { return position(n.FlushLSN) }), labelNode),
		gauges("pgroute_node_weight", "The configured weight of a node for reads.",
			eachNode(func(_ *sample, n *cluster.Node) float64 { return float64(n.Weight) }), labelNode),
		gauges("pgroute_node_outstanding_queries", "Units sent to a node and not answered yet.",
			eachNode(func(m *sample, n *cluster.Node) float64 { return float64(m.nodes[n.ID].outstanding) }), labelNode),
		gauges("pgroute_node_read_latency_seconds", "Moving average of reads on a standby, from having a connection to the end of the answer; absent while unknown.",
			someNodes(func(m *sample, n *cluster.Node) (float64, bool) {
				l := m.nodes[n.ID].latency
				return l.Seconds(), l > 0
			}), labelNode),
		counters("pgroute_queries_total", "Units (a query string, or an extended batch up to Sync) that a node answered, by the role it served them in.",
			func(m *sample, out emit) {
				for i := range m.snap.Nodes {
					out(float64(m.nodes[i].asPrimary), m.snap.Nodes[i].Name, cluster.RolePrimary.String())
					out(float64(m.nodes[i].asStandby), m.snap.Nodes[i].Name, cluster.RoleStandby.String())
				}
			}, labelNode, "role"),
		counters("pgroute_probes_total", "Health probes of a node.",
			eachNode(func(m *sample, n *cluster.Node) float64 { return float64(m.probes(n.ID).Probes) }), labelNode),
		counters("pgroute_probe_failures_total", "Health probes that a node did not answer.",
			eachNode(func(m *sample, n *cluster.Node) float64 { return float64(m.probes(n.ID).Failures) }), labelNode),
		counters("pgroute_probe_seconds_total", "Time that answered health probes took in sum.",
			eachNode(func(m *sample, n *cluster.Node) float64 { return m.probes(n.ID).ProbeTime.Seconds() }), labelNode),
	}
}

func readNodeInfo(m *sample, out emit) {
	for i := range m.snap.Nodes {
		n := &m.snap.Nodes[i]
		out(1, n.Name, n.Zone, strconv.Itoa(n.Version))
	}
}

// position gives an LSN as a number of bytes, if it is known.
func position(l pg.LSN) (float64, bool) { return float64(l), l != pg.InvalidLSN }

// standbyFamilies tell how far standbys are, and why they are not read. A
// position or lag that is not known is left out: zero would be a lie.
func standbyFamilies() []family {
	return []family{
		gauges("pgroute_node_replay_lsn_bytes", "Replay position of a standby that answers, in bytes from the start of its history.",
			someNodes(func(_ *sample, n *cluster.Node) (float64, bool) { return position(n.ReplayLSN) }), labelNode),
		gauges("pgroute_node_lag_bytes", "WAL between the primary's insert position and a standby's replay position.",
			someNodes(func(_ *sample, n *cluster.Node) (float64, bool) { return float64(n.LagBytes), lagKnown(n) }), labelNode),
		gauges("pgroute_node_lag_seconds", "How old a standby's data were at its last probe; 0 when it had everything, whether or not the primary is idle.",
			someNodes(func(_ *sample, n *cluster.Node) (float64, bool) { return n.LagTime.Seconds(), lagKnown(n) }), labelNode),
		gauges("pgroute_node_staleness_seconds", "Upper bound of how old a standby's data are now; grows between probes.",
			someNodes(func(m *sample, n *cluster.Node) (float64, bool) { return staleness(n, m.at) }), labelNode),
		gauges("pgroute_node_eligible", "Whether a node is a standby that is given reads.",
			eachNode(func(_ *sample, n *cluster.Node) float64 {
				return boolean(n.Exclusion == cluster.Eligible && n.Weight > 0)
			}), labelNode),
		gauges("pgroute_node_excluded", "1 for the reason why a node is given no reads as a standby, 0 for the others.",
			readExclusions, labelNode, "reason"),
	}
}

// noWeight labels the exclusion that configuration asks for.
const noWeight = "weight"

func readExclusions(m *sample, out emit) {
	for i := range m.snap.Nodes {
		n := &m.snap.Nodes[i]
		for _, e := range cluster.Exclusions() {
			if e != cluster.Eligible {
				out(boolean(n.Exclusion == e), n.Name, e.String())
			}
		}
		out(boolean(n.Exclusion == cluster.Eligible && n.Weight <= 0), n.Name, noWeight)
	}
}

// lagKnown reports whether a node's lag was measured: that of a standby on the
// accepted timeline that answers.
func lagKnown(n *cluster.Node) bool {
	switch n.Exclusion {
	case cluster.Eligible, cluster.ExcludedLagBytes, cluster.ExcludedLagTime:
		return n.Role == cluster.RoleStandby
	}
	return false
}

// staleness bounds the age of a standby's data at a time.
func staleness(n *cluster.Node, at time.Time) (float64, bool) {
	if n.FreshAt.IsZero() {
		return 0, false
	}
	return max(0, at.Sub(n.FreshAt).Seconds()), true
}
