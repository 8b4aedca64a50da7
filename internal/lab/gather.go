package lab

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/pgroute/pgroute/internal/pg"
)

// gatherLimit bounds how long a promotion waits for standbys to hand over WAL.
// One that is frozen must not prevent it.
const gatherLimit = 3 * time.Second

// gatherWAL gives the candidate for promotion all WAL that any other running
// standby has. The others have been pointed at the candidate already.
func (l *Lab) gatherWAL(ctx context.Context, candidate *Node) error {
	ctx, cancel := context.WithTimeout(ctx, gatherLimit)
	defer cancel()
	ahead, end, err := l.mostAdvanced(ctx, candidate)
	if ahead == nil {
		return err
	}
	own, ownErr := candidate.received(ctx)
	if ownErr != nil {
		return ownErr
	}
	if own >= end {
		return err
	}
	if err := candidate.setUpstream(ahead); err != nil {
		return err
	}
	candidate.reload()
	return poll(ctx, func() (bool, error) {
		own, err := candidate.received(ctx)
		return own >= end, err
	})
}

// mostAdvanced returns the running standby that has received most, and up to
// where, once none of them receives from anybody but the candidate. With an
// error it covers those that did answer.
func (l *Lab) mostAdvanced(ctx context.Context, candidate *Node) (*Node, pg.LSN, error) {
	var mu sync.Mutex
	var best *Node
	var end pg.LSN
	others := slices.DeleteFunc(l.Nodes(), func(n *Node) bool {
		return n == candidate || !n.Running() || !n.hasStandbySignal()
	})
	err := inParallel(others, func(n *Node) error {
		if err := n.awaitDetached(ctx, candidate); err != nil {
			return err
		}
		lsn, err := n.received(ctx)
		mu.Lock()
		defer mu.Unlock()
		if err == nil && (best == nil || lsn > end) {
			best, end = n, lsn
		}
		return err
	})
	return best, end, err
}

// awaitDetached returns when the standby streams from up or from nobody.
func (n *Node) awaitDetached(ctx context.Context, up *Node) error {
	return n.query(ctx, func(conn *pgx.Conn) error {
		return poll(ctx, func() (bool, error) {
			var others int
			err := conn.QueryRow(ctx, `SELECT count(*) FROM pg_stat_wal_receiver
				WHERE status = 'streaming' AND sender_port <> $1`, up.Port).Scan(&others)
			return others == 0, err
		})
	})
}

// received is the end of the WAL that the standby has. What it received is
// forgotten by a restart, what it replayed is not.
func (n *Node) received(ctx context.Context) (pg.LSN, error) {
	var text string
	err := n.query(ctx, func(conn *pgx.Conn) error {
		return conn.QueryRow(ctx, `SELECT coalesce(greatest(pg_last_wal_receive_lsn(), pg_last_wal_replay_lsn()), '0/0')::text`).Scan(&text)
	})
	if err != nil {
		return 0, err
	}
	lsn, err := pg.ParseLSN(text)
	if err != nil {
		return 0, fmt.Errorf("%s: %w", n.Name, err)
	}
	return lsn, nil
}
