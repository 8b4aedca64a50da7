package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/pgroute/pgroute/health"
	"github.com/pgroute/pgroute/internal/catalog"
	"github.com/pgroute/pgroute/internal/cluster"
	"github.com/pgroute/pgroute/internal/config"
	"github.com/pgroute/pgroute/internal/serve"
	"github.com/pgroute/pgroute/router"
)

// catalogLimit bounds the loading of a live catalogue.
const catalogLimit = time.Minute

// liveCatalog asks the nodes what they are, and the primary for the catalogue
// of a database.
func liveCatalog(ctx context.Context, cfg *config.Config, database string) (router.Catalog, *cluster.Snapshot, error) {
	reports, err := health.Check(ctx, serve.HealthConfig(cfg))
	if err != nil {
		return nil, nil, err
	}
	snap := snapshotOf(reports)
	if snap.PrimaryNode() == nil {
		return nil, nil, errors.New("no primary was found, and only it tells the catalogue; `pgroute check` says what each node answers")
	}
	conn, err := cfg.Nodes[snap.Primary].MonitorConfig(&cfg.Cluster)
	if err != nil {
		return nil, nil, err
	}
	ctx, cancel := context.WithTimeout(ctx, catalogLimit)
	defer cancel()
	cat, err := loadCatalog(ctx, conn, database)
	return cat, snap, err
}

// snapshotOf makes a snapshot of what a check has found.
func snapshotOf(reports []health.NodeReport) *cluster.Snapshot {
	s := &cluster.Snapshot{Version: 1, At: time.Now(), Primary: cluster.NoNode, Writes: cluster.WritesStartup}
	for i := range reports {
		n := reports[i].Node
		s.Nodes = append(s.Nodes, n)
		if n.Role == cluster.RolePrimary && n.Up {
			s.Primary, s.Writes, s.Timeline, s.SystemID = n.ID, cluster.WritesOpen, n.Timeline, reports[i].SystemID
		}
	}
	return s
}

// loadCatalog loads the catalogue of one database, as serve would.
func loadCatalog(ctx context.Context, conn *pgx.ConnConfig, database string) (router.Catalog, error) {
	store := catalog.New(catalog.Config{Dial: func(ctx context.Context, database string) (*pgx.Conn, error) {
		c := conn.Copy()
		c.Database = database
		return pgx.ConnectConfig(ctx, c)
	}}, slog.New(slog.DiscardHandler))
	changed := make(chan struct{}, 1)
	defer store.Subscribe(func(string) {
		select {
		case changed <- struct{}{}:
		default:
		}
	})()
	ctx, stop := context.WithCancel(ctx)
	ended := make(chan error, 1)
	go func() { ended <- store.Run(ctx) }()
	defer func() {
		stop()
		<-ended
	}()
	return awaitCatalog(ctx, store, changed, database)
}

// retryPause is the time between looks at the progress of a load that may
// have failed.
const retryPause = 100 * time.Millisecond

// awaitCatalog waits until the catalogue is loaded, or says why it is not.
func awaitCatalog(ctx context.Context, store *catalog.Store, changed <-chan struct{}, database string) (router.Catalog, error) {
	tick := time.NewTicker(retryPause)
	defer tick.Stop()
	for {
		cat := store.For(database)
		for _, s := range store.Databases() {
			switch {
			case s.Fresh:
				return store.For(database), nil
			case s.Err != "":
				return nil, fmt.Errorf("catalogue of database %s: %s", database, s.Err)
			}
		}
		select {
		case <-ctx.Done():
			return cat, fmt.Errorf("catalogue of database %s: %w", database, context.Cause(ctx))
		case <-changed:
		case <-tick.C:
		}
	}
}
