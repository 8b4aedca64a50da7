package pg

import (
	"fmt"
	"strconv"
	"strings"
)

// LSN is a byte position in the write-ahead log (pg_lsn). LSNs compare
// meaningfully only on one timeline of one system identifier; see Position.
type LSN uint64

// InvalidLSN is PostgreSQL's InvalidXLogRecPtr: no position known.
const InvalidLSN LSN = 0

// Sizes and header lengths that src/include/access/xlog_internal.h fixes.
const (
	walPageSize        = 8192
	walShortPageHeader = 24 // SizeOfXLogShortPHD
	walLongPageHeader  = 40 // SizeOfXLogLongPHD, first page of a segment
)

// DefaultWALSegmentSize is the segment size initdb chooses, in bytes.
const DefaultWALSegmentSize = 16 << 20

// ParseLSN reads the text form of pg_lsn, two hexadecimal numbers of at most
// 32 bits with a slash between them.
func ParseLSN(s string) (LSN, error) {
	hi, lo, ok := strings.Cut(s, "/")
	if !ok {
		return 0, fmt.Errorf("parse LSN %q: no slash", s)
	}
	h, err := strconv.ParseUint(hi, 16, 32)
	if err != nil {
		return 0, fmt.Errorf("parse LSN %q: %w", s, err)
	}
	l, err := strconv.ParseUint(lo, 16, 32)
	if err != nil {
		return 0, fmt.Errorf("parse LSN %q: %w", s, err)
	}
	return LSN(h<<32 | l), nil
}

// String gives the text form of pg_lsn, such as "0/9444F48".
func (l LSN) String() string {
	return fmt.Sprintf("%X/%X", uint32(l>>32), uint32(l))
}

// RecordEnd turns an insert position into the end of the last record before
// it. pg_current_wal_insert_lsn() skips the header of a page whose first
// record is still to come, while a standby that replayed everything stops at
// the page's start and stays there when the primary is idle; compared as they
// are, the standby would never be found caught up. segmentSize is in bytes.
func (l LSN) RecordEnd(segmentSize uint64) LSN {
	if uint64(l)%segmentSize == walLongPageHeader {
		return l - walLongPageHeader
	}
	if uint64(l)%walPageSize == walShortPageHeader {
		return l - walShortPageHeader
	}
	return l
}

// Distance gives l - from in bytes, zero when l is not ahead.
func (l LSN) Distance(from LSN) uint64 {
	if l <= from {
		return 0
	}
	return uint64(l - from)
}
