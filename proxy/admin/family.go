package admin

import (
	"context"
	"strconv"

	"github.com/prometheus/client_golang/prometheus"
)

// emit reports one value with the values of a family's labels.
type emit func(value float64, labels ...string)

// family is one metric: what it is called, and how it is read from a sample.
// A family with enumerated labels reports every value of theirs, zeros too.
type family struct {
	name, help string
	kind       prometheus.ValueType
	labels     []string
	read       func(*sample, emit)
}

// counter and gauge make families without labels.
func counter[N number](name, help string, read func(*sample) N) family {
	return single(prometheus.CounterValue, name, help, read)
}

func gauge[N number](name, help string, read func(*sample) N) family {
	return single(prometheus.GaugeValue, name, help, read)
}

type number interface {
	~int | ~int64 | ~uint32 | ~uint64 | ~float64
}

func single[N number](kind prometheus.ValueType, name, help string, read func(*sample) N) family {
	return family{name: name, help: help, kind: kind, read: func(m *sample, out emit) { out(float64(read(m))) }}
}

// counters and gauges make families with labels.
func counters(name, help string, read func(*sample, emit), labels ...string) family {
	return family{name, help, prometheus.CounterValue, labels, read}
}

func gauges(name, help string, read func(*sample, emit), labels ...string) family {
	return family{name, help, prometheus.GaugeValue, labels, read}
}

// stringer is any of the enumerations that label metrics.
type stringer interface {
	comparable
	String() string
}

// oneOf reports 1 for the value that holds and 0 for all others.
func oneOf[E stringer](out emit, all []E, is E, before ...string) {
	for _, v := range all {
		out(boolean(v == is), append(before[:len(before):len(before)], v.String())...)
	}
}

func boolean(b bool) float64 {
	if b {
		return 1
	}
	return 0
}

// collector gives all families to Prometheus, from one sample per scrape.
type collector struct {
	sources  *Sources
	families []family
	descs    []*prometheus.Desc
}

// families lists every metric of pgroute.
func families() []family {
	var all []family
	for _, part := range [][]family{
		nodeFamilies(), standbyFamilies(), replicationFamilies(), clusterFamilies(), fenceFamilies(),
		sessionFamilies(), routingFamilies(), serverFamilies(), loopFamilies(), processFamilies(),
	} {
		all = append(all, part...)
	}
	return all
}

// newCollector prepares the descriptions.
func newCollector(s *Sources) *collector {
	c := &collector{sources: s, families: families()}
	for i := range c.families {
		f := &c.families[i]
		c.descs = append(c.descs, prometheus.NewDesc(f.name, f.help, f.labels, nil))
	}
	return c
}

// Describe implements prometheus.Collector.
func (c *collector) Describe(out chan<- *prometheus.Desc) {
	for _, d := range c.descs {
		out <- d
	}
}

// Collect implements prometheus.Collector.
func (c *collector) Collect(out chan<- prometheus.Metric) {
	c.collect(c.sources.take(context.Background()), out)
}

// collect reports a sample.
func (c *collector) collect(m *sample, out chan<- prometheus.Metric) {
	for i := range c.families {
		f := &c.families[i]
		f.read(m, func(v float64, labels ...string) {
			out <- prometheus.MustNewConstMetric(c.descs[i], f.kind, v, labels...)
		})
	}
}

// place labels things that are told apart by their number only.
func place(i int) string { return strconv.Itoa(i) }
