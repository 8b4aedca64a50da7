package health

import (
	"context"
	"encoding/binary"
	"errors"
	"time"

	"github.com/jackc/pgx/v5/pgconn"

	"github.com/pgroute/pgroute/internal/cluster"
	"github.com/pgroute/pgroute/internal/pg"
)

// pgLSNLink is a courier's connection: two prepared statements, binary
// results, and deadlines on the socket instead of contexts, because a context
// costs a goroutine's wake-up per query.
type pgLSNLink struct {
	conn *pgconn.PgConn
	// Both are prepared whatever the node is now: a standby may become the
	// primary on the same connection.
	end, replay *pgconn.StatementDescription
}

func (n *pgNetwork) dialLSN(ctx context.Context, node cluster.NodeID) (lsnLink, error) {
	conn, err := connect(ctx, n.conns[node])
	if err != nil {
		return nil, err
	}
	l := &pgLSNLink{conn: conn}
	if l.end, err = conn.Prepare(ctx, "end", "SELECT pg_current_wal_insert_lsn(), pg_current_wal_flush_lsn()", nil); err == nil {
		l.replay, err = conn.Prepare(ctx, "replay", "SELECT pg_last_wal_replay_lsn()", nil)
	}
	if err != nil {
		closeConn(conn)
		return nil, err
	}
	return l, nil
}

func (l *pgLSNLink) walEnd(deadline time.Time) (insert, flush pg.LSN, err error) {
	lsns, err := l.ask(l.end, deadline)
	return lsns[0], lsns[1], err
}

func (l *pgLSNLink) replayLSN(deadline time.Time) (pg.LSN, error) {
	lsns, err := l.ask(l.replay, deadline)
	return lsns[0], err
}

// ask runs one of the prepared statements in one round trip. pg_lsn in binary
// is eight bytes; NULL is no position.
func (l *pgLSNLink) ask(stmt *pgconn.StatementDescription, deadline time.Time) (lsns [2]pg.LSN, err error) {
	if err := l.conn.Conn().SetDeadline(deadline); err != nil {
		return lsns, err
	}
	// The background context is what keeps pgconn from watching it.
	res := l.conn.ExecStatement(context.Background(), stmt, nil, nil, []int16{1})
	rows := 0
	for res.NextRow() {
		rows++
		for i, v := range res.Values() {
			if i < len(lsns) && len(v) == 8 {
				lsns[i] = pg.LSN(binary.BigEndian.Uint64(v))
			}
		}
	}
	if _, err := res.Close(); err != nil {
		return lsns, err
	}
	if rows != 1 {
		return lsns, errors.New("LSN query gave no single row")
	}
	return lsns, nil
}

func (l *pgLSNLink) close() { closeConn(l.conn) }
