package pg

import (
	"fmt"
	"strconv"
)

// TimelineID numbers a history of WAL; a promotion begins a new one. A larger
// number does not mean a descendant: only a history tells who descends.
type TimelineID uint32

// Position is an LSN that can be compared: the cluster and timeline are named.
type Position struct {
	SystemID uint64
	Timeline TimelineID
	LSN      LSN
}

// String gives "timeline:LSN"; the system identifier is left out.
func (p Position) String() string {
	return fmt.Sprintf("%d:%s", p.Timeline, p.LSN)
}

// TimelineOfWALFile reads the timeline from a WAL file name, whose first
// eight hexadecimal digits it is (pg_walfile_name; XLogFileName in
// src/include/access/xlog_internal.h).
func TimelineOfWALFile(name string) (TimelineID, error) {
	if len(name) != 24 {
		return 0, fmt.Errorf("parse WAL file name %q: want 24 digits", name)
	}
	v, err := strconv.ParseUint(name[:8], 16, 32)
	if err != nil {
		return 0, fmt.Errorf("parse WAL file name %q: %w", name, err)
	}
	return TimelineID(v), nil
}
