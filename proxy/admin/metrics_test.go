package admin

import (
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil/promlint"

	"github.com/pgroute/pgroute/health"
	"github.com/pgroute/pgroute/internal/cluster"
	"github.com/pgroute/pgroute/proxy"
	"github.com/pgroute/pgroute/router"
)

// fresh is a sample of a pgroute that has done nothing yet.
func fresh() *sample {
	m := eventful()
	m.counters, m.health, m.loops = &proxy.Counters{}, health.Stats{}, []proxy.WorkerStats{{Responsive: true}}
	m.nodes = make([]nodeSample, len(m.snap.Nodes))
	return m
}

// TestFamiliesAreWellFormed holds every metric against Prometheus' own rules
// and ours.
func TestFamiliesAreWellFormed(t *testing.T) {
	seen := map[string]bool{}
	for _, f := range families() {
		if !regexp.MustCompile(`^pgroute_[a-z_]+$`).MatchString(f.name) || seen[f.name] {
			t.Errorf("%s: a bad name, or one that is taken", f.name)
		}
		seen[f.name] = true
		if !regexp.MustCompile(`^([A-Z]|1 for ).*\.$`).MatchString(f.help) {
			t.Errorf("%s: the help text is no sentence: %q", f.name, f.help)
		}
		if strings.HasSuffix(f.name, "_total") != (f.kind == prometheus.CounterValue) {
			t.Errorf("%s: counters and only they end in _total", f.name)
		}
		for _, l := range f.labels {
			if slices.Contains([]string{"database", "user", "role_name", "query", "client", "address"}, l) {
				t.Errorf("%s: label %s is what clients or networks choose", f.name, l)
			}
		}
		f.read(eventful(), func(_ float64, values ...string) {
			if len(values) != len(f.labels) {
				t.Errorf("%s: %d values for %d labels", f.name, len(values), len(f.labels))
			}
		})
	}
}

// TestEveryLabelIsThereFromTheStart lists enumerations by hand of the packages
// that own them.
func TestEveryLabelIsThereFromTheStart(t *testing.T) {
	names := func(n int, name func(int) string) (all []string) {
		for i := range n {
			all = append(all, name(i))
		}
		return all
	}
	reasons, causes, kinds := router.Reasons(), router.Causes(), health.EventKinds()
	for family, want := range map[string][]string{
		"pgroute_classifications_total": names(len(reasons), func(i int) string { return reasons[i].String() }),
		"pgroute_decisions_total":       names(len(causes), func(i int) string { return causes[i].String() }),
		"pgroute_errors_total":          {"57P03", "53300", "28P01", "other"},
		"pgroute_events_total":          names(len(kinds), func(i int) string { return kinds[i].String() }),
		"pgroute_pinned_sessions":       proxy.PinNames(),
		"pgroute_pins_total":            proxy.PinNames(),
		"pgroute_writes_state":          {"open", "no_primary_yet", "primary_lost", "split_brain"},
		"pgroute_switch_state":          {"steady", "holding", "draining"},
		"pgroute_node_role":             {"primary", "standby", "deposed", "unknown"},
		"pgroute_node_excluded":         {"unreachable", "not_standby", "timeline", "foreign_system", "lag_bytes", "lag_time", "replay_unknown", "weight"},
		"pgroute_queries_total":         {"primary", "standby"},
		"pgroute_transactions_total":    proxy.TxKinds(),
		"pgroute_server_connections":    {"idle", "busy", "dialing"},
		"pgroute_holds_ended_total":     {"drained", "timeout", "refused", "full", "gone", "shutdown"},
		"pgroute_fence_results_total":   {"known", "reached", "budget", "slow", "no_standby", "no_primary", "ask_failed", "incomparable", "closed"},
	} {
		values := lastLabels(t, fresh(), family)
		for _, w := range want {
			if _, ok := values[w]; !ok {
				t.Errorf("%s has no %q from the start", family, w)
			}
		}
	}
}

// lastLabels sums a family's values by the last of its labels.
func lastLabels(t *testing.T, m *sample, name string) map[string]float64 {
	t.Helper()
	values := map[string]float64{}
	for _, f := range families() {
		if f.name == name {
			f.read(m, func(v float64, labels ...string) { values[labels[len(labels)-1]] += v })
		}
	}
	if len(values) == 0 {
		t.Fatalf("no metric %s", name)
	}
	return values
}

// TestOneHotGaugesAreOneHot: of each node exactly one role, and so on.
func TestOneHotGaugesAreOneHot(t *testing.T) {
	m := eventful()
	nodes := float64(len(m.snap.Nodes))
	for name, want := range map[string]float64{
		"pgroute_node_role": nodes, "pgroute_node_excluded": nodes, "pgroute_writes_state": 1,
		"pgroute_writes_reason": 1, "pgroute_switch_state": 1,
	} {
		sum := 0.0
		for _, v := range lastLabels(t, m, name) {
			sum += v
		}
		if sum != want {
			t.Errorf("%s adds up to %v, not %v", name, sum, want)
		}
	}
}

// TestUnknownIsNotZero: a lag that nobody has measured is not reported.
func TestUnknownIsNotZero(t *testing.T) {
	m := eventful()
	for name, want := range map[string][]string{
		"pgroute_node_lag_bytes": {"c"}, "pgroute_node_lag_seconds": {"c"}, "pgroute_node_staleness_seconds": {"c"},
		"pgroute_node_replay_lsn_bytes": {"c"}, "pgroute_node_insert_lsn_bytes": {"a", "b"},
		"pgroute_node_flush_lsn_bytes": {"a", "b"},
	} {
		got := lastLabels(t, m, name)
		if len(got) != len(want) {
			t.Errorf("%s is reported of %v, not of %v", name, got, want)
		}
		for _, node := range want {
			if _, ok := got[node]; !ok {
				t.Errorf("%s is not reported of %s", name, node)
			}
		}
	}
	m.snap.Nodes[2].Exclusion = cluster.ExcludedUnreachable
	for _, f := range families() {
		if f.name == "pgroute_node_lag_bytes" {
			f.read(m, func(v float64, labels ...string) { t.Errorf("lag %v of %v, which does not answer", v, labels) })
		}
	}
}

// TestLinterIsContent runs Prometheus' linter over a scrape.
func TestLinterIsContent(t *testing.T) {
	r := prometheus.NewPedanticRegistry()
	r.MustRegister(&fixed{newCollector(nil), eventful()})
	gathered, err := r.Gather()
	if err != nil {
		t.Fatal(err)
	}
	problems, err := promlint.NewWithMetricFamilies(gathered).Lint()
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range problems {
		t.Errorf("%s: %s", p.Metric, p.Text)
	}
}

// fixed collects from a given sample.
type fixed struct {
	*collector
	m *sample
}

func (f *fixed) Collect(out chan<- prometheus.Metric) { f.collect(f.m, out) }
