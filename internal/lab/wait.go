package lab

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"

	"github.com/jackc/pgx/v5"
)

// Primary returns the one running node that is not in recovery. With none, or
// with two, it fails: after a split brain only the caller can say which is meant.
func (l *Lab) Primary(ctx context.Context) (*Node, error) { return l.primaryBut(ctx, nil) }

func (l *Lab) primaryBut(ctx context.Context, not *Node) (*Node, error) {
	var mu sync.Mutex
	var found []*Node
	candidates := slices.DeleteFunc(l.Nodes(), func(n *Node) bool { return n == not || !n.Running() })
	// A node that does not answer is not the primary we can work with.
	_ = inParallel(candidates, func(n *Node) error {
		recovery := true
		err := n.query(ctx, func(conn *pgx.Conn) error {
			return conn.QueryRow(ctx, "SELECT pg_is_in_recovery()").Scan(&recovery)
		})
		if err == nil && !recovery {
			mu.Lock()
			defer mu.Unlock()
			found = append(found, n)
		}
		return err
	})
	switch len(found) {
	case 1:
		return found[0], nil
	case 0:
		return nil, errors.New("no primary is running: promote a standby first")
	default:
		return nil, fmt.Errorf("%s and %s are both primaries: stop the wrong one first", found[0].Name, found[1].Name)
	}
}

// WaitStreaming returns when every running standby streams from the primary and
// has reported how far it is.
func (l *Lab) WaitStreaming(ctx context.Context) error {
	up, err := l.Primary(ctx)
	if err != nil {
		return err
	}
	var names []string
	for _, n := range l.nodes {
		if n != up && n.Running() && n.hasStandbySignal() {
			names = append(names, n.Name)
		}
	}
	return l.waitStreaming(ctx, up, names)
}

func (l *Lab) waitStreaming(ctx context.Context, up *Node, names []string) error {
	return up.query(ctx, func(conn *pgx.Conn) error {
		var missing []string
		err := poll(ctx, func() (bool, error) {
			rows, err := conn.Query(ctx, `SELECT name FROM unnest($1::text[]) name WHERE name NOT IN
				(SELECT application_name FROM pg_stat_replication WHERE state = 'streaming' AND replay_lsn IS NOT NULL)`, names)
			if err != nil {
				return false, err
			}
			missing, err = pgx.CollectRows(rows, pgx.RowTo[string])
			return len(missing) == 0, err
		})
		if err != nil && len(missing) > 0 {
			return fmt.Errorf("%s not streaming: %w; the log says: %s",
				strings.Join(missing, ", "), err, l.Node(missing[0]).logSince(0))
		}
		return err
	})
}

// WaitCaughtUp returns when every running standby has replayed what the primary
// had written at the call. Do not call it with replay paused.
func (l *Lab) WaitCaughtUp(ctx context.Context) error {
	up, err := l.Primary(ctx)
	if err != nil {
		return err
	}
	var lsn string
	err = up.query(ctx, func(conn *pgx.Conn) error {
		lsn, err = flushedEnd(ctx, conn)
		return err
	})
	if err != nil {
		return err
	}
	standbys := slices.DeleteFunc(l.Nodes(), func(n *Node) bool { return n == up || !n.Running() || !n.hasStandbySignal() })
	return inParallel(standbys, func(n *Node) error { return n.WaitReplayed(ctx, lsn) })
}

// flushedEnd flushes everything written so far, commits without a flush of their
// own included, and returns where the WAL then ends on disk. The insert position
// would not do: it may stand behind the header of a page that no standby has
// seen yet.
func flushedEnd(ctx context.Context, conn *pgx.Conn) (string, error) {
	if _, err := conn.Exec(ctx, "SET synchronous_commit = local"); err != nil {
		return "", err
	}
	if _, err := conn.Exec(ctx, "SELECT pg_logical_emit_message(true, 'lab', '')"); err != nil {
		return "", err
	}
	var lsn string
	err := conn.QueryRow(ctx, "SELECT pg_current_wal_flush_lsn()::text").Scan(&lsn)
	return lsn, err
}

// WaitReplayed returns when the standby has replayed up to lsn.
func (n *Node) WaitReplayed(ctx context.Context, lsn string) error {
	return n.query(ctx, func(conn *pgx.Conn) error {
		return poll(ctx, func() (bool, error) {
			var done bool
			err := conn.QueryRow(ctx, "SELECT coalesce(pg_last_wal_replay_lsn() >= $1::text::pg_lsn, false)", lsn).Scan(&done)
			return done, err
		})
	})
}
