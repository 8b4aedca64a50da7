package health

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/jackc/pgx/v5/pgconn"

	"github.com/pgroute/pgroute/internal/cluster"
	"github.com/pgroute/pgroute/internal/pg"
)

// history opens a replication connection, asks for one timeline's history and
// closes it again: walsenders are few. Timeline 1 has no history file.
func (n *pgNetwork) history(ctx context.Context, node cluster.NodeID, timeline pg.TimelineID) ([]cluster.Ancestor, error) {
	if timeline <= 1 {
		return nil, nil
	}
	conn, err := connect(ctx, replicationConfig(n.conns[node]))
	if err != nil {
		return nil, fmt.Errorf("open replication connection: %w", err)
	}
	defer closeConn(conn)
	rows, err := simpleQuery(ctx, conn, "TIMELINE_HISTORY "+strconv.FormatUint(uint64(timeline), 10))
	if err != nil {
		return nil, fmt.Errorf("read history of timeline %d: %w", timeline, err)
	}
	if len(rows) != 1 || len(rows[0]) != 2 {
		return nil, fmt.Errorf("read history of timeline %d: no single row", timeline)
	}
	return parseHistory(rows[0][1], timeline)
}

// replicationConfig turns a monitor's connection settings into those of a
// walsender that is connected to a database (libpq's replication=database),
// which pg_hba.conf treats like an ordinary connection.
func replicationConfig(cc *pgconn.Config) *pgconn.Config {
	rc := cc.Copy()
	rc.RuntimeParams["replication"] = "database"
	return rc
}

// simpleQuery runs one statement of the simple protocol, the only one a
// walsender takes for replication commands.
func simpleQuery(ctx context.Context, conn *pgconn.PgConn, sql string) ([][][]byte, error) {
	results, err := conn.Exec(ctx, sql).ReadAll()
	if err != nil {
		return nil, err
	}
	if len(results) != 1 {
		return nil, errors.New("no single result")
	}
	return results[0].Rows, nil
}

// parseHistory reads a timeline history file: lines of timeline, switch LSN
// and a reason, oldest first, # for comments (readTimeLineHistory in
// src/backend/access/transam/timeline.c).
func parseHistory(text []byte, of pg.TimelineID) ([]cluster.Ancestor, error) {
	var hist []cluster.Ancestor
	lines := bufio.NewScanner(bytes.NewReader(text))
	for lines.Scan() {
		line, _, _ := strings.Cut(lines.Text(), "#")
		words := strings.Fields(line)
		if len(words) == 0 {
			continue
		}
		a, err := parseAncestor(words)
		if err != nil {
			return nil, err
		}
		if n := len(hist); a.Timeline >= of || n > 0 && a.Timeline <= hist[n-1].Timeline {
			return nil, fmt.Errorf("history of timeline %d is not ascending at %d", of, a.Timeline)
		}
		hist = append(hist, a)
	}
	if err := lines.Err(); err != nil {
		return nil, fmt.Errorf("read history of timeline %d: %w", of, err)
	}
	return hist, nil
}

// parseAncestor reads one line's timeline and switch LSN.
func parseAncestor(words []string) (cluster.Ancestor, error) {
	t, err := strconv.ParseUint(words[0], 10, 32)
	if err != nil || len(words) < 2 {
		return cluster.Ancestor{}, fmt.Errorf("malformed history line %q", strings.Join(words, " "))
	}
	lsn, err := pg.ParseLSN(words[1])
	if err != nil {
		return cluster.Ancestor{}, fmt.Errorf("malformed history line: %w", err)
	}
	return cluster.Ancestor{Timeline: pg.TimelineID(t), End: lsn}, nil
}
