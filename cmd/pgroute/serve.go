package main

import (
	"context"
	"io"
	"log/slog"
	"os"
	"os/signal"
	"strings"
	"sync"
	"syscall"

	"github.com/pgroute/pgroute/internal/config"
	"github.com/pgroute/pgroute/internal/serve"
)

// ServeCmd is pgroute serve.
type ServeCmd struct {
	Config      string   `help:"Configuration file (proxy.toml); flags and PGROUTE_* suffice without one." type:"path"`
	Nodes       []string `help:"Nodes as host:port, comma separated." placeholder:"HOST:PORT"`
	Listen      []string `help:"Addresses for clients." placeholder:"ADDR"`
	AdminListen string   `help:"Address for metrics and status." placeholder:"ADDR"`
}

// Run serves until a signal ends it.
func (c *ServeCmd) Run(ctx context.Context) error {
	cfg, err := config.Read(c.sources())
	if err != nil {
		return err
	}
	var level slog.LevelVar
	if err := serve.SetLevel(&level, cfg); err != nil {
		return err
	}
	log := newLogger(cfg, &level, os.Stderr)
	for _, w := range cfg.Warnings {
		log.Warn(w)
	}
	app, err := serve.New(cfg, log)
	if err != nil {
		return err
	}
	for _, a := range app.Addrs() {
		log.Info("listening", "address", a.String())
	}
	stop := c.reloadOnHangup(app, log, &level)
	defer stop()
	return app.Run(ctx)
}

// reloadOnHangup reads the configuration anew at every SIGHUP. One that is
// wrong is logged and changes nothing.
func (c *ServeCmd) reloadOnHangup(app *serve.App, log *slog.Logger, level *slog.LevelVar) (stop func()) {
	hangups := make(chan os.Signal, 1)
	signal.Notify(hangups, syscall.SIGHUP)
	done := make(chan struct{})
	var wg sync.WaitGroup
	wg.Go(func() {
		for {
			select {
			case <-done:
				return
			case <-hangups:
			}
			cfg, err := config.Read(c.sources())
			if err == nil {
				err = app.Reload(cfg, level)
			}
			if err != nil {
				log.Error("configuration not reloaded, the old one stays", "error", err)
			}
		}
	})
	return func() {
		signal.Stop(hangups)
		close(done)
		wg.Wait()
	}
}

// sources lists where the configuration comes from.
func (c *ServeCmd) sources() config.Sources {
	s := config.Sources{Path: c.Config, Environ: os.Environ()}
	add := func(key, value, flag string) {
		if value != "" {
			s.Overrides = append(s.Overrides, config.Override{Key: key, Value: value, Origin: flag})
		}
	}
	add("cluster.nodes", strings.Join(c.Nodes, ","), "--nodes")
	add("listen", strings.Join(c.Listen, ","), "--listen")
	add("admin_listen", c.AdminListen, "--admin-listen")
	return s
}

// newLogger makes the logger that [log] describes.
func newLogger(cfg *config.Config, level *slog.LevelVar, w io.Writer) *slog.Logger {
	o := &slog.HandlerOptions{Level: level}
	if cfg.Log.Format == "json" {
		return slog.New(slog.NewJSONHandler(w, o))
	}
	return slog.New(slog.NewTextHandler(w, o))
}
