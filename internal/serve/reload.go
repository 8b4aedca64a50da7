package serve

import (
	"fmt"
	"log/slog"
	"net"

	"github.com/pgroute/pgroute/backend"
	"github.com/pgroute/pgroute/internal/config"
	"github.com/pgroute/pgroute/proxy"
	"github.com/pgroute/pgroute/proxy/auth"
)

// Reload takes a changed configuration into use, as far as that is possible
// without a restart; what is not is logged and stays as it was. When it fails
// nothing has changed. level is the logger's, to follow [log] level.
func (a *App) Reload(cfg *config.Config, level *slog.LevelVar) error {
	t, err := a.tunables(cfg)
	if err != nil {
		return fmt.Errorf("reload: %w; the configuration stays as it was", err)
	}
	changes := config.Diff(a.Config(), cfg)
	for _, c := range changes {
		if c.Restart {
			a.log.Warn("needs a restart to take effect", "change", c.String())
		} else {
			a.log.Info("configuration changed", "change", c.String())
		}
	}
	if err := SetLevel(level, cfg); err != nil {
		return err
	}
	a.server.Retune(t)
	a.backends.SetLimits(limits(cfg))
	a.current.Store(cfg)
	a.log.Info("configuration reloaded", "changes", len(changes))
	return nil
}

// Config is the configuration as it was read last. What needs a restart is in
// force only if it was there from the start.
func (a *App) Config() *config.Config { return a.current.Load() }

// SetLevel makes a logger's level what [log] level says.
func SetLevel(level *slog.LevelVar, cfg *config.Config) error {
	var l slog.Level
	if err := l.UnmarshalText([]byte(cfg.Log.Level)); err != nil {
		return fmt.Errorf("log.level: %w", err)
	}
	level.Set(l)
	return nil
}

// limits are the bounds of the pools.
func limits(c *config.Config) backend.Limits {
	return backend.Limits{
		Size: c.Pool.Size, Prepared: c.Pool.MaxPrepared, DialTimeout: c.Pool.ConnectTimeout.Duration,
		IdleTimeout: c.Pool.IdleTimeout.Duration, Lifetime: c.Pool.MaxLifetime.Duration,
	}
}

// tunables are the settings of the data plane that a reload can change.
func (a *App) tunables(c *config.Config) (proxy.Tunables, error) {
	method, err := auth.ParseMethod(string(c.Auth.Method))
	if err != nil {
		return proxy.Tunables{}, err
	}
	mock := auth.NewMock(c.Cluster.MonitorPassword, c.Auth.Iterations)
	roles, err := a.makeRoles(c, mock)
	if err != nil {
		return proxy.Tunables{}, err
	}
	t := proxy.Tunables{
		Policy: policy(c), Wish: wish(c), AuthMethod: method, Mock: mock,
		MaxClients: c.Pool.MaxClients, PoolSize: c.Pool.Size, MaxHeld: c.Failover.MaxHeld,
		LoginTimeout: c.Client.LoginTimeout.Duration, QueueTimeout: c.Pool.QueueTimeout.Duration,
		HoldTimeout: c.Failover.HoldTimeout.Duration, DrainTimeout: c.ShutdownTimeout.Duration,
		IdleTimeout: c.Client.IdleTimeout.Duration, IdleInTx: c.Client.IdleInTransactionTimeout.Duration,
		KeepAlive: net.KeepAliveConfig{
			Enable: c.Client.KeepaliveIdle.Duration > 0, Idle: c.Client.KeepaliveIdle.Duration,
			Interval: c.Client.KeepaliveInterval.Duration, Count: c.Client.KeepaliveCount,
		},
	}
	if roles != nil {
		t.Roles = roles
	}
	return t, nil
}
