package proxy

import "github.com/pgroute/pgroute/router"

// currval and lastval answer from what nextval, also that of a column's
// default, left on the server connection. A session may see only its own.
// Sessions that never ask are not kept on a connection for it; once one of a
// database and user has asked, those that write are.

// number is the session's own among all of the process.
func (s *session) number() uint64 { return uint64(s.key.pid) }

// foreseeSequences pins a session that is about to need its sequences' state,
// before it gets a connection, so that one with another's is cleaned first.
func (s *session) foreseeSequences(u *unit) {
	s.minds(u.effects)
}

// minds notes what a statement has to do with sequences.
func (s *session) minds(e router.Effects) {
	t := s.user.tenant
	if e.Has(router.EffectReadSequence) {
		t.Sequences.Store(true)
		s.pin(pinSequence)
	}
	if e.Has(router.EffectWrite) && t.Sequences.Load() {
		s.pin(pinSequence)
	}
}

// noteSequences tells the link what a statement about to be sent may leave.
func (s *session) noteSequences(e router.Effects) {
	s.minds(e)
	if e.Has(router.EffectWrite | router.EffectSequence | router.EffectUnknownState) {
		s.link.NoteSequences(s.number())
	}
}
