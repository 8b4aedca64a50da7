package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"time"

	"github.com/pgroute/pgroute/internal/cluster"
	"github.com/pgroute/pgroute/router"
)

// RouteCmd is `pgroute route`.
type RouteCmd struct {
	configFlags
	SQL        []string `arg:"" optional:"" name:"sql" help:"Query strings, each routed as a whole; - reads statements from standard input."`
	File       []string `short:"f" help:"Read statements, each ended by a semicolon, as a session that runs one after the other." type:"path" placeholder:"FILE"`
	Database   string   `short:"d" help:"Database whose live catalogue is used (default: that of the monitor)." placeholder:"NAME"`
	SearchPath string   `help:"search_path of the session." default:"\"$user\", public" placeholder:"LIST"`
	User       string   `help:"Role of the session, for search_path." default:"postgres" placeholder:"ROLE"`
	Release    int      `help:"Major version of PostgreSQL whose built-in catalogue is used; the newest known unless given." placeholder:"N"`
	Log        bool     `help:"Files and standard input are logs of a server (stderr format) with log_statement = all or log_min_duration_statement = 0."`
	Summary    bool     `help:"Show the summary only."`
	JSON       bool     `help:"Print JSON."`
}

// Run classifies the statements, and says where each would go.
func (c *RouteCmd) Run(ctx context.Context) error {
	if len(c.SQL) == 0 && len(c.File) == 0 {
		return errors.New(`nothing to route: give SQL in quotes, "-" for standard input, or --file`)
	}
	sim, err := c.simulator(ctx)
	if err != nil {
		return err
	}
	rep := &routeReport{}
	if err := c.routeAll(sim, rep); err != nil {
		return err
	}
	if c.JSON {
		return rep.writeJSON(os.Stdout)
	}
	if !c.Summary {
		rep.writeTable(os.Stdout)
	}
	rep.writeSummary(os.Stdout)
	return nil
}

// simulator knows the catalogue and the nodes: the live ones when a
// configuration names any.
func (c *RouteCmd) simulator(ctx context.Context) (*simulator, error) {
	path, err := router.ParseSearchPath(c.SearchPath, c.User)
	if err != nil {
		return nil, fmt.Errorf("--search-path: %w", err)
	}
	if len(c.Nodes) == 0 && c.Config == "" {
		release := c.Release
		if release == 0 {
			release = newestRelease
		}
		return newSimulator(router.Builtin(release).Assuming(), path, imaginaryCluster()), nil
	}
	cfg, err := c.read()
	if err != nil {
		return nil, err
	}
	database := c.Database
	if database == "" {
		database = cfg.Cluster.MonitorDatabase
	}
	cat, snap, err := liveCatalog(ctx, cfg, database)
	if err != nil {
		return nil, err
	}
	return newSimulator(cat, path, snap), nil
}

// newestRelease asks router.Builtin for the newest version it has.
const newestRelease = 99

// imaginaryCluster is a primary with one standby, both well.
func imaginaryCluster() *cluster.Snapshot {
	return &cluster.Snapshot{
		Version: 1, At: time.Now(), SystemID: 1, Timeline: 1, Primary: 0, Writes: cluster.WritesOpen,
		Nodes: []cluster.Node{
			{ID: 0, Name: "primary", Role: cluster.RolePrimary, Up: true, Life: 1, Timeline: 1, Weight: 1, Exclusion: cluster.ExcludedNotStandby},
			{ID: 1, Name: "standby", Role: cluster.RoleStandby, Up: true, Life: 1, Timeline: 1, Weight: 1},
		},
	}
}

// routeAll takes the arguments as they come, then the files.
func (c *RouteCmd) routeAll(sim *simulator, rep *routeReport) error {
	for _, sql := range c.SQL {
		if sql != "-" {
			rep.add(sim.route([]byte(sql)))
			continue
		}
		if err := c.routeFrom(os.Stdin, "standard input", sim, rep); err != nil {
			return err
		}
	}
	for _, name := range c.File {
		f, err := os.Open(name)
		if err != nil {
			return err
		}
		err = c.routeFrom(f, name, sim, rep)
		_ = f.Close()
		if err != nil {
			return err
		}
	}
	return nil
}

// maxScript bounds what is read of one file, in bytes.
const maxScript = 1 << 30

// routeFrom routes the statements of a file, one session running them.
func (c *RouteCmd) routeFrom(r io.Reader, name string, sim *simulator, rep *routeReport) error {
	text, err := io.ReadAll(io.LimitReader(r, maxScript+1))
	if err != nil {
		return fmt.Errorf("read %s: %w", name, err)
	}
	if len(text) > maxScript {
		return fmt.Errorf("%s is larger than %d bytes: split it", name, maxScript)
	}
	if c.Log {
		routeLog(text, sim, rep)
		return nil
	}
	sim.newSession()
	for unit := range splitStatements(text) {
		rep.add(sim.route(unit))
	}
	return nil
}
