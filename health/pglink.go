package health

import (
	"context"
	"errors"
	"fmt"
	"net"
	"strconv"
	"time"

	"github.com/jackc/pgx/v5/pgconn"

	"github.com/pgroute/pgroute/internal/cluster"
	"github.com/pgroute/pgroute/internal/pg"
)

// pgNetwork opens real connections.
type pgNetwork struct {
	conns []*pgconn.Config
}

// pgLink is a monitor connection.
type pgLink struct {
	conn *pgconn.PgConn
}

func (n *pgNetwork) dial(ctx context.Context, node cluster.NodeID) (link, error) {
	conn, err := connect(ctx, n.conns[node])
	if err != nil {
		return nil, err
	}
	return &pgLink{conn}, nil
}

// probeSQL is one round trip for everything a plain role may ask, and for the
// receiver's row, whose columns are null without pg_monitor. On a primary the
// timeline is in the first digits of the WAL file name, right at once after a
// promotion while pg_control_checkpoint() still shows the old one. Replay is
// read before receive, so that receive bounds what was visible. Whether a
// process waits for the WAL's disk is looked up only when WAL is unflushed.
const probeSQL = `SELECT s.recovery,
 CASE WHEN s.recovery THEN NULL ELSE pg_walfile_name(pg_current_wal_insert_lsn()) END,
 CASE WHEN s.recovery THEN NULL ELSE pg_current_wal_insert_lsn() END,
 pg_last_wal_replay_lsn(), pg_last_wal_receive_lsn(),
 (SELECT system_identifier FROM pg_control_system()),
 (SELECT timeline_id FROM pg_control_checkpoint()),
 (SELECT min_recovery_end_timeline FROM pg_control_recovery()),
 pg_size_bytes(current_setting('wal_segment_size')),
 current_setting('server_version_num'),
 w.pid, w.status, w.received_tli, w.sender_host, w.sender_port, w.slot_name,
 CASE WHEN s.recovery THEN NULL ELSE pg_current_wal_flush_lsn() END,
 (extract(epoch FROM current_setting('wal_writer_delay')::interval) * 1000)::bigint,
 CASE WHEN s.recovery THEN NULL WHEN pg_current_wal_flush_lsn() < pg_current_wal_insert_lsn()
  THEN EXISTS (SELECT 1 FROM pg_stat_get_activity(NULL) WHERE lower(wait_event) IN ('walwrite', 'walsync')) END
 FROM (SELECT pg_is_in_recovery() AS recovery) s LEFT JOIN pg_stat_wal_receiver w ON true`

// Columns of probeSQL.
const (
	colRecovery = iota
	colWALFile
	colInsert
	colReplay
	colReceive
	colSystemID
	colCheckpointTLI
	colRecoveryTLI
	colSegmentSize
	colVersion
	colReceiverPID
	colReceiverStatus
	colReceiverTLI
	colSenderHost
	colSenderPort
	colSlot
	colFlush
	colWriterDelay
	colStalled
	probeColumns
)

func (l *pgLink) sample(ctx context.Context) (sample, error) {
	res := l.conn.ExecParams(ctx, probeSQL, nil, nil, nil, nil).Read()
	if res.Err != nil {
		l.close()
		return sample{}, res.Err
	}
	if len(res.Rows) != 1 || len(res.Rows[0]) != probeColumns {
		l.close()
		return sample{}, errors.New("probe query gave no single row")
	}
	s, err := parseProbe(res.Rows[0])
	if err != nil {
		l.close()
	}
	return s, err
}

func (l *pgLink) idle(ctx context.Context) error {
	err := l.conn.WaitForNotification(ctx)
	if ctx.Err() != nil && !l.conn.IsClosed() {
		return nil
	}
	return err
}

func (l *pgLink) close() { closeConn(l.conn) }

// closeConn ends a connection at once, without waiting for a server that may
// be gone. After an error pgconn lingers in a goroutine until the server has
// closed too; taking the socket away ends that.
func closeConn(conn *pgconn.PgConn) {
	if !conn.IsClosed() {
		ctx, cancel := context.WithTimeout(context.Background(), 50*time.Millisecond)
		defer cancel()
		_ = conn.Close(ctx) // it is given up either way
		return
	}
	_ = conn.Conn().Close()
	<-conn.CleanupDone()
}

// dialAllowed marks the contexts in which this package opens connections.
type dialAllowed struct{}

// connect opens a connection in a context that onlyWhenAsked lets through.
func connect(ctx context.Context, cc *pgconn.Config) (*pgconn.PgConn, error) {
	return pgconn.ConnectConfig(context.WithValue(ctx, dialAllowed{}, true), cc)
}

// onlyWhenAsked keeps pgconn from opening a second connection for a cancel
// request when a probe timed out: that would hang on the same stopped node for
// seconds. statement_timeout ends the query on the server instead.
func onlyWhenAsked(dial pgconn.DialFunc) pgconn.DialFunc {
	return func(ctx context.Context, network, addr string) (net.Conn, error) {
		if ctx.Value(dialAllowed{}) == nil {
			return nil, errors.New("no cancel request is sent for probes")
		}
		return dial(ctx, network, addr)
	}
}

// fields reads one row's text values, keeping the first error.
type fields struct {
	row [][]byte
	err error
}

func (f *fields) null(i int) bool { return f.row[i] == nil }

func (f *fields) text(i int) string { return string(f.row[i]) }

// lsn reads pg_lsn; NULL is no position.
func (f *fields) lsn(i int) pg.LSN {
	if f.null(i) {
		return pg.InvalidLSN
	}
	l, err := pg.ParseLSN(f.text(i))
	f.fail(err)
	return l
}

// number reads an unsigned number; NULL is zero.
func (f *fields) number(i int) uint64 {
	if f.null(i) {
		return 0
	}
	n, err := strconv.ParseUint(f.text(i), 10, 64)
	f.fail(err)
	return n
}

func (f *fields) fail(err error) {
	if err != nil && f.err == nil {
		f.err = fmt.Errorf("read probe row: %w", err)
	}
}

// parseProbe turns probeSQL's row into a sample.
func parseProbe(row [][]byte) (sample, error) {
	f := &fields{row: row}
	s := sample{
		inRecovery:  f.text(colRecovery) == "t",
		replay:      f.lsn(colReplay),
		receive:     f.lsn(colReceive),
		systemID:    f.number(colSystemID),
		segmentSize: f.number(colSegmentSize),
		version:     int(f.number(colVersion)),
		receiver: receiver{
			visible: !f.null(colReceiverStatus),
			status:  f.text(colReceiverStatus),
			slot:    f.text(colSlot),
		},
	}
	if s.segmentSize == 0 || s.systemID == 0 {
		f.fail(errors.New("no segment size or system identifier"))
		return s, f.err
	}
	if !f.null(colSenderHost) {
		_, s.receiver.sender = pgconn.NetworkAddress(f.text(colSenderHost), uint16(f.number(colSenderPort)))
	}
	s.timeline = f.timeline(s.inRecovery)
	if !s.inRecovery {
		s.walState = walState{
			insert:  f.lsn(colInsert).RecordEnd(s.segmentSize),
			flush:   f.lsn(colFlush).RecordEnd(s.segmentSize),
			window:  3 * time.Duration(f.number(colWriterDelay)) * time.Millisecond,
			stalled: f.text(colStalled) == "t",
		}
	}
	return s, f.err
}

// timeline finds the node's timeline. On a standby each source may be behind,
// none is ever ahead of what the standby follows, so the largest counts.
func (f *fields) timeline(inRecovery bool) pg.TimelineID {
	if !inRecovery {
		t, err := pg.TimelineOfWALFile(f.text(colWALFile))
		f.fail(err)
		return t
	}
	return pg.TimelineID(max(f.number(colReceiverTLI), f.number(colCheckpointTLI), f.number(colRecoveryTLI)))
}
