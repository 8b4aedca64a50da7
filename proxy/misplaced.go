package proxy

import (
	"github.com/pgroute/pgroute/backend"
	"github.com/pgroute/pgroute/internal/catalog"
	"github.com/pgroute/pgroute/internal/pg"
	"github.com/pgroute/pgroute/internal/wire"
	"github.com/pgroute/pgroute/router"
)

// A read-only transaction that is bound to a standby (it has read under
// REPEATABLE READ, or has cursors or savepoints) cannot move any more. What the
// standby refuses by itself may go there; what it would let happen on the wrong
// node without a word is refused in the statement's place. Only who asked for
// the standby gets what they asked for.

const (
	misplacedMessage = "this may act on the standby that the transaction is bound to, where it would protect or change nothing"
	misplacedHint    = "The transaction has read on a standby and cannot move to the primary any more. " +
		"Do this before its first query, or begin it with the hint /* pgroute: primary */."
	// While the catalogue is read anew, as after DDL, nothing that users made
	// is known.
	unknownMessage = "what this calls is not known just now, and it may act on the standby that the transaction is bound to"
	unknownHint    = "Run the transaction again; nothing of it was committed."
)

// misplacements are the statements that servers get in place of what is
// misplaced.
type misplacements struct{ surely, perhaps *misplacement }

// misplacement is a statement that does nothing but fail.
type misplacement struct {
	sql string
	st  *backend.Statement
}

func newMisplacements(ids *backend.Statements) misplacements {
	return misplacements{
		surely:  newMisplacement(ids, pg.FeatureNotSupported, misplacedMessage, misplacedHint),
		perhaps: newMisplacement(ids, pg.SerializationFailure, unknownMessage, unknownHint),
	}
}

func newMisplacement(ids *backend.Statements, state pg.SQLState, message, hint string) *misplacement {
	sql := "DO $pgroute$BEGIN RAISE EXCEPTION USING ERRCODE = '" + string(state) +
		"', MESSAGE = '" + message + "', HINT = '" + hint + "'; END$pgroute$"
	return &misplacement{sql, ids.New(append([]byte(sql), 0, 0, 0))}
}

// misplacement gives the one for the query string classified last; nil is
// something unknown.
func (s *session) misplacement(sc *router.Script) *misplacement {
	// Operators and types have reasons of their own for not being known.
	unknown := sc != nil && sc.Effects&router.Misplaced == router.EffectUnknownState
	if unknown && !catalog.Loaded(s.w.judgedBy) {
		return s.w.misplaced.perhaps
	}
	return s.w.misplaced.surely
}

// misplaced reports whether what is about to be sent would be done unnoticed
// on the wrong node; nil is something unknown.
func (s *session) misplaced(sc *router.Script, text []byte) bool {
	if s.onPrimary || s.hinted || s.wantsStandby() {
		return false
	}
	if tx := s.link.Tx(); tx == wire.TxFailed || tx == wire.TxIdle && s.opening.stage == openNone {
		return false
	}
	if sc == nil {
		return true
	}
	if sc.Hint.Target == router.TargetStandby || sc.Hint.Target == router.TargetNode {
		return false
	}
	return sc.Effects.Has(router.Misplaced) || sc.HasSettings() && s.settingPins(sc, text)
}

// settingPins reports whether a statement changes a setting that cannot be
// brought to another server, and so would pin the session.
func (s *session) settingPins(sc *router.Script, text []byte) bool {
	for i := range sc.Len() {
		st := sc.Statement(i)
		if !st.Effects.Has(router.EffectSetting) {
			continue
		}
		for _, set := range sc.Settings(st) {
			if set.Form != router.FormCharacteristics && pinOfSetting(set, settingName(set, text)) != 0 {
				return true
			}
		}
	}
	return false
}

// refuseQuery sends the refusal in place of a simple Query.
func (s *session) refuseQuery(sc *router.Script) {
	s.w.counters.Misplaced.Add(1)
	s.link.ExpectQuery(nil)
	s.w.out = wire.AppendQuery(s.w.out, s.misplacement(sc).sql)
}

// refuseBind makes the client's portal one of the refusal.
func (s *session) refuseBind(sc *router.Script, portal []byte) {
	s.w.counters.Misplaced.Add(1)
	st := s.misplacement(sc).st
	s.w.out = s.link.AppendPrepared(s.w.out, st)
	s.link.ExpectBind(nil)
	s.w.out = wire.AppendBindPlain(s.w.out, string(portal), st.Name)
	s.drop = s.rest > 0
}

// refuseLarge refuses a message that is too long to be kept; the rest of it is
// dropped. A Parse has no answer that could fail it, so that ends the session.
func (s *session) refuseLarge(typ byte) {
	if typ == wire.Parse {
		s.fatal(pg.Errorf(pg.FeatureNotSupported, misplacedMessage+": a statement of more than %d bytes is not looked into", maxBoundUnit).
			WithHint(misplacedHint))
		return
	}
	s.refuseQuery(nil)
	s.drop = true
}

// tellLeavesNothing lets the client know that what a statement leaves behind on
// a standby ends with it. A hint is good for one statement; to stay on the
// standby for the sake of it would send everything else there too.
func (s *session) tellLeavesNothing(u *unit) {
	const left = router.EffectAdvisoryLock | router.EffectSQLPrepare | router.EffectHoldCursor | router.EffectLoad
	if !u.effects.Has(left) || s.wantsStandby() || !s.firstTry() {
		return
	}
	s.send(wire.AppendNotice(s.w.local(), pg.FeatureNotSupported,
		"pgroute keeps no session on a standby for the sake of a hint: what this statement leaves behind ends with its transaction; "+
			"SET pgroute.role = standby keeps the session there"))
}
