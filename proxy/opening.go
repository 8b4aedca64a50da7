package proxy

import (
	"bytes"

	"github.com/pgroute/pgroute/backend"
	"github.com/pgroute/pgroute/internal/pg"
	"github.com/pgroute/pgroute/internal/wire"
	"github.com/pgroute/pgroute/router"
)

// BEGIN says little about what a transaction will do, and is answered before
// more is known. So a transaction moves: while it has done nothing on its
// server but begin and set things, it is rolled back there and begun again
// where its next statement belongs. SET TRANSACTION READ ONLY brings it from
// the primary to a standby; in a read-only transaction on a standby, what needs
// the primary brings it there. One that has read can still move if it sees
// anew with each statement (READ COMMITTED): the primary has all that the
// standby showed. now() then tells the later beginning.

// opening is what a transaction has done so far on its server.
type opening struct {
	// sql are the statements that began the transaction and set things for it,
	// to be run again; of no use when the stage is openNone or openFixed.
	sql   []byte
	stage openStage
	// stable: all statements see what the first one saw.
	stable bool
}

type openStage uint8

const (
	openNone   openStage = iota // no transaction, or one that was begun among other statements
	openFresh                   // begun, and perhaps things were set
	openRead                    // read, each statement by itself
	openFixed                   // did what binds it to its server
	openMoving                  // rolled back there; sql begins it on the next
)

const (
	maxOpening  = 4 << 10 // bytes of opening.sql
	keptOpening = 256     // what a session keeps of it between transactions
)

// reset ends the transaction.
func (o *opening) reset() {
	o.stage, o.stable = openNone, false
	if o.sql = o.sql[:0]; cap(o.sql) > keptOpening {
		o.sql = nil
	}
}

// fix binds the transaction to its server.
func (o *opening) fix() {
	if o.stage != openNone {
		o.stage = openFixed
	}
}

// add takes in a statement that must be run again.
func (o *opening) add(text []byte) {
	if len(o.sql)+len(text) > maxOpening {
		o.fix()
		return
	}
	o.sql = append(append(o.sql, text...), "\n;"...)
}

// follow takes in what is about to be sent.
func (s *session) follow(sc *router.Script, text []byte) {
	o := &s.opening
	if o.stage == openFixed || o.stage == openNone && s.link.Tx() != wire.TxIdle {
		return
	}
	st := sc.Single()
	switch {
	case o.stage == openNone:
		if st != nil && st.Verb == router.VerbBegin {
			s.open(sc, st, text)
		}
	case sc.Len() == 0:
	case st == nil:
		o.fix()
	case st.Verb == router.VerbBegin && st.Flags == 0: // warns
	case st.Verb == router.VerbSetTransaction, st.Verb == router.VerbBegin: // its modes count in a transaction, too
		o.shape(st, text)
	case st.Verb == router.VerbSet, st.Verb == router.VerbSetLocal, st.Verb == router.VerbReset, st.Verb == router.VerbResetAll:
		o.add(text)
	case st.Reason == router.ReasonSetting && bytes.IndexByte(text, '$') < 0: // set_config without parameters
		o.add(text)
	case st.Verb == router.VerbShow:
	case !o.stable && st.Effects == 0 && onlyShows(st.Verb):
		o.stage = openRead
	default:
		o.fix()
	}
}

// onlyShows tells the verbs whose statements are over once answered.
func onlyShows(v router.Verb) bool {
	return v == router.VerbSelect || v == router.VerbExplain || v == router.VerbCopyOut
}

// open begins to follow a transaction. One that somebody wants where it is,
// or that only the primary can run, stays there.
func (s *session) open(sc *router.Script, st *router.Statement, text []byte) {
	o := &s.opening
	o.sql, o.stage = o.sql[:0], openFresh
	o.stable = st.Flags&router.FlagRepeatableRead != 0 || s.state.stable && st.Flags&router.FlagIsolation == 0
	if sc.Hint.Target != router.TargetAny || s.facts.Wish.Target != router.TargetAny || st.Flags&router.FlagPrimary != 0 {
		o.fix()
		return
	}
	o.add(text)
}

// shape takes in SET TRANSACTION.
func (o *opening) shape(st *router.Statement, text []byte) {
	if st.Flags == 0 || st.Flags&router.FlagSnapshot != 0 {
		o.fix() // what it sets is not known, or known to one server only
		return
	}
	if st.Flags&router.FlagIsolation != 0 {
		o.stable = st.Flags&router.FlagReadCommitted == 0
	}
	o.add(text)
}

// onlyReads tells SET TRANSACTION READ ONLY of what a standby can run.
func onlyReads(st *router.Statement) bool {
	return st != nil && st.Verb == router.VerbSetTransaction && st.Flags&router.FlagReadOnly != 0 && st.StaysOnStandby()
}

// relocation says what becomes of the unit at the head of the input.
type relocation uint8

const (
	staysHere relocation = iota
	waitsHere            // until more of it is there, or what is before it is answered
	leftHere             // the session has left its link
)

// relocate looks at the next unit of a linked session and lets its transaction
// move when the unit belongs elsewhere.
func (s *session) relocate(p []byte) relocation {
	o := &s.opening
	switch {
	case o.stage != openFresh && o.stage != openRead, s.link.InBatch(), s.link.InCopy(), s.state.pins != 0:
		return staysHere
	case s.onPrimary && (o.stage != openFresh || !maySet(p)):
		return staysHere
	}
	u := &s.w.unit
	how, err := s.collect(p, u)
	switch {
	case err != nil:
		return staysHere
	case how == incomplete:
		return waitsHere
	case how == tooLarge:
		u.leaves, u.shapes = true, false
	}
	switch {
	case s.onPrimary && !(u.shapes && u.text != nil):
		return staysHere
	case !s.onPrimary && !u.wantsPrimary():
		s.grant = u.size
		return staysHere
	case !s.link.Answered():
		return waitsHere
	case s.link.Tx() != wire.TxOpen, s.onPrimary && !s.wouldLeavePrimary(u):
		return staysHere
	}
	s.leaveLink()
	return leftHere
}

// wantsPrimary reports whether a read-only transaction on a standby should go
// on at the primary with the unit.
func (u *unit) wantsPrimary() bool {
	return u.Wish.Target == router.TargetPrimary || u.leaves && u.Wish.Target == router.TargetAny
}

// maySet is a cheap look whether the message at the head of p may be SET: most
// transactions on the primary go on with something else.
func maySet(p []byte) bool {
	typ, size, ok := wire.Header(p)
	if !ok || size < 0 || len(p) < size || typ != wire.Query && typ != wire.Parse {
		return ok && len(p) < size
	}
	body := p[wire.HeaderSize:size]
	if typ == wire.Parse {
		_, body, _ = wire.CString(body)
	}
	text, _, _ := wire.CString(body)
	return mayBeOwn(text) && (text[0]|0x20 == 's' || text[0]|0x20 < 'a' || text[0]|0x20 > 'z')
}

// wouldLeavePrimary reports whether a transaction that says it will only read
// can be served by a standby.
func (s *session) wouldLeavePrimary(u *unit) bool {
	s.place(u)
	d := router.Decide(&s.facts, &u.Unit, s.w.load(), s.w.random(), s.w.loop.Now())
	return d.Action == router.ActionStandby || d.Action == router.ActionFence
}

// place tells the router of a unit whose transaction moves with it.
func (s *session) place(u *unit) {
	if u.shapes && u.text != nil {
		u.Block = router.BlockReadOnly
		u.Isolated = s.classify(u.text).Statement(0).Flags&router.FlagIsolation != 0
	}
}

// leaveLink rolls the transaction back where it is. The unit that needs
// another server is still in the input.
func (s *session) leaveLink() {
	link := s.link
	for _, name := range s.state.touched {
		if backend.IsCustom(name) {
			link.NoteCustom(name)
		}
	}
	s.opening.stage = openMoving
	s.w.counters.Moved.Add(1)
	s.dropLink()
	s.forgetAgain()
	s.grant = 0
	s.move(phaseIdle)
	link.Unlink()
}

// beginAgain begins the transaction that moves on the new link.
func (s *session) beginAgain() { s.link.Ask(string(s.opening.sql), &then{s, (*session).begunAgain}) }

// begunAgain lets the input go on in the transaction, or fails it.
func (s *session) begunAgain(c *backend.Conn, err *pg.Error) {
	if err == nil && c.Tx() != wire.TxOpen {
		err = pg.Errorf(pg.InternalError, "no transaction began")
	}
	if err != nil {
		s.failUnit(pg.Errorf(err.State, "pgroute could not begin the transaction on another server: %s", err.Message).WithCause(err))
		return
	}
	if s.opening.stage = openFresh; s.onPrimary {
		s.opening.stage = openFixed
	}
	if !s.prepare() {
		s.w.loop.Defer(s.resume)
	}
}

// loseMoving ends a transaction that moves and cannot be begun anywhere: the
// client is in a failed one. It gives the transaction status to tell.
func (s *session) loseMoving(tx byte) byte {
	if s.opening.stage != openMoving {
		return tx
	}
	s.opening.reset()
	s.state.touched = s.state.touched[:0]
	s.lost = lostReported
	return wire.TxFailed
}
