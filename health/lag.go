package health

import (
	"time"

	"github.com/pgroute/pgroute/internal/pg"
)

// limits are the lags beyond which a standby gets no reads. Zero is no limit.
type limits struct {
	bytes uint64
	time  time.Duration
}

// returnShare is the part of a limit, in percent, below which an excluded
// standby returns; the gap keeps it from flapping around the limit.
const returnShare = 80

// lag is how far one standby is behind, and whether it is excluded for that.
type lag struct {
	bytes   uint64
	time    time.Duration
	freshAt time.Time // zero while unknown

	overBytes, overTime bool
}

// measure compares a standby's replay LSN, told by a query sent at sentAt,
// with the primary's positions: in bytes with what was flushed there, for a
// standby can have no more. Staleness is a promise to readers, so it counts
// from the insert LSN, which asynchronous commits are at until they are
// flushed; r leaves out only what is known to hold no commit. highest is the
// largest LSN known anywhere; it counts when the primary is gone.
func (l *lag) measure(r, flushed *ring, sentAt time.Time, replay, highest pg.LSN) {
	_, lsn := flushed.near(sentAt)
	l.bytes = max(lsn, highest).Distance(replay)
	ref, _ := r.near(sentAt)
	fresh, ok := r.freshAt(replay)
	l.freshAt, l.time = fresh, 0
	switch {
	case ok:
		l.time = max(0, ref.Sub(fresh))
	case len(r.spans) > 0:
		// Older than all we remember: at least this stale.
		l.time = max(0, ref.Sub(r.spans[0].first))
	}
}

// judge applies the limits with hysteresis.
func (l *lag) judge(lim limits) {
	l.overBytes = beyond(l.overBytes, l.bytes, lim.bytes)
	l.overTime = beyond(l.overTime, uint64(l.time), uint64(lim.time))
}

// beyond reports whether a value exceeds a limit; once it did, until it fell
// below the returning share of it.
func beyond(was bool, value, limit uint64) bool {
	switch {
	case limit == 0:
		return false
	case was:
		return value >= limit/100*returnShare+limit%100*returnShare/100
	}
	return value > limit
}
