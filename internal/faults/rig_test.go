package faults

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/pgroute/pgroute/internal/cluster"
	"github.com/pgroute/pgroute/internal/lab"
	"github.com/pgroute/pgroute/internal/lab/labtest"
	"github.com/pgroute/pgroute/internal/serve/servetest"
)

// limit bounds everything a test waits for; reaching it fails the test.
const limit = 30 * time.Second

// rig is a cluster that may be harmed, with pgroute in front of it.
type rig struct {
	*servetest.Proxy
	t     testing.TB
	lab   *lab.Lab
	found int // the process findBackend found last
}

// start brings up a cluster and a pgroute with "key=value" settings.
func start(t testing.TB, o lab.Options, overrides ...string) *rig {
	t.Helper()
	l := labtest.Start(t, o)
	return &rig{Proxy: servetest.Start(t, l, overrides...), t: t, lab: l}
}

// do runs an operation of the lab on a node.
func (r *rig) do(op func(context.Context, string) error, node string) {
	r.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 2*limit)
	defer cancel()
	if err := op(ctx, node); err != nil {
		r.t.Fatal(err)
	}
}

// at executes statements on a node itself, past pgroute.
func (r *rig) at(node, sql string) {
	r.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), limit)
	defer cancel()
	if err := r.lab.Node(node).Exec(ctx, sql); err != nil {
		r.t.Fatal(err)
	}
}

// setup executes DDL and waits until pgroute knows what it made and every
// standby has it, so that no failover loses it.
func (r *rig) setup(sql string) {
	r.t.Helper()
	must(r.t, r.Connect(r.t), sql)
	r.AwaitCatalog("postgres")
	ctx, cancel := context.WithTimeout(context.Background(), limit)
	defer cancel()
	if err := r.lab.WaitCaughtUp(ctx); err != nil {
		r.t.Fatal(err)
	}
}

// direct connects to a node itself.
func (r *rig) direct(node string) *pgx.Conn {
	r.t.Helper()
	return servetest.Connect(r.t, r.lab.Node(node).DSN(lab.Superuser, "postgres"))
}

// id is a node's number.
func (r *rig) id(node string) cluster.NodeID {
	return r.Monitor().Snapshot().ByName(node).ID
}

// awaitPrimary waits until pgroute writes to a node.
func (r *rig) awaitPrimary(node string) {
	r.t.Helper()
	r.Await(node+" is the primary", func(s *cluster.Snapshot) bool {
		p := s.PrimaryNode()
		return p != nil && p.Name == node && s.Writes == cluster.WritesOpen
	})
}

// awaitLost waits until pgroute knows that there is no primary.
func (r *rig) awaitLost() {
	r.t.Helper()
	r.Await("the primary is lost", func(s *cluster.Snapshot) bool { return s.Writes == cluster.WritesLost })
}

// awaitNode waits until a standby is excluded for that reason, or Eligible.
func (r *rig) awaitNode(node string, e cluster.Exclusion) {
	r.t.Helper()
	r.Await(fmt.Sprintf("%s is %s", node, e), func(s *cluster.Snapshot) bool { return s.ByName(node).Exclusion == e })
}

// answered gives the number of units that a node has answered, in either role.
func (r *rig) answered(node string) uint64 {
	r.onStandbys() // all is counted
	asPrimary, asStandby := r.Server().Queries(r.id(node))
	return asPrimary + asStandby
}

// freeze stops a node's processes; they go on at the end in any case.
func (r *rig) freeze(node string) {
	r.t.Helper()
	if err := r.lab.Freeze(node); err != nil {
		r.t.Fatal(err)
	}
	r.t.Cleanup(func() { _ = r.lab.Thaw(node) }) // it may be down or thawed
}

func (r *rig) thaw(node string) {
	r.t.Helper()
	if err := r.lab.Thaw(node); err != nil {
		r.t.Fatal(err)
	}
}

// ask runs a string by the simple protocol and gives the first value of its
// last result, or the error.
func ask(c *pgx.Conn, sql string) (string, error) {
	ctx, cancel := context.WithTimeout(context.Background(), limit)
	defer cancel()
	results, err := c.PgConn().Exec(ctx, sql).ReadAll()
	if err != nil || len(results) == 0 {
		return "", err
	}
	last := results[len(results)-1]
	if len(last.Rows) == 0 || len(last.Rows[0]) == 0 {
		return "", nil
	}
	return string(last.Rows[0][0]), nil
}

// must is ask for what has to succeed.
func must(t testing.TB, c *pgx.Conn, sql string) string {
	t.Helper()
	v, err := ask(c, sql)
	if err != nil {
		t.Fatalf("%s: %v", sql, err)
	}
	return v
}

// mustFail runs what has to fail with a SQLSTATE, the session surviving.
func mustFail(t testing.TB, c *pgx.Conn, sql, want string) *pgconn.PgError {
	t.Helper()
	_, err := ask(c, sql)
	var e *pgconn.PgError
	if !errors.As(err, &e) || e.Code != want {
		t.Fatalf("%s: %v, want SQLSTATE %s", sql, err, want)
	}
	if c.IsClosed() {
		t.Fatalf("%s: the connection is gone", sql)
	}
	return e
}

// state gives the SQLSTATE of an error, "" when it has none.
func state(err error) string {
	var e *pgconn.PgError
	if errors.As(err, &e) {
		return e.Code
	}
	return ""
}

// async runs a string on a goroutine, which ends before the connection is
// closed; its outcome comes on the channel.
func async(t testing.TB, c *pgx.Conn, sql string) <-chan answer {
	done := make(chan answer, 1)
	var wg sync.WaitGroup
	wg.Go(func() {
		v, err := ask(c, sql)
		done <- answer{v, err}
	})
	t.Cleanup(wg.Wait)
	return done
}

// answer is what came of a statement.
type answer struct {
	value string
	err   error
}

// await takes the answer of a statement under way.
func await(t testing.TB, done <-chan answer) answer {
	t.Helper()
	select {
	case a := <-done:
		return a
	case <-time.After(limit):
		t.Fatal("no answer ever came")
		return answer{}
	}
}

// poll waits for a condition that nothing announces.
func poll(t testing.TB, what string, ok func() bool) {
	t.Helper()
	if !soon(ok) {
		t.Fatalf("waited in vain until %s", what)
	}
}

// soon waits for a condition that nothing announces; false when it takes too
// long.
func soon(ok func() bool) bool {
	deadline := time.Now().Add(limit)
	tick := time.NewTicker(2 * time.Millisecond)
	defer tick.Stop()
	for !ok() {
		if time.Now().After(deadline) {
			return false
		}
		<-tick.C
	}
	return true
}

// awaitReader reads until a standby has served the session, whose later reads
// need no primary then.
func (r *rig) awaitReader(c *pgx.Conn) {
	r.t.Helper()
	poll(r.t, "a standby serves the session", func() bool {
		before := r.onStandbys()
		must(r.t, c, "SELECT 1")
		return r.onStandbys() > before
	})
}

// awaitKnown waits until pgroute knows enough of what a read names to send it
// to a standby.
func (r *rig) awaitKnown(sql string) {
	r.t.Helper()
	poll(r.t, "what is named is known", func() bool {
		before := r.onStandbys()
		c := r.Connect(r.t)
		defer c.Close(context.Background())
		must(r.t, c, sql)
		return r.onStandbys() > before
	})
}

// onStandbys counts the units that standbys have answered. Every loop is asked
// first, so that all that clients know of is counted.
func (r *rig) onStandbys() uint64 {
	r.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), limit)
	defer cancel()
	r.Server().Workers(ctx)
	var n uint64
	for i := range r.Monitor().Snapshot().Nodes {
		_, asStandby := r.Server().Queries(cluster.NodeID(i))
		n += asStandby
	}
	return n
}

// awaitPhase waits until that many sessions are in a phase. underWay are the
// statements that are to bring them there; one that is answered does not.
func (r *rig) awaitPhase(phase string, n int64, underWay ...<-chan answer) {
	r.t.Helper()
	if !soon(func() bool { return r.Server().Phases()[phase] == n }) {
		r.t.Fatalf("waited in vain until %d sessions are %s; %s", n, phase, r.report(underWay))
	}
}

// report tells what there is to know when something hangs.
func (r *rig) report(underWay []<-chan answer) string {
	ctx, cancel := context.WithTimeout(context.Background(), limit)
	defer cancel()
	var b strings.Builder
	for i, done := range underWay {
		select {
		case a := <-done:
			fmt.Fprintf(&b, "statement %d was answered %q %v; ", i, a.value, a.err)
		default:
			fmt.Fprintf(&b, "statement %d is under way; ", i)
		}
	}
	busy, _ := r.Server().Sessions(ctx, 100)
	fmt.Fprintf(&b, "phases %v, busy sessions %+v, pools %+v, switch %+v, snapshot %+v", r.Server().Phases(), busy,
		r.Backends().Stats(), r.Monitor().Stats().Switch, r.Monitor().Snapshot())
	return b.String()
}

func itoa(n int) string { return strconv.Itoa(n) }
