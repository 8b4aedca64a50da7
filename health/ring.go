package health

import (
	"time"

	"github.com/pgroute/pgroute/internal/pg"
)

// ring remembers when the primary's WAL ended where, by our own clock: for
// staleness the insert LSN, less the stretches that hold no commit, and for
// lag in bytes the flush LSN.
// From it follows how stale a standby may be: at most now minus the newest
// moment whose LSN the standby has replayed. That holds on an idle primary
// too and needs no agreement between the machines' clocks, unlike
// pg_last_xact_replay_timestamp().
type ring struct {
	spans []span // ascending in time and LSN
	limit int
}

// span is a stretch of time over which the primary's insert LSN did not move,
// or one moment when it did.
type span struct {
	first, last time.Time
	lsn         pg.LSN
}

// ringSpacing is the least distance of two spans. Fence queries tell the LSN
// thousands of times a second; staleness needs no such grain.
const ringSpacing = 5 * time.Millisecond

// newRing makes a ring of at most limit spans.
func newRing(limit int) *ring { return &ring{limit: limit} }

// add records that the insert LSN was lsn in a query sent at t.
func (r *ring) add(t time.Time, lsn pg.LSN) {
	if top, ok := r.last(); ok && t.Before(top.last) {
		return // overtaken by a later query on another connection
	}
	r.cut(lsn)
	if n := len(r.spans); n > 0 {
		top := &r.spans[n-1]
		if top.lsn == lsn {
			top.last = t
			return
		}
		if t.Sub(top.last) < ringSpacing {
			return
		}
	}
	if len(r.spans) >= r.limit {
		r.thin()
	}
	r.spans = append(r.spans, span{t, t, lsn})
}

// thin drops every second span. What is left only makes standbys look staler
// than they are, never fresher.
func (r *ring) thin() {
	kept := r.spans[:0]
	for i, s := range r.spans {
		if i%2 == len(r.spans)%2 {
			continue
		}
		kept = append(kept, s)
	}
	r.spans = kept
}

// cut forgets positions past lsn: after a promotion or a crash the primary
// writes other records there.
func (r *ring) cut(lsn pg.LSN) {
	n := len(r.spans)
	for n > 0 && r.spans[n-1].lsn > lsn {
		n--
	}
	r.spans = r.spans[:n]
}

// collapse takes in that no commit ends after from, up to and including to:
// at the moments when the insert LSN was in there, from covered everything.
func (r *ring) collapse(from, to pg.LSN) {
	lo := 0
	for lo < len(r.spans) && r.spans[lo].lsn < from {
		lo++
	}
	hi := lo
	for hi < len(r.spans) && r.spans[hi].lsn <= to {
		hi++
	}
	if lo == hi {
		return
	}
	r.spans[lo] = span{r.spans[lo].first, r.spans[hi-1].last, from}
	r.spans = append(r.spans[:lo+1], r.spans[hi:]...)
}

// clear forgets everything.
func (r *ring) clear() { r.spans = r.spans[:0] }

// last gives the newest position, or false when there is none.
func (r *ring) last() (span, bool) {
	if len(r.spans) == 0 {
		return span{}, false
	}
	return r.spans[len(r.spans)-1], true
}

// freshAt gives the newest moment whose LSN is at most replay, so that
// everything committed before it is visible where replay was reported.
func (r *ring) freshAt(replay pg.LSN) (time.Time, bool) {
	for i := len(r.spans) - 1; i >= 0; i-- {
		if r.spans[i].lsn <= replay {
			return r.spans[i].last, true
		}
	}
	return time.Time{}, false
}

// near gives the recorded moment closest to t and the LSN there, so that a
// standby's position is compared with the primary's of the same probe round.
func (r *ring) near(t time.Time) (time.Time, pg.LSN) {
	var at time.Time
	var lsn pg.LSN
	best := time.Duration(-1)
	for i := len(r.spans) - 1; i >= 0; i-- {
		s := r.spans[i]
		m := clampTime(t, s.first, s.last)
		if d := t.Sub(m).Abs(); best < 0 || d < best {
			at, lsn, best = m, s.lsn, d
		}
		if s.last.Before(t) {
			break // all earlier ones are farther away
		}
	}
	return at, lsn
}

// clampTime moves t into the stretch from lo to hi.
func clampTime(t, lo, hi time.Time) time.Time {
	switch {
	case t.Before(lo):
		return lo
	case t.After(hi):
		return hi
	}
	return t
}
