package proxy

import (
	"bytes"

	"github.com/pgroute/pgroute/backend"
	"github.com/pgroute/pgroute/internal/pg"
	"github.com/pgroute/pgroute/internal/wire"
	"github.com/pgroute/pgroute/router"
)

// Statements of pgroute's own (SET, RESET and SHOW of pgroute.*, EXPLAIN
// ROUTE) are answered here. They are answered when a unit consists of nothing
// else and nothing before it is unanswered. Wherever one turns up on its way
// to a server, in a transaction or among other statements, the server is sent
// a refusal in its place: it fails the batch, and the transaction, as any other
// error would, at the place in the order where it belongs.

// refusalSQL is what a server gets in place of a statement of pgroute's own.
const refusalSQL = `DO $pgroute$BEGIN RAISE EXCEPTION USING ERRCODE = '0A000',
 MESSAGE = 'pgroute settings and EXPLAIN ROUTE are answered by pgroute, which cannot do that here',
 HINT = 'Send the statement by itself, and SET or RESET pgroute settings outside of a transaction; a startup option (-c pgroute.role=standby) or a hint (/* pgroute: standby */) works as well.'; END$pgroute$`

// newRefusal makes the statement that stands for all of pgroute's own.
func newRefusal(ids *backend.Statements) *backend.Statement {
	return ids.New(append([]byte(refusalSQL), 0, 0, 0))
}

// isOwnVerb tells the statements that pgroute answers.
func isOwnVerb(v router.Verb) bool {
	switch v {
	case router.VerbSetProxy, router.VerbResetProxy, router.VerbShowProxy, router.VerbExplainRoute:
		return true
	}
	return false
}

// hasOwn reports whether any statement of a query string is pgroute's own.
func hasOwn(sc *router.Script) bool {
	for i := range sc.Len() {
		if isOwnVerb(sc.Statement(i).Verb) {
			return true
		}
	}
	return false
}

// isOwn reports whether a text may not go to a server, for it has a statement
// of pgroute's own.
func (s *session) isOwn(text []byte) bool { return mayBeOwn(text) && hasOwn(s.classify(text)) }

// ownWords are the first letters of statements of pgroute's own.
var ownWords = [...]string{"set", "res", "sho", "exp"}

// mayBeOwn is a cheap look at the first letters, for the sake of what is
// looked at once more while it goes through a transaction.
func mayBeOwn(text []byte) bool {
	if len(text) < 3 {
		return false
	}
	if c := text[0] | 0x20; c < 'a' || c > 'z' {
		return true // blanks or a comment in front
	}
	for _, w := range ownWords {
		if text[0]|0x20 == w[0] && text[1]|0x20 == w[1] && text[2]|0x20 == w[2] {
			return true
		}
	}
	return bytes.IndexByte(text, ';') > 0
}

// ownText gives the text of a prepared statement that is pgroute's own; false
// for any other statement.
func (s *session) ownText(name []byte) ([]byte, bool) {
	switch {
	case !s.state.owns:
		return nil, false
	case len(name) == 0:
		return s.state.own, s.state.unnamed == s.w.refusal
	}
	p := s.state.named[string(name)]
	if p == nil || p.st != s.w.refusal {
		return nil, false
	}
	return p.own, true
}

// statementFor gives the statement that servers get for the Parse body behind
// the name, and the text when that is one of pgroute's own.
func (s *session) statementFor(tail []byte) (st *backend.Statement, own []byte) {
	if text, _, _ := wire.CString(tail); s.isOwn(text) {
		s.state.owns = true
		return s.w.refusal, append([]byte(nil), text...)
	}
	return s.w.statement(tail, s.state.scope), nil
}

// ownAmongBound answers a unit of a linked session that needs no server. hit
// is false when the unit at the head of p is none, or not to be answered here.
func (s *session) ownAmongBound(p []byte) (n int, more, hit bool) {
	if s.link.InBatch() || s.link.InCopy() || !s.beginsOwn(p) {
		return 0, false, false
	}
	if s.link.Outstanding() > 0 {
		return 0, false, true // in its turn
	}
	u := &s.w.unit
	how, err := s.collect(p, u)
	switch {
	case err != nil || how == tooLarge || how == collected && !u.whole():
		return 0, false, false
	case how == incomplete:
		return 0, false, true
	}
	n, hit = s.answerOwn(p, u)
	return n, n > 0, hit
}

// beginsOwn reports whether the first message of p has to do with a statement
// of pgroute's own.
func (s *session) beginsOwn(p []byte) bool {
	typ, size, ok := wire.Header(p)
	if !ok || size < 0 || len(p) < size || shape(typ, p[wire.HeaderSize:size]) != nil {
		return false
	}
	body := p[wire.HeaderSize:size]
	switch typ {
	case wire.Query:
		text, _, _ := wire.CString(body)
		return s.isOwn(text)
	case wire.Parse:
		_, tail, _ := wire.CString(body)
		text, _, _ := wire.CString(tail)
		return s.isOwn(text)
	}
	name, ok := statementNamed(typ, body)
	if ok {
		_, ok = s.ownText(name)
	}
	return ok
}

// statementNamed gives the prepared statement that a message refers to.
func statementNamed(typ byte, body []byte) ([]byte, bool) {
	switch typ {
	case wire.Bind:
		_, rest, _ := wire.CString(body)
		name, _, _ := wire.CString(rest)
		return name, true
	case wire.Describe, wire.Close:
		return body[1 : len(body)-1], body[0] == 'S'
	}
	return nil, false
}

// answerOwn answers a unit that consists of statements of pgroute's own and
// nothing else; false when it does not, or may not be answered here.
func (s *session) answerOwn(p []byte, u *unit) (n int, done bool) {
	if u.Reason != router.ReasonProxy || u.end == 0 {
		return 0, false
	}
	tx := byte(wire.TxIdle)
	if s.link != nil {
		tx = s.link.Tx()
	}
	a := ownAnswer{s: s, tx: tx}
	if !a.all(p[:u.size]) || tx == wire.TxFailed || tx == wire.TxOpen && a.changes {
		return 0, false
	}
	if a.token && (s.asked == nil || !s.asked.there) {
		s.askToken(u)
		return 0, true
	}
	a.out = s.w.local()
	err := a.run(p[:u.size])
	if err != nil && tx != wire.TxIdle {
		return 0, false // the server shall fail the transaction
	}
	s.finishOwn(&a, u, err)
	return u.size, true
}

// finishOwn sends the answer to a unit.
func (s *session) finishOwn(a *ownAnswer, u *unit, err *pg.Error) {
	if err != nil {
		s.w.counters.failed(err.State, 1)
		a.out = wire.AppendError(a.out, err)
		s.skipping = !u.whole()
	}
	if u.whole() {
		a.out = wire.AppendReadyForQuery(a.out, a.tx)
	}
	if s.asked != nil {
		s.asked.there = false
	}
	s.send(a.out)
	if s.phase == phaseIdle && s.w.draining.Load() {
		s.fatal(errShutdown) // it waited for its token when the others were ended
	}
}
