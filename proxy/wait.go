package proxy

import (
	"time"

	"github.com/pgroute/pgroute/backend"
	"github.com/pgroute/pgroute/health"
	"github.com/pgroute/pgroute/internal/cluster"
	"github.com/pgroute/pgroute/internal/netloop"
	"github.com/pgroute/pgroute/internal/pg"
	"github.com/pgroute/pgroute/internal/wire"
	"github.com/pgroute/pgroute/router"
)

// wait is a unit that cannot be sent yet. It stays at the head of the input.
type wait struct {
	kind   waitKind
	cause  router.Cause
	size   int
	end    byte
	timer  *netloop.Timer
	since  time.Time
	number uint64 // tells late answers to a wait that is over
	then   router.Decision
}

type waitKind uint8

const (
	waitNone  waitKind = iota
	waitConn           // a pool has no connection free
	waitFence          // a standby must catch up
	waitHold           // there is no node
	waitRetry          // the primary did not answer; it is tried again shortly
	waitToken          // the primary is asked for its position
)

// retryDelay is the time between attempts to reach a primary that refuses
// connections although it is the accepted one.
const retryDelay = 100 * time.Millisecond

// fenceGrace is what the answer to a fence may take beyond its budget.
const fenceGrace = 5 * time.Second

// await parks the unit, for at most that long.
func (s *session) await(u *unit, limit time.Duration, kind waitKind) *wait {
	if s.phase != phaseWaiting {
		s.move(phaseWaiting)
	}
	return s.park(u, limit, kind)
}

func (s *session) park(u *unit, limit time.Duration, kind waitKind) *wait {
	if s.wait == nil {
		s.wait = &wait{}
		s.wait.timer = s.w.loop.NewTimer(s.overdue)
	}
	w := s.wait
	w.kind, w.size, w.end, w.since = kind, u.size, u.end, s.w.loop.Now()
	w.number++
	w.timer.Reset(limit)
	return w
}

// unwaitTimer ends a wait that was successful.
func (s *session) unwaitTimer() {
	s.wait.timer.Stop()
	s.wait.kind = waitNone
}

// unwait withdraws whatever the session waits for.
func (s *session) unwait(how health.HoldEnd) {
	delete(s.w.held, s)
	w := s.wait
	if w == nil || w.kind == waitNone {
		if s.phase == phaseStartup && s.req != nil {
			s.withdraw()
		}
		return
	}
	w.timer.Stop()
	switch w.kind {
	case waitConn:
		s.withdraw()
		s.w.set.End(s.target)
	case waitHold, waitRetry:
		s.w.monitor.HoldEnded(how)
	}
	w.kind = waitNone
	w.number++
}

// withdraw takes back a request for a connection. One that is being answered
// cannot be used again.
func (s *session) withdraw() {
	if !s.req.Cancel() {
		old := s.req
		s.req = &backend.Request{Loop: old.Loop, Base: old.Base, Cred: old.Cred, Taker: s}
	}
}

// overdue ends a wait that took too long.
func (s *session) overdue() {
	w := s.wait
	var err *pg.Error
	switch w.kind {
	case waitRetry, waitHold:
		if w.kind == waitRetry && s.w.loop.Now().Before(s.heldUntil) {
			w.kind = waitHold
			s.tryAgain()
			return
		}
		err = s.holdExpired(w.cause)
	case waitFence: // the monitor answers in time, or it never will
		s.fenced(health.FenceResult{Fence: w.then.Fence, Node: cluster.NoNode, Reason: health.FenceBudget})
		return
	case waitConn:
		err = pg.Errorf(pg.QueryCanceled, "pgroute found no free server connection within queue_timeout (%s)", s.w.tune.QueueTimeout).
			WithHint("Raise pool.size, or find what keeps the %d connections of this database and user busy.", s.w.tune.PoolSize)
		s.w.counters.QueueTimeouts.Add(1)
	default:
		return
	}
	s.failWaiting(err)
}

// holdExpired is the error for a unit that was held for hold_timeout.
func (s *session) holdExpired(cause router.Cause) *pg.Error {
	s.w.counters.HoldTimeouts.Add(1)
	e := pg.Errorf(pg.CannotConnectNow, "pgroute held this for hold_timeout (%s): %s", s.w.tune.HoldTimeout, cause.Text())
	if cause == router.CauseNoStandby {
		return e.WithHint("No standby may be read now and read_from_primary forbids the primary; see /status for the reasons.")
	}
	return e.WithHint("Promote a standby or start the primary; retrying is safe, nothing was sent.")
}

// failWaiting answers the unit that waits with an error.
func (s *session) failWaiting(err *pg.Error) {
	u := unit{size: s.wait.size, end: s.wait.end}
	s.unwait(health.HoldTimeout)
	s.move(phaseIdle)
	s.answerError(&u, err, s.txStatus())
	s.consumed(s.dropUnit(s.in, &u))
	s.resume()
}

// hold keeps a unit until a snapshot offers a node for it; false when too
// many are held already.
func (s *session) hold(cause router.Cause, u *unit) bool {
	if len(s.w.held) >= s.w.tune.MaxHeld {
		s.w.counters.HoldRefused.Add(1)
		return false
	}
	s.park(u, s.holdLeft(), waitHold).cause = cause
	s.enterHold()
	return true
}

// holdLeft is how long the unit at hand may still be held.
func (s *session) holdLeft() time.Duration {
	now := s.w.loop.Now()
	if s.heldUntil.IsZero() {
		s.heldUntil = now.Add(s.w.tune.HoldTimeout)
	}
	return s.heldUntil.Sub(now)
}

func (s *session) enterHold() {
	s.move(phaseHeld)
	s.w.held[s] = struct{}{}
	s.w.counters.Holds.Add(1)
	s.w.monitor.HoldBegan()
}

// waitsForPrimary reports whether only a change of the primary can end the
// hold. Other snapshots come many times a second while there is none, and
// thousands may be held.
func (s *session) waitsForPrimary() bool {
	w := s.wait
	if s.phase != phaseHeld || w == nil {
		return false
	}
	return w.kind == waitRetry || w.cause == router.CausePrimaryLost || w.cause == router.CauseNoPrimaryYet
}

func tooManyHeld(limit int, cause router.Cause) *pg.Error {
	return pg.Errorf(pg.CannotConnectNow, "pgroute holds %d statements already: %s", limit, cause.Text())
}

// tryAgain decides anew about a unit that is held.
func (s *session) tryAgain() {
	delete(s.w.held, s)
	s.excluded = 0 // nodes that failed it may be back
	if s.phase == phaseStartup {
		s.login.connect(s)
		return
	}
	s.wait.timer.Stop()
	s.wait.kind = waitNone
	s.w.monitor.HoldEnded(health.HoldDrained)
	s.move(phaseIdle)
	s.resume()
}

// awaitFence lets a standby catch up for the unit; true when one has already,
// and a connection to it is there.
func (s *session) awaitFence(d *router.Decision, p []byte, u *unit) bool {
	req := health.FenceRequest{Fence: d.Fence, Budget: s.w.tune.Policy.FenceWait, Standbys: health.NodeMask(d.Standbys)}
	req.Since = d.Since(&s.facts)
	if r, ok := s.w.monitor.TryFence(req); ok && r.Node != cluster.NoNode {
		s.passed(d, &r)
		return s.seek(r.Node, r.Life, true, p, u)
	}
	s.w.counters.FenceWaits.Add(1)
	w := s.await(u, req.Budget+fenceGrace, waitFence)
	w.then = *d
	number := w.number
	s.w.monitor.AwaitFence(req, func(r health.FenceResult) {
		s.w.loop.Post(func() {
			if s.phase == phaseWaiting && s.wait.kind == waitFence && s.wait.number == number {
				s.fenced(r)
			}
		})
	})
	return false
}

// passed notes that a standby has replayed the fence. Not every fence covers
// what the session has done on the primary.
func (s *session) passed(d *router.Decision, r *health.FenceResult) {
	s.facts.BehindReads = 0
	if d.Covers() {
		s.facts.Session.Cover(r.Fence, r.Node, r.Life)
	}
	s.w.counters.Fenced.Add(1)
	if r.Lost {
		s.w.counters.LostWrites.Add(1)
	}
}

// fenced goes on with a unit whose fence was passed, or was not.
func (s *session) fenced(r health.FenceResult) {
	s.unwaitTimer()
	u := unit{size: s.wait.size, end: s.wait.end}
	d := &s.wait.then
	if r.Node == cluster.NoNode {
		if r.Reason == health.FenceIncomparable { // of a history that was lost
			s.facts.Session.Fence, s.facts.Session.DirtySince = pg.Position{}, time.Now()
		}
		s.facts.BehindReads = min(s.facts.BehindReads+1, 255)
		s.w.counters.FenceMissed.Add(1)
		s.otherwise(d, &u)
		return
	}
	s.passed(d, &r)
	if s.seek(r.Node, r.Life, true, s.in, &u) {
		s.resume()
	}
}

// otherwise carries out what a decision says for the case that no standby
// caught up in time.
func (s *session) otherwise(d *router.Decision, u *unit) {
	switch d.Otherwise {
	case router.ActionPrimary, router.ActionStandby:
		if s.seek(d.OtherwiseNode, d.OtherwiseLife, d.Otherwise == router.ActionStandby, s.in, u) {
			s.resume()
		}
	default:
		if !s.hold(router.CauseNoStandby, u) {
			s.failWaiting(tooManyHeld(s.w.tune.MaxHeld, router.CauseNoStandby))
		}
	}
}

// noConnection deals with a request that a pool could not serve.
func (s *session) noConnection(err *pg.Error) {
	s.w.set.End(s.target)
	u := unit{size: s.wait.size, end: s.wait.end}
	s.unwaitTimer()
	switch {
	case err.SafeToRetry():
		s.w.monitor.Suspect(s.target)
	case !s.mayGoElsewhere():
		s.failWaiting(err)
		return
	}
	if s.target != s.w.view.Snap.Primary {
		s.excluded = s.excluded.With(s.target)
		s.move(phaseIdle)
		s.resume()
		return
	}
	s.park(&u, min(retryDelay, s.holdLeft()), waitRetry).cause = router.CausePrimaryLost
	s.enterHold()
}

// mayGoElsewhere reports whether a unit whose node did not let the session in
// has another to go to. The database, the role or the password that the
// primary let in may be too new for a standby, or a standby may be full. One
// that was asked for says so itself, and so does any when the primary must not
// be read.
func (s *session) mayGoElsewhere() bool {
	return s.target != s.w.view.Snap.Primary && !s.hinted && s.w.tune.Policy.PrimaryReads != router.PrimaryNever
}

// answerError answers a unit that was not sent with an error of pgroute's.
func (s *session) answerError(u *unit, err *pg.Error, tx byte) {
	s.w.counters.failed(err.State, 1)
	tx = s.loseMoving(tx)
	s.excluded, s.reruns, s.heldUntil = 0, 0, time.Time{}
	e := *err
	e.Severity = pg.SeverityError
	out := wire.AppendError(s.w.local(), &e)
	switch u.end {
	case wire.Query, wire.Sync, wire.FunctionCall:
		out = wire.AppendReadyForQuery(out, tx)
	default: // the batch was not ended yet, or the message is still coming
		s.skipping = true
	}
	s.send(out)
}

// dropUnit takes a unit that was answered out of the input; what of it is
// still to come is dropped as it comes.
func (s *session) dropUnit(p []byte, u *unit) int {
	if u.end != 0 || u.size > 0 {
		return u.size
	}
	typ, _, ok := wire.Header(p)
	if !ok {
		return 0
	}
	if typ == wire.Query || typ == wire.FunctionCall {
		s.skipping = false
		s.send(wire.AppendReadyForQuery(s.w.local(), s.txStatus()))
	}
	return s.ignore(p)
}
