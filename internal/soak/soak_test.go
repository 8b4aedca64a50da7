package soak

import (
	"context"
	"math/rand/v2"
	"os"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/pgroute/pgroute/internal/cluster"
	"github.com/pgroute/pgroute/internal/lab"
	"github.com/pgroute/pgroute/internal/lab/labtest"
	"github.com/pgroute/pgroute/internal/serve/servetest"
)

// rig is a cluster with pgroute in front of it.
type rig struct {
	*servetest.Proxy
	t   *testing.T
	lab *lab.Lab
}

// plan says how long to work and what to begin with.
type plan struct {
	length time.Duration
	seed   uint64
}

// readPlan takes the plan from the environment.
func readPlan(t *testing.T) plan {
	p := plan{length: 6 * time.Second, seed: 1}
	var err error
	if v := os.Getenv("PGROUTE_SOAK"); v != "" {
		if p.length, err = time.ParseDuration(v); err != nil {
			t.Fatalf("PGROUTE_SOAK: %v", err)
		}
		p.seed = uint64(time.Now().UnixNano())
	}
	if v := os.Getenv("PGROUTE_SOAK_SEED"); v != "" {
		if p.seed, err = strconv.ParseUint(v, 10, 64); err != nil {
			t.Fatalf("PGROUTE_SOAK_SEED: %v", err)
		}
	}
	t.Logf("PGROUTE_SOAK=%s PGROUTE_SOAK_SEED=%d", p.length, p.seed)
	return p
}

// TestRandomStatementsGoWhereTheyBelong: no client is told that it writes to
// a standby, answers are the primary's own, and nothing runs on a standby
// that has effects there.
func TestRandomStatementsGoWhereTheyBelong(t *testing.T) {
	const clients = 6
	p := readPlan(t)
	l := labtest.Start(t, lab.Options{Standbys: 2, Conf: logSettings()})
	w := newWorld(rand.New(rand.NewPCG(p.seed, 0)))
	w.makeShared()
	build(t, l, w)
	r := &rig{Proxy: servetest.Start(t, l), t: t, lab: l}
	y := &tally{states: map[string]int{}}
	known := r.work(p, w, y, clients)

	ctx, cancel := context.WithTimeout(context.Background(), limit)
	defer cancel()
	r.Server().Workers(ctx) // all is counted
	units, standby := r.served()
	t.Logf("%d statements, %d compared with the primary (%d too slow), errors:%s", y.statements, y.compared, y.timeouts, listed(y.states))
	t.Logf("%d read-only blocks looked for own writes; %d statements could not be served in one that was bound, %d were not known while DDL was under way", y.fresh, y.bound, y.unsure)
	t.Logf("%d units, %d (%.0f %%) carried by standbys", units, standby, 100*float64(standby)/float64(max(1, units)))
	t.Logf("the catalogue was known %d %% of the time\n%s", known, r.places())
	r.judge(w)
	if y.statements < 200 || standby < units/3 {
		t.Errorf("%d statements and %d units on standbys prove little", y.statements, standby)
	}
}

// build makes the world on the primary. What lies may be refused, and so may
// what uses it.
func build(t *testing.T, l *lab.Lab, w *world) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), limit)
	defer cancel()
	primary := l.Node("primary")
	if err := primary.Exec(ctx, bottom); err != nil {
		t.Fatal(err)
	}
	made := 0
	c := servetest.Connect(t, primary.DSN(lab.Superuser, "postgres"))
	for _, ddl := range w.ddl {
		if a := ask(c, modeString, ddl); a.state == "" {
			made++
		}
	}
	if a := ask(c, modeString, granted); a.state != "" {
		t.Fatal(a)
	}
	if err := l.WaitCaughtUp(ctx); err != nil {
		t.Fatal(err)
	}
	t.Logf("%d of %d objects made:\n%s", made, len(w.ddl), strings.Join(w.ddl, ";\n"))
}

// work runs the clients and the changes until the time is over. It gives the
// share of the time, in percent, during which the catalogue was known.
func (r *rig) work(p plan, w *world, y *tally, clients int) (known int) {
	stop := make(chan struct{})
	var wg sync.WaitGroup
	for id := range clients {
		c := &client{world: w.twin(p.seed, uint64(id)+2), t: r.t, id: id, tally: y, dsn: func(user string) string { return r.DSN(user, "postgres") }}
		c.direct = servetest.Connect(r.t, r.lab.Node("primary").DSN("app", "postgres"))
		wg.Go(func() { c.run(stop) })
	}
	wg.Go(func() { r.changes(w.twin(p.seed, 1), stop, 1500*time.Millisecond) })
	wg.Go(func() { known = r.known(stop) })
	over := time.NewTimer(p.length)
	defer over.Stop()
	<-over.C
	close(stop)
	wg.Wait()
	return known
}

// served counts the units that all nodes and that standbys have answered.
func (r *rig) served() (all, standby uint64) {
	for i := range r.Monitor().Snapshot().Nodes {
		asPrimary, asStandby := r.Server().Queries(cluster.NodeID(i))
		all += asPrimary + asStandby
		standby += asStandby
	}
	return all, standby
}
