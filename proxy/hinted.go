package proxy

import (
	"fmt"

	"github.com/pgroute/pgroute/internal/pg"
	"github.com/pgroute/pgroute/internal/wire"
	"github.com/pgroute/pgroute/router"
)

// asksForPlace reports whether somebody asked in so many words for the node
// or role that a unit is placed on. Then it is the client's business what a
// standby says to it.
func (s *session) asksForPlace(u *unit) bool {
	t := u.Wish.Target
	if t == router.TargetAny {
		t = s.facts.Wish.Target
	}
	return t == router.TargetStandby || t == router.TargetNode
}

// firstTry reports whether the unit is not one that is placed anew.
func (s *session) firstTry() bool {
	return s.excluded == 0 && s.reruns == 0 && s.heldUntil.IsZero()
}

// tellWrongHint lets the client know that a word of a hint means nothing to
// pgroute. The statement is routed by the words that do. A unit that is placed
// anew is not told of again.
func (s *session) tellWrongHint(u *unit) {
	if !s.firstTry() {
		return
	}
	s.send(wire.AppendNotice(s.w.local(), pg.InvalidParameterValue, fmt.Sprintf(
		"pgroute does not know %q in the hint: known are primary, standby, node=, consistency= and max_staleness=", u.wrong)))
}
