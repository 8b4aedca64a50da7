package health

import (
	"context"
	"time"

	"github.com/pgroute/pgroute/internal/cluster"
	"github.com/pgroute/pgroute/internal/pg"
)

// link is a live monitor connection to one node, used by one goroutine. Every
// error but one of replication's closes it: a link that answered wrongly once
// is not asked again.
type link interface {
	// sample runs the probe query, one round trip.
	sample(ctx context.Context) (sample, error)
	// replication reads what the node, a primary, tells of its standbys.
	replication(ctx context.Context) (Replication, error)
	// idle waits until the connection breaks (an error) or ctx ends (nil).
	idle(ctx context.Context) error
	close()
}

// lsnLink is a courier's connection to one node, used by one goroutine.
type lsnLink interface {
	// walEnd asks a primary for pg_current_wal_insert_lsn(), raw, and then for
	// pg_current_wal_flush_lsn(), in one query.
	walEnd(deadline time.Time) (insert, flush pg.LSN, err error)
	// replayLSN asks a standby for pg_last_wal_replay_lsn().
	replayLSN(deadline time.Time) (pg.LSN, error)
	close()
}

// network opens links; the real one is pgNetwork, tests have a scripted one.
type network interface {
	dial(ctx context.Context, node cluster.NodeID) (link, error)
	dialLSN(ctx context.Context, node cluster.NodeID) (lsnLink, error)
	// history reads a timeline's history over a replication connection.
	history(ctx context.Context, node cluster.NodeID, timeline pg.TimelineID) ([]cluster.Ancestor, error)
	// recordEnd reads the same way where the record ends that begins at lsn.
	recordEnd(ctx context.Context, node cluster.NodeID, timeline pg.TimelineID, lsn pg.LSN, segment uint64) (pg.LSN, error)
}
