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
	insert, replay *pgconn.StatementDescription
}

func (n *pgNetwork) dialLSN(ctx context.Context, node cluster.NodeID) (lsnLink, error) {
	conn, err := connect(ctx, n.conns[node])
	if err != nil {
		return nil, err
	}
	l := &pgLSNLink{conn: conn}
	if l.insert, err = conn.Prepare(ctx, "insert", "SELECT pg_current_wal_insert_lsn()", nil); err == nil {
		l.replay, err = conn.Prepare(ctx, "replay", "SELECT pg_last_wal_replay_lsn()", nil)
	}
	if err != nil {
		closeConn(conn)
		return nil, err
	}
	return l, nil
}

func (l *pgLSNLink) insertLSN(deadline time.Time) (pg.LSN, error) { return l.ask(l.insert, deadline) }

func (l *pgLSNLink) replayLSN(deadline time.Time) (pg.LSN, error) { return l.ask(l.replay, deadline) }

// ask runs one of the prepared statements in one round trip. pg_lsn in binary
// is eight bytes; NULL is no position.
func (l *pgLSNLink) ask(stmt *pgconn.StatementDescription, deadline time.Time) (pg.LSN, error) {
	if err := l.conn.Conn().SetDeadline(deadline); err != nil {
		return 0, err
	}
	// The background context is what keeps pgconn from watching it.
	res := l.conn.ExecStatement(context.Background(), stmt, nil, nil, []int16{1})
	var lsn pg.LSN
	rows := 0
	for res.NextRow() {
		rows++
		if v := res.Values(); len(v) == 1 && len(v[0]) == 8 {
			lsn = pg.LSN(binary.BigEndian.Uint64(v[0]))
		}
	}
	if _, err := res.Close(); err != nil {
		return 0, err
	}
	if rows != 1 {
		return 0, errors.New("LSN query gave no single row")
	}
	return lsn, nil
}

func (l *pgLSNLink) close() { closeConn(l.conn) }
