package health

import (
	"time"

	"github.com/pgroute/pgroute/internal/cluster"
	"github.com/pgroute/pgroute/internal/pg"
)

// tail finds out whether the end of a primary's WAL that is inserted but not
// flushed can hold an acknowledged commit. Standbys are sent only what was
// flushed, and some WAL waits long for that: a transaction that set hint bits
// (with wal_log_hints or checksums) or pruned a page and ended in ROLLBACK
// asks nobody to flush it, so that on an idle primary it stays behind until
// the background writer's next snapshot record, up to 15 s later.
//
// The argument. Let one query tell insert LSN I and flush LSN F.
//
//   - A synchronous commit was flushed before it was acknowledged, so all that
//     were acknowledged before the query was sent end at or before F.
//   - An asynchronous one hands its position to the WAL writer right after
//     inserting its record and before anybody sees it, and is flushed within
//     three times wal_writer_delay (documentation, "Asynchronous Commit").
//     If an insert LSN P was seen so long before the query, then whatever
//     commit ends at or before P is flushed by now: at or before F.
//
// Hence no commit that was acknowledged before the query was sent ends between
// F and P, and when I = P, F covers all that I covers. F must have been read
// after the acknowledgement: a synchronous commit may lie in that stretch as
// long as it waits for its flush. Without such a P only I covers everything:
// with synchronous_commit=off F alone never does.
//
// The three delays are time during which the WAL writer could run. The stretch
// between two answers counts for at most tailStride of it, so that a machine
// which stood still for a while is not taken for one with nothing to flush;
// the same amount on top allows for one such standstill. While a process is
// seen waiting for the WAL's disk, nothing counts.
type tail struct {
	life cluster.Life // of the primary it describes

	insert, flush pg.LSN // as the newest query told
	quiet         pg.LSN // P above; InvalidLSN while there is none
	still         bool   // the two newest queries told the same insert LSN

	ran    time.Duration // counted on this primary so far
	seenAt time.Time     // when the newest query was answered
	beats  []beat        // oldest first
	proof  straddler
}

// beat is an insert LSN and when it was seen, on the clock of tail.ran.
type beat struct {
	ran    time.Duration
	insert pg.LSN
}

// straddler is a proof that flush lies within a record which begins at start:
// the WAL writer flushes whole pages. A standby that has all of what was
// flushed stops at start, for a record that is cut off cannot be replayed.
type straddler struct{ flush, start pg.LSN }

// walState is what one query told of a primary's WAL.
type walState struct {
	insert, flush pg.LSN
	window        time.Duration // three times wal_writer_delay
	stalled       bool          // a process waits for the WAL's disk
}

const (
	tailStride = 250 * time.Millisecond
	// tailBeats is about how many beats are kept over one window.
	tailBeats = 32
	// tailReach bounds how far a record that straddles the flush LSN can begin
	// before it; nearly all are shorter than 32 pages.
	tailReach = 1 << 20
)

// see takes in what a query told that was sent at sentAt and answered at at,
// and gives the lowest position known to cover every commit that was
// acknowledged before sentAt.
func (t *tail) see(life cluster.Life, sentAt, at time.Time, w walState) pg.LSN {
	if life != t.life {
		*t = tail{life: life}
	}
	newest := !sentAt.Before(t.seenAt)
	switch {
	case w.stalled || w.window == 0: // or not told
		t.beats, t.quiet = nil, pg.InvalidLSN
	case newest && !t.seenAt.IsZero():
		t.ran += min(sentAt.Sub(t.seenAt), tailStride)
	}
	need := w.window + tailStride
	for len(t.beats) > 0 && t.ran-t.beats[0].ran >= need {
		t.quiet = max(t.quiet, t.beats[0].insert)
		t.beats = t.beats[1:]
	}
	t.still = w.insert == t.insert
	t.insert, t.flush, t.seenAt = max(t.insert, w.insert), max(t.flush, w.flush), later(t.seenAt, at)
	t.beat(need / tailBeats)
	if !newest {
		return w.insert // its flush LSN may be older than the stretch is quiet
	}
	return t.cover(w)
}

// beat notes the insert LSN, not more often than the spacing says. What was
// inserted up to a moment is as old as the last beat before it at least.
func (t *tail) beat(spacing time.Duration) {
	if n := len(t.beats); n == 0 || t.ran-t.beats[n-1].ran >= spacing {
		t.beats = append(t.beats, beat{t.ran, t.insert})
	}
}

// cover gives the lowest position that covers what the newest query's insert
// LSN covers.
func (t *tail) cover(w walState) pg.LSN {
	if w.flush >= w.insert || w.insert > t.quiet {
		return w.insert
	}
	return t.recordsEnd(w.flush)
}

// recordsEnd gives the end of the last complete record that flush covers, as
// far as it is known.
func (t *tail) recordsEnd(flush pg.LSN) pg.LSN {
	if t.proof.flush == flush {
		return t.proof.start
	}
	return flush
}

// pending reports whether an unflushed tail stands still that is not known to
// hold no commit yet: a few more looks will tell.
func (t *tail) pending() bool { return t.still && t.flush < t.insert && t.insert > t.quiet }

// suspect reports whether a record that begins at replay may straddle the
// flush LSN: the furthest standby stopped there although more was flushed.
func (t *tail) suspect(replay pg.LSN) bool {
	return t.still && t.flush < t.insert && t.proof.flush != t.flush &&
		replay != pg.InvalidLSN && replay < t.flush && t.flush.Distance(replay) <= tailReach
}

// later gives the later of two times.
func later(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}
