package proxy

import (
	"github.com/pgroute/pgroute/internal/pg"
	"github.com/pgroute/pgroute/internal/wire"
	"github.com/pgroute/pgroute/router"
)

// unit is what is routed together: one Query, one FunctionCall, or an
// extended batch up to Sync or Flush.
type unit struct {
	size int // bytes of the messages
	end  byte
	// router.Unit is what the statements amount to.
	router.Unit
	effects router.Effects
	// executes: something is run, not only parsed or described.
	executes bool
	// unnamed: the unit parses the unnamed statement itself.
	unnamed bool
	// atomic: outside a block the unit is one transaction of its own.
	// begins: all it does is to open a block.
	atomic, begins bool
	// leaves: a read-only transaction on a standby cannot carry all of it out
	// there. shapes: all it does is to make its transaction read only.
	leaves, shapes bool
	// text is the statement if there is just one, for learning and hints.
	text []byte
	// wrong is the first word of a hint that means nothing.
	wrong []byte
}

// collection says how collecting a unit ended.
type collection uint8

const (
	collected  collection = iota
	incomplete            // more bytes are needed
	tooLarge              // longer than maxUnit: goes to the primary unseen
	malformed             // the client broke the protocol
)

// collect reads the unit at the start of p and judges it.
func (s *session) collect(p []byte, u *unit) (collection, *pg.Error) {
	*u = unit{Unit: router.Unit{Class: router.ClassRead, Reason: router.ReasonRead}, atomic: true, begins: true, shapes: true}
	limit := s.unitLimit()
	for u.size < len(p) {
		typ, size, ok := wire.Header(p[u.size:])
		switch {
		case !ok:
			return short(len(p), limit), nil
		case !knownType(typ):
			return malformed, pg.Fatalf(pg.ProtocolViolation, "invalid frontend message type %d", typ)
		case size < 0:
			return malformed, pg.Fatalf(pg.ProtocolViolation, "invalid message length")
		case u.size > 0 && (typ == wire.Query || typ == wire.FunctionCall || typ == wire.Terminate):
			return collected, nil // a batch that nobody ended
		case u.size+size > limit:
			return tooLarge, nil
		case len(p)-u.size < size:
			return incomplete, nil
		}
		body := p[u.size+wire.HeaderSize : u.size+size]
		u.size += size
		if err := shape(typ, body); err != nil {
			return malformed, err
		}
		s.judge(u, typ, body)
		if endsUnit(typ) {
			u.end = typ
			return collected, nil
		}
	}
	return short(len(p), limit), nil
}

func short(have, limit int) collection {
	if have >= limit {
		return tooLarge
	}
	return incomplete
}

// unitLimit is the size in bytes up to which a unit is kept to be looked at.
// What comes in a transaction on a standby cannot go elsewhere unseen.
func (s *session) unitLimit() int {
	if s.link != nil && !s.onPrimary && s.opening.stage != openNone {
		return maxBoundUnit
	}
	return maxUnit
}

// knownType tells the messages a client may send after startup.
func knownType(typ byte) bool {
	switch typ {
	case wire.Query, wire.Parse, wire.Bind, wire.Describe, wire.Execute, wire.Close, wire.Sync, wire.Flush,
		wire.FunctionCall, wire.CopyData, wire.CopyDone, wire.CopyFail, wire.Terminate:
		return true
	}
	return false
}

// endsUnit tells the messages behind which the client waits for an answer.
func endsUnit(typ byte) bool {
	switch typ {
	case wire.Query, wire.FunctionCall, wire.Sync, wire.Flush, wire.Terminate:
		return true
	}
	return false
}

// shape makes sure that a message has the parts that are looked at.
func shape(typ byte, body []byte) *pg.Error {
	ok := true
	switch typ {
	case wire.Query:
		_, _, ok = wire.CString(body)
	case wire.Parse, wire.Bind:
		var rest []byte
		if _, rest, ok = wire.CString(body); ok {
			_, _, ok = wire.CString(rest)
		}
	case wire.Describe, wire.Close:
		ok = len(body) >= 2 && body[len(body)-1] == 0
	}
	if !ok {
		return badMessage(typ)
	}
	return nil
}

// judge adds one message, whose shape was made sure of, to what is known of
// the unit.
func (s *session) judge(u *unit, typ byte, body []byte) {
	switch typ {
	case wire.Query:
		text, _, _ := wire.CString(body)
		u.executes = true
		s.judgeText(u, text)
	case wire.Parse:
		name, tail, _ := wire.CString(body)
		text, _, _ := wire.CString(tail)
		u.unnamed = u.unnamed || len(name) == 0
		s.judgeText(u, text)
	case wire.Bind:
		_, rest, _ := wire.CString(body)
		name, _, _ := wire.CString(rest)
		s.judgeName(u, name)
	case wire.Describe:
		if body[0] == 'S' {
			s.judgeName(u, body[1:len(body)-1])
		}
	case wire.Execute:
		u.executes = true
	case wire.FunctionCall:
		u.executes, u.atomic, u.begins, u.leaves, u.shapes = true, false, false, true, false
		u.worsen(router.ClassUnknown, router.ReasonUnknownStatement)
		u.effects |= router.EffectUnknownState
	}
}

func badMessage(typ byte) *pg.Error {
	return pg.Fatalf(pg.ProtocolViolation, "invalid message format in frontend message of type %q", typ)
}

// judgeName judges a statement that was prepared before, or in this unit:
// then its text has been judged already.
func (s *session) judgeName(u *unit, name []byte) {
	if len(name) == 0 && u.unnamed {
		return
	}
	if text, own := s.ownText(name); own {
		s.judgeText(u, text)
	} else if st, _ := s.state.find(name); st != nil {
		s.judgeText(u, st.Text())
	}
}

// repeatable reports whether running the whole unit twice does no harm.
func (u *unit) repeatable() bool {
	reads := u.Class == router.ClassRead && u.effects == 0
	return u.whole() && (reads || !u.executes || u.begins && u.text != nil)
}

// undoable reports whether a server that gave up in the middle has left
// nothing of the unit behind: not when it may act outside the database or on
// the session.
func (u *unit) undoable() bool {
	return u.atomic && u.whole() && u.effects&^(router.EffectWrite|router.EffectNode) == 0
}

// whole reports whether the unit is all there and will be answered.
func (u *unit) whole() bool { return u.end == wire.Query || u.end == wire.Sync }

// worsen gives the unit a class that is not a read, unless it has one.
func (u *unit) worsen(c router.Class, r router.Reason) {
	if u.Class == router.ClassRead {
		u.Class, u.Reason = c, r
	}
}
