package proxy

import (
	"bytes"

	"github.com/pgroute/pgroute/router"
)

// doubts are the statements that pinned a session only because what they call
// was not known, as right after the start of pgroute or after DDL. When the
// catalogue knows more they are judged again.
type doubts struct {
	texts   []doubt
	version uint64 // of the catalogue they were last judged by
	// certain: there is a reason that no catalogue will remove.
	certain bool
}

// doubt is one statement and the search path it was sent under.
type doubt struct {
	text []byte
	path *router.SearchPath
}

// Bounds of what is remembered per session; beyond them the pin stays.
const (
	maxDoubts    = 64
	maxDoubtText = 4 << 10 // bytes
)

// doubt remembers a statement that pins the session for want of knowledge.
func (s *session) doubt(text []byte) {
	d := s.doubts
	if d == nil {
		d = &doubts{version: s.catalogVersion()}
		s.doubts = d
		s.w.doubtful[s] = struct{}{}
	}
	for _, known := range d.texts {
		if known.path == s.state.path && bytes.Equal(known.text, text) {
			return
		}
	}
	if len(d.texts) >= maxDoubts || len(text) > maxDoubtText {
		d.certain = true
		return
	}
	d.texts = append(d.texts, doubt{bytes.Clone(text), s.state.path})
}

// sure pins the session for something that no catalogue will explain.
func (s *session) sure(p pin) {
	s.pin(p)
	s.forgetDoubts()
	s.doubts = &doubts{certain: true}
}

func (s *session) forgetDoubts() {
	s.doubts = nil
	delete(s.w.doubtful, s)
}

func (s *session) catalogVersion() uint64 {
	return s.w.catalogs.For(s.user.tenant.Database).Version()
}

// rejudge removes the pin of a session that turns out to have left nothing
// behind. Only while the link is quiet.
func (s *session) rejudge() {
	d := s.doubts
	if d == nil || d.certain || s.state.pins&pinUnknownState == 0 {
		return
	}
	cat := s.w.catalogs.For(s.user.tenant.Database)
	if cat.Version() == d.version {
		return
	}
	d.version = cat.Version()
	var left router.Effects
	for _, x := range d.texts {
		left |= s.w.cache.Classify(x.text, cat, x.path, s.classOptions()).Effects & router.SessionState
	}
	if left.Has(router.EffectUnknownState) {
		return
	}
	s.pinFor(left)
	if left.Has(router.EffectSetting) {
		s.pin(pinSetting)
	}
	s.unpin(pinUnknownState)
	s.forgetDoubts()
}

// imagined are the pins for what a standby refuses to make, for locks that
// exclude nobody there, for what a hint brought there for one statement, and
// for want of knowledge.
const imagined = pinTempTable | pinListen | pinAdvisoryLock | pinSequence | pinUnknownState |
	pinSQLPrepare | pinHoldCursor | pinLoad

// leaveStandby removes those pins of a session on a standby that did not ask
// for one: its read-only transaction is over, and to stay would send its writes
// there too. What a doubtful call may have left, a lock or a setting that no
// text shows, goes when the connection is cleaned.
func (s *session) leaveStandby() {
	if s.onPrimary || s.state.pins&imagined == 0 || s.wantsStandby() {
		return
	}
	s.state.soil(s.link)
	s.unpin(imagined)
	s.state.sqlNames = nil
	s.forgetDoubts()
}

// wantsStandby tells a session that set standbys or a node as its target.
func (s *session) wantsStandby() bool {
	t := s.facts.Wish.Target
	return t == router.TargetStandby || t == router.TargetNode
}

// rejudgeAll looks again at the sessions of a database whose catalogue is new.
func (w *worker) rejudgeAll(database string) {
	for s := range w.doubtful {
		if s.user.tenant.Database != database || s.phase != phaseLinked || !s.link.Quiet() || s.state.busy {
			continue
		}
		s.rejudge()
		s.settle()
	}
}
