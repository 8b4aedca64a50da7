package proxy

import (
	"time"

	"github.com/pgroute/pgroute/backend"
	"github.com/pgroute/pgroute/internal/cluster"
	"github.com/pgroute/pgroute/internal/pg"
	"github.com/pgroute/pgroute/internal/wire"
	"github.com/pgroute/pgroute/router"
)

// classify gives what is known of a query string, from the worker's cache.
// The Script is valid until the next call.
func (s *session) classify(text []byte) *router.Script {
	s.w.judgedBy = s.w.catalogs.For(s.user.tenant.Database)
	return s.w.cache.Classify(text, s.w.judgedBy, s.state.path, s.classOptions())
}

// classOptions are the session's facts that change how text is read.
func (s *session) classOptions() *router.Options {
	o := &s.w.class
	o.EscapeStrings, o.Encoding = s.state.escaped, s.state.encoding
	return o
}

// judgeText adds what a statement's text does to what the unit does.
func (s *session) judgeText(u *unit, text []byte) {
	sc := s.classify(text)
	u.effects |= sc.Effects
	if u.text == nil {
		u.text = text
	}
	if sc.Hint.Present() {
		u.Wish, u.wrong = s.wish(&sc.Hint, text), sc.Hint.Wrong.Of(text)
	}
	if sc.Transaction {
		s.judgeBlock(u, sc)
	}
	st := sc.Single()
	u.atomic = u.atomic && st != nil && atomicVerb(st.Verb)
	u.begins = u.begins && st != nil && st.Verb == router.VerbBegin
	u.leaves = u.leaves || !sc.StaysOnStandby() || sc.HasSettings() && s.settingPins(sc, text)
	u.shapes = u.shapes && onlyReads(st)
	switch {
	case sc.Class == router.ClassRead && s.w.learned.has(text, s.w.loop.Now()):
		u.worsen(router.ClassWrite, router.ReasonOverride)
		u.leaves = true
	case sc.Class != router.ClassRead:
		u.worsen(sc.Class, sc.Reason)
	}
}

// judgeBlock takes in a query string that begins a transaction block and does
// nothing else outside it.
func (s *session) judgeBlock(u *unit, sc *router.Script) {
	st := sc.Single()
	if st == nil || st.Verb != router.VerbBegin || u.Block != router.BlockNone {
		u.Block = router.BlockNone
		return
	}
	u.Isolated = st.Flags&router.FlagIsolation != 0
	switch {
	case st.Flags&router.FlagPrimary != 0:
		u.Block = router.BlockPrimary
	case st.Flags&router.FlagReadOnly != 0:
		u.Block = router.BlockReadOnly
	default:
		u.Block = router.BlockDefault
	}
}

// wish makes a router.Wish of a hint.
func (s *session) wish(h *router.Hint, text []byte) router.Wish {
	w := router.Wish{
		Target: h.Target, Consistency: h.Consistency, Node: cluster.NoNode,
		HasStaleness: h.HasStaleness, MaxStaleness: h.MaxStaleness,
	}
	if h.Target == router.TargetNode {
		if n := s.w.view.Snap.ByName(string(h.Node.Of(text))); n != nil {
			w.Node = n.ID
		}
	}
	return w
}

// begin handles the unit at the head of the input of an idle session. It
// gives the bytes dealt with, and whether to go on.
func (s *session) begin(p []byte) (n int, more bool) {
	if s.skipping {
		return s.skip(p)
	}
	u := &s.w.unit
	how, err := s.collect(p, u)
	switch how {
	case incomplete:
		return 0, false
	case malformed:
		s.fatal(err)
		return 0, false
	case tooLarge:
		u.worsen(router.ClassUnknown, router.ReasonTooComplex)
		u.executes = true
	}
	if n, done := s.answerHere(p, u); done {
		return n, s.phase == phaseIdle
	}
	return s.route(p, u)
}

// answerHere deals with units that need no server.
func (s *session) answerHere(p []byte, u *unit) (n int, done bool) {
	switch {
	case u.end == wire.Terminate:
		s.finish()
		return u.size, true
	case u.end == wire.Sync && u.size == wire.HeaderSize:
		s.send(wire.AppendReadyForQuery(s.w.local(), s.txStatus()))
		return u.size, true
	case u.end == wire.Flush && u.size == wire.HeaderSize:
		return u.size, true
	case p[0] == wire.CopyData || p[0] == wire.CopyDone || p[0] == wire.CopyFail:
		return s.ignore(p), true // as PostgreSQL does outside of COPY
	case s.lost != lostNone:
		return s.answerLostTx(p, u)
	}
	return s.answerOwn(p, u)
}

// ignore drops one message, which may not be here as a whole.
func (s *session) ignore(p []byte) int {
	_, size, _ := wire.Header(p)
	have := min(size, len(p))
	s.rest, s.drop = size-have, true
	return have
}

// skip drops messages up to and including Sync.
func (s *session) skip(p []byte) (n int, more bool) {
	typ, size, ok := wire.Header(p)
	switch {
	case !ok:
		return 0, false
	case size < 0 || !knownType(typ):
		s.fatal(badMessage(typ))
		return 0, false
	case typ == wire.Terminate:
		s.finish()
		return 0, false
	case typ == wire.Sync:
		s.skipping = false
		s.send(wire.AppendReadyForQuery(s.w.local(), s.txStatus()))
		return size, true
	}
	return s.ignore(p), true
}

// route decides where the unit goes and begins to bring it there.
func (s *session) route(p []byte, u *unit) (n int, more bool) {
	if s.state.pins != 0 { // it was to be pinned, but got no connection yet
		u.Wish.Target = router.TargetPrimary
	}
	if len(u.wrong) > 0 {
		s.tellWrongHint(u)
	}
	switch {
	case s.opening.stage == openMoving:
		s.place(u)
	case u.Block != router.BlockNone && u.leaves:
		u.Block = router.BlockPrimary // begun and used in one batch
	}
	now := time.Now()
	view := s.w.load()
	if s.excluded != 0 {
		view = s.w.without(s.excluded)
	}
	d := router.Decide(&s.facts, &u.Unit, view, s.w.random(), now)
	if u.end == wire.Flush && u.executes && d.Action != router.ActionHold {
		d = router.Decide(&s.facts, &flushed, view, 0, now)
	}
	s.w.counters.decided(d, u)
	s.hinted = s.asksForPlace(u)
	s.repeatable, s.atomic = u.repeatable(), u.undoable()
	if s.opening.stage == openMoving {
		s.repeatable, s.atomic = false, false
	} else if s.hinted && d.Action != router.ActionPrimary {
		s.tellLeavesNothing(u)
	}
	return s.act(&d, p, u)
}

// flushed is what a batch that executes before its Sync is to the router: it
// cannot be taken back, nor go elsewhere for what follows.
var flushed = router.Unit{Class: router.ClassUnknown, Reason: router.ReasonMixed}

// act carries a decision out as far as it can be done at once.
func (s *session) act(d *router.Decision, p []byte, u *unit) (n int, more bool) {
	switch d.Action {
	case router.ActionPrimary, router.ActionStandby:
		return 0, s.seek(d.Node, d.Life, d.Action == router.ActionStandby, p, u)
	case router.ActionFence:
		return 0, s.awaitFence(d, p, u)
	case router.ActionHold:
		if s.hold(d.Cause, u) {
			return 0, false
		}
		s.answerError(u, tooManyHeld(s.w.tune.MaxHeld, d.Cause), s.txStatus())
	default:
		s.answerError(u, s.refusal(d), s.txStatus())
	}
	return s.dropUnit(p, u), true
}

// refusal is the error for a unit that no node may take.
func (s *session) refusal(d *router.Decision) *pg.Error {
	switch d.Cause {
	case router.CauseSplitBrain:
		return pg.Errorf(pg.CannotConnectNow, "pgroute refuses writes: %s", s.w.view.Snap.WritesWhy).
			WithHint("Stop the server that must not be the primary; reads go on meanwhile.")
	case router.CauseUnknownNode, router.CauseNodeUnusable:
		return pg.Errorf(pg.InvalidParameterValue, "pgroute cannot use the node asked for: %s", d.Cause.Text())
	}
	return pg.Errorf(pg.CannotConnectNow, "pgroute cannot serve this now: %s", d.Cause.Text())
}

// seek gets a server connection to a node; true when it is there already.
func (s *session) seek(node cluster.NodeID, life cluster.Life, standby bool, p []byte, u *unit) bool {
	s.req.Life = 0
	if standby {
		s.req.Life = life
	}
	s.req.Set = s.state.set
	s.foreseeSequences(u)
	s.target, s.wantPrimary = node, !standby
	s.w.set.Begin(node)
	c := s.user.tenant.Acquire(node, s.req)
	if c == nil {
		s.await(u, s.w.tune.QueueTimeout, waitConn)
		return false
	}
	s.attach(c, p, u.size)
	return !s.state.busy
}

// attach links a server connection for the unit of that size at the head of p.
func (s *session) attach(c *backend.Conn, p []byte, size int) {
	s.move(phaseLinked)
	s.link, s.node, s.heldUntil, s.answeredTx = c, s.target, time.Time{}, 0
	c.Link(s)
	s.onPrimary = s.node == s.w.view.Snap.Primary
	if !s.onPrimary || s.repeatable || s.atomic {
		s.grant, s.sentAt = size, time.Now().UnixNano()
		s.keepAgain(p, size)
		c.Holdback()
	}
	s.prepare()
}

// prepare makes the link fit for the session's input, step by step; false
// when nothing is left to do.
func (s *session) prepare() bool {
	c := s.link
	s.state.busy = true
	switch {
	case c.Applied != s.state.set:
		c.Bring(s.state.set, &then{s, (*session).brought})
	case s.state.pins&pinSequence != 0 && !c.SequencesOf(s.number()):
		c.ForgetSequences(&then{s, (*session).brought})
	case s.opening.stage == openMoving:
		s.beginAgain()
	case s.lost == lostReported:
		s.failTx()
	default:
		s.state.busy = false
	}
	return s.state.busy
}

// then goes on with a session when what pgroute itself asked on its link is
// answered.
type then struct {
	s    *session
	next func(*session, *backend.Conn, *pg.Error)
}

// Row ignores results.
func (*then) Row([]byte) {}

// Done goes on unless the session has left the link.
func (t *then) Done(c *backend.Conn, err *pg.Error) {
	if t.s.link == c {
		t.s.state.busy = false
		t.next(t.s, c, err)
	}
}

// brought lets the session's input go on when the link is a step nearer to fit
// for it, or refuses the unit.
func (s *session) brought(_ *backend.Conn, err *pg.Error) {
	switch {
	case err != nil:
		s.failUnit(pg.Errorf(err.State, "pgroute could not restore the session's settings: %s", err.Message).WithCause(err))
	case !s.prepare():
		s.w.loop.Defer(s.resume)
	}
}

// Take gets the server connection the session waited for (backend.Taker).
func (s *session) Take(c *backend.Conn, err *pg.Error) {
	switch {
	case s.phase == phaseStartup:
		s.login.taken(s, c, err)
		s.resume()
		return
	case err != nil:
		s.noConnection(err)
		return
	}
	size := s.wait.size
	s.unwaitTimer()
	if s.wantPrimary && s.target != s.w.view.Snap.Primary {
		s.w.set.End(s.target) // another has taken over while this was dialled
		c.Release()
		s.move(phaseIdle)
		s.resume()
		return
	}
	s.attach(c, s.in, size)
	if !s.state.busy {
		s.resume()
	}
}

// proceed passes on the next message of a linked session. It gives the bytes
// dealt with, and whether to go on.
func (s *session) proceed(p []byte) (n int, more bool) {
	if s.grant <= 0 {
		if n, more, own := s.ownAmongBound(p); own {
			return n, more
		}
		switch s.relocate(p) {
		case waitsHere:
			return 0, false
		case leftHere:
			return 0, true
		}
		if !s.bound() && !s.grantNext(p) {
			return 0, false
		}
		if s.onPrimary {
			s.endAgain()
		}
	}
	typ, size, ok := wire.Header(p)
	switch {
	case !ok:
		return 0, false
	case size < 0:
		s.fatal(pg.Fatalf(pg.ProtocolViolation, "invalid message length"))
		return 0, false
	case !knownType(typ):
		s.fatal(pg.Fatalf(pg.ProtocolViolation, "invalid frontend message type %d", typ))
		return 0, false
	case typ == wire.Terminate:
		s.flush()
		s.finish()
		return 0, false
	case len(p) >= size:
	case size <= s.unitLimit() || len(p) < streamHead:
		return 0, false
	default:
		s.passLarge(typ, size, p)
		return len(p), s.phase != phaseClosing
	}
	if err := shape(typ, p[wire.HeaderSize:size]); err != nil {
		s.fatal(err)
		return 0, false
	}
	s.frame(typ, p[:size])
	s.grant = max(0, s.grant-size)
	return size, !s.link.Congested()
}

// streamHead is how much of a long message must be there before it streams:
// enough for the names in it.
const streamHead = 1 << 10

// bound reports whether whatever comes next goes to the link.
func (s *session) bound() bool {
	return s.onPrimary || s.link.Tx() != wire.TxIdle || s.link.InBatch() || s.link.InCopy() || s.state.pins != 0
}

// grantNext lets another unit follow to a standby, if it is a read as well.
func (s *session) grantNext(p []byte) bool {
	u := &s.w.unit
	how, err := s.collect(p, u)
	if err != nil {
		s.fatal(err)
		return false
	}
	ends := u.end == wire.Sync || u.end == wire.Query
	if how != collected || !ends || u.Class != router.ClassRead || u.Wish.Target != router.TargetAny {
		return false
	}
	s.grant = u.size
	s.keepAgain(p, u.size)
	return true
}
