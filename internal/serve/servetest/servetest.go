// Package servetest gives tests a whole pgroute in the test's own process, in
// front of a lab's cluster, so that the race detector sees all of it.
package servetest

import (
	"context"
	"fmt"
	"log/slog"
	"net"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/pgroute/pgroute/internal/cluster"
	"github.com/pgroute/pgroute/internal/lab"
	"github.com/pgroute/pgroute/internal/serve"
)

// Proxy is a running pgroute.
type Proxy struct {
	*serve.App
	Addr string // host:port for clients
	lab  *lab.Lab
	t    testing.TB
	stop context.CancelFunc
	done chan struct{} // closed when Run has returned
}

// readyLimit bounds the wait for a condition; reaching it fails the test.
const readyLimit = 30 * time.Second

// Start runs pgroute in front of a lab until the test ends. Each override is
// "key=value" with a key of proxy.toml, as in "pool.size=5". It returns once
// the primary and every standby serve.
func Start(t testing.TB, l *lab.Lab, overrides ...string) *Proxy {
	t.Helper()
	p := launch(t, l, overrides)
	p.Await("all nodes serve", func(s *cluster.Snapshot) bool {
		ready := 0
		for i := range s.Nodes {
			if n := &s.Nodes[i]; n.ID == s.Primary || n.Exclusion == cluster.Eligible {
				ready++
			}
		}
		return s.Primary != cluster.NoNode && ready == len(s.Nodes)
	})
	p.AwaitCatalog("postgres")
	return p
}

// AwaitCatalog waits until the catalogue of a database is loaded.
func (p *Proxy) AwaitCatalog(database string) {
	p.t.Helper()
	changed := make(chan struct{}, 1)
	stop := p.Catalogs().Subscribe(func(string) {
		select {
		case changed <- struct{}{}:
		default:
		}
	})
	defer stop()
	deadline := time.After(readyLimit)
	for {
		p.Catalogs().For(database)
		for _, s := range p.Catalogs().Databases() {
			if s.Database == database && s.Fresh {
				return
			}
		}
		select {
		case <-changed:
		case <-deadline:
			p.t.Fatalf("the catalogue of %s was not loaded: %+v", database, p.Catalogs().Databases())
		}
	}
}

// launch makes and runs the App.
func launch(t testing.TB, l *lab.Lab, overrides []string) *Proxy {
	t.Helper()
	src := l.ProxyConfig(lab.ProxyOptions{Listen: "127.0.0.1:0"})
	cfg, err := read(t, src, l.Password(lab.Monitor), overrides)
	if err != nil {
		t.Fatal(err)
	}
	app, err := serve.New(cfg, slog.New(slog.NewTextHandler(testWriter{t}, &slog.HandlerOptions{Level: slog.LevelInfo})))
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	var ended error
	go func() {
		ended = app.Run(ctx)
		close(done)
	}()
	t.Cleanup(func() {
		cancel()
		if <-done; ended != nil {
			t.Errorf("pgroute ended with %v", ended)
		}
		if n := app.Server().Counters().Panics.Load(); n > 0 {
			t.Errorf("%d sessions panicked", n)
		}
	})
	return &Proxy{App: app, Addr: app.Addrs()[0].String(), lab: l, t: t, stop: cancel, done: done}
}

// Shutdown begins the end of pgroute, as SIGTERM does. The channel is closed
// when it is over.
func (p *Proxy) Shutdown() <-chan struct{} {
	p.stop()
	return p.done
}

// Await waits until a published snapshot satisfies a condition, and the event
// loops decide by it or a newer one.
func (p *Proxy) Await(what string, ok func(*cluster.Snapshot) bool) {
	p.t.Helper()
	met := make(chan struct{}, 1)
	stop := p.Monitor().Subscribe(func(s *cluster.Snapshot) {
		if ok(s) {
			select {
			case met <- struct{}{}:
			default:
			}
		}
	})
	select {
	case <-met:
	case <-time.After(readyLimit):
		p.t.Fatalf("waited in vain until %s: %+v", what, p.Monitor().Snapshot())
	}
	stop() // everybody has been told of the snapshot then
	ctx, cancel := context.WithTimeout(context.Background(), readyLimit)
	defer cancel()
	p.Server().Workers(ctx) // answered behind the snapshot
}

// DSN is a connection string of a user through pgroute.
func (p *Proxy) DSN(user, database string) string {
	dsn := fmt.Sprintf("postgres://%s@%s/%s?sslmode=disable", user, p.Addr, database)
	if pw := p.lab.Password(user); pw != "" {
		dsn = fmt.Sprintf("postgres://%s:%s@%s/%s?sslmode=disable", user, pw, p.Addr, database)
	}
	return dsn
}

// Connect opens a connection of the superuser through pgroute, closed when
// the test ends.
func (p *Proxy) Connect(t testing.TB) *pgx.Conn {
	t.Helper()
	return Connect(t, p.DSN(lab.Superuser, "postgres"))
}

// Connect opens a connection that is closed when the test ends.
func Connect(t testing.TB, dsn string) *pgx.Conn {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), readyLimit)
	defer cancel()
	c, err := pgx.Connect(ctx, dsn)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close(context.Background()) })
	return c
}

// Dial opens a bare connection to pgroute, closed when the test ends.
func (p *Proxy) Dial(t testing.TB) net.Conn {
	t.Helper()
	c, err := net.Dial("tcp", p.Addr)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close() })
	return c
}

// testWriter logs to the test while it runs.
type testWriter struct{ t testing.TB }

func (w testWriter) Write(p []byte) (int, error) {
	w.t.Logf("%s", p)
	return len(p), nil
}
