package main

import (
	"context"
	"io"
	"log/slog"
	"os"
	"strings"

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
	log := newLogger(cfg, os.Stderr)
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
	return app.Run(ctx)
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
func newLogger(cfg *config.Config, w io.Writer) *slog.Logger {
	var level slog.Level
	_ = level.UnmarshalText([]byte(cfg.Log.Level)) // validated with the configuration
	o := &slog.HandlerOptions{Level: level}
	if cfg.Log.Format == "json" {
		return slog.New(slog.NewJSONHandler(w, o))
	}
	return slog.New(slog.NewTextHandler(w, o))
}
