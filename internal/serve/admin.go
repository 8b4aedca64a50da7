package serve

import (
	"fmt"
	"net"
	"net/http"
	"runtime/debug"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/pgroute/pgroute/proxy/admin"
)

// AdminAddr is the address of the status page; nil without one.
func (a *App) AdminAddr() net.Addr {
	if a.admin == nil {
		return nil
	}
	return a.admin.Addr()
}

// pages makes the admin pages, with a registry of their own.
func (a *App) pages() (http.Handler, error) {
	sources := &admin.Sources{
		Started: a.cfg, Current: a.Config, Monitor: a.monitor, Server: a.server, Backends: a.backends,
		Roles: a.Roles, Catalogs: a.catalogs.Databases, Since: time.Now(), Version: Version(),
	}
	registry := prometheus.NewPedanticRegistry()
	if err := admin.Register(registry, sources); err != nil {
		return nil, fmt.Errorf("register metrics: %w", err)
	}
	if err := admin.RegisterProcess(registry); err != nil {
		return nil, fmt.Errorf("register metrics of the process: %w", err)
	}
	return admin.Handler(sources, admin.Options{Metrics: registry, Pprof: a.cfg.Admin.Pprof}), nil
}

// Version is that of pgroute as Go has stamped it into the program.
func Version() string {
	info, ok := debug.ReadBuildInfo()
	if !ok || info.Main.Version == "" {
		return "unknown"
	}
	return info.Main.Version
}
