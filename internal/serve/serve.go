// Package serve puts the parts of pgroute together: from a configuration it
// makes the monitor, the pools, the catalogues, the data plane and the admin
// pages, runs them, and ends them in the right order.
package serve

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/pgroute/pgroute/backend"
	"github.com/pgroute/pgroute/health"
	"github.com/pgroute/pgroute/internal/catalog"
	"github.com/pgroute/pgroute/internal/cluster"
	"github.com/pgroute/pgroute/internal/config"
	"github.com/pgroute/pgroute/proxy"
	"github.com/pgroute/pgroute/proxy/admin"
	"github.com/pgroute/pgroute/router"
)

// App is a pgroute that was put together and can run once.
type App struct {
	cfg      *config.Config // as started
	current  atomic.Pointer[config.Config]
	log      *slog.Logger
	monitor  *health.Monitor
	backends *backend.Set
	catalogs *catalog.Store
	users    users
	server   *proxy.Server
	admin    net.Listener
	handler  http.Handler // of the admin listener
	addrs    []net.Addr
}

// New makes an App and opens its listeners; Run serves. On error nothing is
// left open.
func New(cfg *config.Config, log *slog.Logger) (*App, error) {
	a := &App{cfg: cfg, log: log}
	a.current.Store(cfg)
	listeners, err := listen(cfg.Listen)
	if err != nil {
		return nil, err
	}
	if cfg.AdminListen != "" {
		if a.admin, err = net.Listen("tcp", cfg.AdminListen); err != nil {
			closeAll(listeners)
			return nil, fmt.Errorf("listen on %s: %w (choose another address with --admin-listen or admin_listen = ...)", cfg.AdminListen, err)
		}
	}
	if err := a.build(listeners); err != nil {
		closeAll(append(listeners, a.admin))
		return nil, err
	}
	return a, nil
}

func closeAll(ls []net.Listener) {
	for _, l := range ls {
		if l != nil {
			_ = l.Close()
		}
	}
}

// build makes the parts, the lower ones first.
func (a *App) build(listeners []net.Listener) error {
	var err error
	if a.monitor, err = health.New(HealthConfig(a.cfg), a.log); err != nil {
		return err
	}
	if a.backends, err = a.makeBackends(); err != nil {
		return err
	}
	a.catalogs = catalog.New(catalog.Config{
		Dial:     a.dialPrimary,
		Harmless: a.cfg.Routing.StandbyFunctions, Primary: a.cfg.Routing.PrimaryFunctions,
	}, a.log)
	o := a.options(listeners)
	if o.Tunables, err = a.tunables(a.cfg); err != nil {
		return err
	}
	if a.server, err = proxy.New(o); err != nil {
		return err
	}
	for _, l := range listeners {
		a.addrs = append(a.addrs, l.Addr())
	}
	a.handler, err = a.pages()
	return err
}

// dialPrimary connects to a database of the primary as the monitor role.
func (a *App) dialPrimary(ctx context.Context, database string) (*pgx.Conn, error) {
	p := a.monitor.Snapshot().PrimaryNode()
	if p == nil {
		return nil, catalog.ErrNoPrimary
	}
	c, err := a.cfg.Nodes[p.ID].MonitorConfig(&a.cfg.Cluster)
	if err != nil {
		return nil, err
	}
	c.Database = database
	return pgx.ConnectConfig(ctx, c)
}

// followPrimary tells the catalogues when the primary has changed.
func (a *App) followPrimary() (cancel func()) {
	last := cluster.NoNode
	return a.monitor.Subscribe(func(s *cluster.Snapshot) {
		if s.Primary != cluster.NoNode && s.Primary != last {
			last = s.Primary
			a.catalogs.PrimaryChanged()
		}
	})
}

// HealthConfig is what the monitor must know of a configuration.
func HealthConfig(cfg *config.Config) health.Config {
	h := health.Config{
		User: cfg.Cluster.MonitorUser, Password: cfg.Cluster.MonitorPassword.Reveal(), Database: cfg.Cluster.MonitorDatabase,
		Interval: cfg.Health.Interval.Duration, Timeout: cfg.Health.Timeout.Duration,
		MaxLagBytes: cfg.Health.MaxLagBytes.Bytes(), MaxLagTime: cfg.Health.MaxLagTime.Duration,
		StateFile: cfg.Cluster.StateFile,
	}
	for i := range cfg.Nodes {
		n := &cfg.Nodes[i]
		h.Nodes = append(h.Nodes, health.NodeConfig{Name: n.Name, Conninfo: n.Conninfo(), Zone: n.Zone, Weight: n.Weight})
	}
	return h
}

func (a *App) makeBackends() (*backend.Set, error) {
	var nodes []*pgconn.Config
	for i := range a.cfg.Nodes {
		c, err := a.cfg.Nodes[i].ServerConfig()
		if err != nil {
			return nil, fmt.Errorf("node %s: %w", a.cfg.Nodes[i].Name, err)
		}
		nodes = append(nodes, c)
	}
	return backend.NewSet(backend.Options{
		Nodes:          nodes,
		Limits:         limits(a.cfg),
		AllowCleartext: a.cfg.Auth.AllowCleartextServer,
		Confirm:        a.monitor.Confirm, Suspect: a.monitor.Suspect, Logger: a.log,
	}), nil
}

func (a *App) options(listeners []net.Listener) proxy.Options {
	c := a.cfg
	return proxy.Options{
		Listeners: listeners, Workers: workers(c.Workers), NodeCount: len(c.Nodes),
		ClassCacheBytes: int(c.Routing.CacheSize.Bytes()),
		Monitor:         a.monitor, Backends: a.backends, Catalogs: a.catalogs, Logger: a.log,
	}
}

// workers chooses the number of event loops: one does the work of several
// cores' worth of PostgreSQL, and fewer loops share system calls better.
func workers(n int) int {
	if n > 0 {
		return n
	}
	return max(1, runtime.GOMAXPROCS(0)/2)
}

func policy(c *config.Config) *router.Policy {
	p := &router.Policy{
		Shadow: c.Routing.Mode == config.ModeShadow, FenceWait: c.Routing.FenceWait.Duration, Prefer: c.Routing.Prefer,
		WarmUp: c.Routing.WarmUp.Duration,
	}
	switch c.Routing.ReadFromPrimary {
	case config.ReadAlways:
		p.PrimaryReads = router.PrimaryAlways
	case config.ReadNever:
		p.PrimaryReads = router.PrimaryNever
	}
	return p
}

func wish(c *config.Config) router.Wish {
	w := router.Wish{Node: cluster.NoNode, Consistency: router.ConsistencySession}
	switch c.Routing.Consistency {
	case config.Eventual:
		w.Consistency = router.ConsistencyEventual
	case config.Proxy:
		w.Consistency = router.ConsistencyProxy
	case config.Strong:
		w.Consistency = router.ConsistencyStrong
	}
	if c.Routing.Mode == config.ModePrimary {
		w.Target = router.TargetPrimary
	}
	if d := c.Routing.MaxStaleness.Duration; d > 0 {
		w.HasStaleness, w.MaxStaleness = true, d
	}
	return w
}

// listen opens the listeners; "unix:/path" is a Unix socket.
func listen(addrs []string) ([]net.Listener, error) {
	var ls []net.Listener
	for _, addr := range addrs {
		network, address := "tcp", addr
		if path, ok := strings.CutPrefix(addr, "unix:"); ok {
			network, address = "unix", path
		}
		l, err := net.Listen(network, address)
		if err != nil {
			closeAll(ls)
			return nil, fmt.Errorf("listen on %s: %w (choose another address with --listen or listen = [...])", addr, err)
		}
		ls = append(ls, l)
	}
	return ls, nil
}

// Addrs are the addresses clients can connect to.
func (a *App) Addrs() []net.Addr { return a.addrs }

// Monitor gives the health monitor.
func (a *App) Monitor() *health.Monitor { return a.monitor }

// Server gives the data plane.
func (a *App) Server() *proxy.Server { return a.server }

// Backends gives the pools.
func (a *App) Backends() *backend.Set { return a.backends }

// Run serves until ctx ends and sessions have drained. The monitor outlives
// the data plane, which needs it to the end.
func (a *App) Run(ctx context.Context) error {
	below, stop := context.WithCancel(context.WithoutCancel(ctx))
	var wg sync.WaitGroup
	errs := make(chan error, 4)
	defer a.followPrimary()()
	wg.Go(func() { errs <- a.catalogs.Run(below) })
	if a.admin != nil {
		wg.Go(func() { errs <- admin.Serve(below, a.admin, a.handler) })
	}
	wg.Go(func() { errs <- a.monitor.Run(below) })
	err := a.server.Run(ctx)
	a.backends.Close()
	a.closeRoles()
	stop()
	wg.Wait()
	close(errs)
	for e := range errs {
		if !errors.Is(e, context.Canceled) {
			err = errors.Join(err, e)
		}
	}
	return err
}
