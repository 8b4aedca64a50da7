package cluster

import (
	"testing"

	"github.com/pgroute/pgroute/internal/pg"
)

func TestResolveComparesOnlyWhatTheHistoryHolds(t *testing.T) {
	s := &Snapshot{SystemID: 7, Timeline: 3, History: []Ancestor{{1, 0x100}, {2, pg.InvalidLSN}}}
	for _, c := range []struct {
		in   pg.Position
		lsn  pg.LSN
		want Lineage
	}{
		{pg.Position{SystemID: 7, Timeline: 3, LSN: 0x900}, 0x900, LineageCurrent},
		{pg.Position{SystemID: 7, Timeline: 1, LSN: 0x100}, 0x100, LineageAncestor},
		{pg.Position{SystemID: 7, Timeline: 1, LSN: 0x101}, 0x100, LineageLost},
		{pg.Position{SystemID: 7, Timeline: 2, LSN: 1}, 0, LineageUnknown}, // switch LSN unread
		{pg.Position{SystemID: 7, Timeline: 4, LSN: 1}, 0, LineageUnknown},
		{pg.Position{SystemID: 8, Timeline: 3, LSN: 1}, 0, LineageUnknown},
		{pg.Position{}, 0, LineageUnknown},
	} {
		if lsn, got := s.Resolve(c.in); lsn != c.lsn || got != c.want {
			t.Errorf("Resolve(%+v) = %v, %v, want %v, %v", c.in, lsn, got, c.lsn, c.want)
		}
	}
	var none *Snapshot
	if _, got := none.Resolve(pg.Position{}); got != LineageUnknown {
		t.Error("no snapshot, nothing to conclude")
	}
}
