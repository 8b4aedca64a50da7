package health

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"

	"github.com/jackc/pgx/v5/pgproto3"

	"github.com/pgroute/pgroute/internal/cluster"
	"github.com/pgroute/pgroute/internal/pg"
)

// Layout of WAL (src/include/access/xlogrecord.h, xlog_internal.h). A record
// begins with its length in the server's byte order, which never crosses a
// page; all else may.
const (
	walPage         = 8192
	walRecordHeader = 24 // SizeOfXLogRecord
	walRecordMax    = 1020 << 20
	// walDataHeader precedes the WAL in a walsender's message: its kind and
	// three 64-bit numbers.
	walDataHeader = 25
)

// recordEnd reads from a primary where the record ends that begins at lsn, the
// end of the one before. Like history it takes a walsender for a moment.
func (n *pgNetwork) recordEnd(ctx context.Context, node cluster.NodeID, timeline pg.TimelineID, lsn pg.LSN, segment uint64) (pg.LSN, error) {
	conn, err := connect(ctx, replicationConfig(n.conns[node]))
	if err != nil {
		return 0, fmt.Errorf("open replication connection: %w", err)
	}
	// The walsender would stream for ever; it ends with its connection.
	defer func() { _ = conn.Conn().Close() }()
	if deadline, ok := ctx.Deadline(); ok {
		if err := conn.Conn().SetDeadline(deadline); err != nil {
			return 0, err
		}
	}
	f := conn.Frontend()
	f.Send(&pgproto3.Query{String: fmt.Sprintf("START_REPLICATION PHYSICAL %v TIMELINE %d", lsn, timeline)})
	if err := f.Flush(); err != nil {
		return 0, fmt.Errorf("ask for the record at %v: %w", lsn, err)
	}
	wal, err := firstWAL(f)
	if err != nil {
		return 0, fmt.Errorf("read the record at %v: %w", lsn, err)
	}
	return recordEndIn(wal, lsn, segment)
}

// firstWAL gives the first piece of WAL that a walsender sends.
func firstWAL(f *pgproto3.Frontend) ([]byte, error) {
	for {
		msg, err := f.Receive()
		if err != nil {
			return nil, err
		}
		switch m := msg.(type) {
		case *pgproto3.ErrorResponse:
			return nil, fmt.Errorf("%s (SQLSTATE %s)", m.Message, m.Code)
		case *pgproto3.CopyData:
			if len(m.Data) > walDataHeader && m.Data[0] == 'w' {
				return m.Data[walDataHeader:], nil
			}
		case *pgproto3.CopyDone, *pgproto3.CommandComplete, *pgproto3.ReadyForQuery:
			return nil, errors.New("the walsender ended")
		}
	}
}

// recordEndIn reads the length of the record that begins at lsn from WAL that
// begins there too, and adds the page headers it runs across.
func recordEndIn(wal []byte, lsn pg.LSN, segment uint64) (pg.LSN, error) {
	at := uint64(lsn)
	skip := uint64(0)
	if at%walPage == 0 {
		skip = pageHeader(at, segment)
	}
	if uint64(len(wal)) < skip+4 {
		return 0, errors.New("too little WAL")
	}
	length := uint64(binary.LittleEndian.Uint32(wal[skip:]))
	// The length of another byte order is absurd, and so is what a position
	// within a record would show.
	if length < walRecordHeader || length > walRecordMax {
		return 0, fmt.Errorf("a record of %d bytes", length)
	}
	at += skip
	for left := walPage - at%walPage; length > left; left = walPage - at%walPage {
		length -= left
		at += left
		at += pageHeader(at, segment)
	}
	return pg.LSN(at + length), nil
}

// pageHeader is the size of the header of the page that begins at a position.
func pageHeader(at, segment uint64) uint64 {
	if at%segment == 0 {
		return 40 // SizeOfXLogLongPHD
	}
	return 24 // SizeOfXLogShortPHD
}
