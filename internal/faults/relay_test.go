package faults

import (
	"bytes"
	"context"
	"errors"
	"io"
	"math/rand/v2"
	"net"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/jackc/pgx/v5"

	"github.com/pgroute/pgroute/internal/lab"
	"github.com/pgroute/pgroute/internal/lab/labtest"
	"github.com/pgroute/pgroute/internal/serve/servetest"
)

// relay carries connections to a node and, while armed, breaks each after a
// random number of the server's bytes, in the middle of whatever they are.
type relay struct {
	target string
	l      net.Listener
	mean   atomic.Int64           // bytes; 0: nothing is broken
	after  atomic.Pointer[string] // what a server says once before its connection breaks
	cuts   atomic.Int64
	wg     sync.WaitGroup
}

func startRelay(t testing.TB, target string) *relay {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	r := &relay{target: target, l: l}
	r.wg.Go(r.run)
	t.Cleanup(func() {
		l.Close()
		r.wg.Wait()
	})
	return r
}

func (r *relay) run() {
	for {
		c, err := r.l.Accept()
		if err != nil {
			return
		}
		r.wg.Go(func() { r.carry(c.(*net.TCPConn)) })
	}
}

// carry joins one connection to the node until either end closes or it is cut.
func (r *relay) carry(front *net.TCPConn) {
	defer front.Close()
	back, err := net.DialTimeout("tcp", r.target, limit)
	if err != nil {
		return
	}
	defer back.Close()
	r.wg.Go(func() {
		_, _ = io.Copy(back, front)
		back.Close()
	})
	budget := int64(1) << 40
	if mean := r.mean.Load(); mean > 0 {
		budget = 600 + int64(rand.ExpFloat64()*float64(mean)) // beyond most logins
	}
	switch cut, err := r.pass(front, back, budget); {
	case err == nil && !cut:
		r.cuts.Add(1)
		_ = front.SetLinger(0) // a reset: nothing more is delivered
	case cut:
		r.cuts.Add(1)
	}
}

// pass copies up to a number of bytes of the server's, or the words after which
// it is cut.
func (r *relay) pass(front, back net.Conn, budget int64) (cut bool, err error) {
	buf := make([]byte, 32<<10)
	for budget > 0 && !cut {
		n, err := back.Read(buf[:min(budget, int64(len(buf)))])
		if last := r.after.Load(); last != nil {
			if i := bytes.Index(buf[:n], []byte(*last)); i >= 0 && r.after.CompareAndSwap(last, nil) {
				n, cut = i+len(*last), true
			}
		}
		if _, writeErr := front.Write(buf[:n]); err != nil || writeErr != nil {
			return cut, errors.Join(err, writeErr)
		}
		budget -= int64(n)
	}
	return cut, nil
}

// startCut brings up a cluster whose servers pgroute reaches through relays.
func startCut(t *testing.T, o lab.Options, overrides ...string) (*rig, []*relay) {
	t.Helper()
	l := labtest.Start(t, o)
	var relays []*relay
	var nodes []string
	for _, n := range l.Nodes() {
		r := startRelay(t, n.Addr())
		_, port, _ := net.SplitHostPort(r.l.Addr().String())
		relays = append(relays, r)
		nodes = append(nodes, "host=127.0.0.1 port="+port+" name="+n.Name+" sslmode=disable")
	}
	overrides = append(overrides, "workers=3", "cluster.nodes="+strings.Join(nodes, ";"))
	return &rig{Proxy: servetest.Start(t, l, overrides...), t: t, lab: l}, relays
}

// returning writes a token and has the server give it back.
func returning(ctx context.Context, c *client, token int64) error {
	var got int64
	err := c.QueryRow(ctx, insert+" RETURNING token", token, c.id, false).Scan(&got)
	return c.judge(token, err)
}

// Connections break at any byte of an answer, those of the monitor too. What
// clients are told stays true, whatever pgroute tries again.
func TestCutConnectionsNeitherLoseNorRepeatAWrite(t *testing.T) {
	r, relays := startCut(t, lab.Options{Standbys: 2})
	l := r.begin(12, autocommit, transaction, simple, returning)
	for _, relay := range relays {
		relay.mean.Store(1500)
	}
	for _, n := range r.lab.Nodes() { // from now on all are of those that break
		r.terminate(n.Name, "backend_type = 'client backend'")
	}
	const enough = 150
	poll(t, "connections were cut often enough", func() bool {
		return relays[0].cuts.Load() >= enough
	})
	for _, relay := range relays {
		relay.mean.Store(0)
	}
	// The others may have been given half a row: they cannot go on.
	l.awaitRoundsOf(slices.DeleteFunc(slices.Clone(l.clients), func(c *client) bool { return c.id%4 == 3 }), 3)
	l.end()
	for _, c := range l.clients {
		if c.id%4 == 3 {
			c.dropped = nil
		}
	}
	f := l.audit(r.direct("primary"))
	t.Logf("%d cuts: %s", relays[0].cuts.Load()+relays[1].cuts.Load()+relays[2].cuts.Load(), &f)
	f.check(t)
	for state := range f.states {
		switch state {
		case "08007", "40001", "broken":
		case "08006": // a Parse that met two such connections in a row
		default:
			t.Errorf("clients were told SQLSTATE %s", state)
		}
	}
}

// series reads rows that tell whether any is missing, repeated or changed; a
// connection that broke in the middle of a row is replaced.
func series(r *rig) work {
	return func(ctx context.Context, c *client, token int64) error {
		rows, err := c.Query(ctx, "SELECT g, repeat('x', 20) FROM generate_series(1, $1) AS g", 1+token%100)
		if err != nil {
			return c.reading(r, err)
		}
		want := int64(1)
		var g int64
		var pad string
		_, err = pgx.ForEachRow(rows, []any{&g, &pad}, func() error {
			if g != want || len(pad) != 20 {
				r.t.Errorf("row %d is %d, %q", want, g, pad)
			}
			want++
			return nil
		})
		if err == nil && want != 2+token%100 {
			r.t.Errorf("%d rows, want %d", want-1, 1+token%100)
		}
		return c.reading(r, err)
	}
}

// reading notes the error of a read and replaces a connection that broke.
func (c *client) reading(r *rig, err error) error {
	if err == nil {
		return nil
	}
	c.ledger.failed("read " + state(err))
	if c.IsClosed() {
		fresh, dialErr := pgx.Connect(context.Background(), r.DSN(lab.Superuser, "postgres"))
		if dialErr != nil {
			return errors.Join(err, dialErr)
		}
		c.Conn = fresh
	}
	return err
}

func TestCutReadsAreWholeOrFail(t *testing.T) {
	r, relays := startCut(t, lab.Options{Standbys: 2})
	l := r.begin(8, series(r))
	for _, relay := range relays {
		relay.mean.Store(20_000)
	}
	for _, n := range r.lab.Nodes() {
		r.terminate(n.Name, "backend_type = 'client backend'")
	}
	poll(t, "connections were cut often enough", func() bool {
		return relays[1].cuts.Load()+relays[2].cuts.Load() >= 100
	})
	l.end()
	l.drops()
	states, rounds := map[string]int{}, int64(0)
	for _, c := range l.clients {
		_ = c.Close(context.Background())
		rounds += c.rounds.Load()
		for s, n := range c.ledger.states {
			states[s] += n
		}
	}
	t.Logf("%d reads were whole, %d were placed anew; errors %v", rounds, r.Server().Counters().Reruns.Load(), states)
	for s := range states {
		if s != "read 08006" && s != "read " { // the latter: half a row was passed on
			t.Errorf("clients were told SQLSTATE %s", s)
		}
	}
}
