package proxy

import (
	"time"

	"github.com/pgroute/pgroute/backend"
	"github.com/pgroute/pgroute/health"
	"github.com/pgroute/pgroute/internal/catalog"
	"github.com/pgroute/pgroute/internal/cluster"
	"github.com/pgroute/pgroute/internal/netloop"
	"github.com/pgroute/pgroute/internal/pg"
	"github.com/pgroute/pgroute/internal/wire"
	"github.com/pgroute/pgroute/router"
)

// session is one client. It is the handler of the client's connection, the
// frontend of the server connection it is linked to, and the taker of the
// one it waits for.
type session struct {
	w     *worker
	conn  *netloop.Conn
	login *login // nil once logged in
	user  *identity

	// in holds what the client sent and pgroute has not passed on yet: an
	// incomplete unit, or everything from the unit that waits. It is nil
	// while there is nothing.
	in []byte
	// rest is how many bytes of a message are still to be streamed; drop
	// discards them instead.
	rest int
	drop bool

	link  *backend.Conn
	node  cluster.NodeID // of the link
	grant int            // bytes at the head of the input that may go to the link

	// again holds the units sent and not answered that may have to be run
	// elsewhere; againLens their lengths in order.
	again     []byte
	againLens []int
	againUndo []backend.Undo
	sentAt    int64 // when the unit was given its link, Unix nanoseconds
	reruns    uint8 // times it was placed anew after a loss

	facts  router.Facts
	wishes *wishes // nil while the session has asked for nothing
	asked  *asked  // for pgroute.lsn
	state  state
	req    *backend.Request
	wait   *wait // phases waiting and held
	doubts *doubts
	holder *catalog.Holder // while DDL of the session is under way
	// assigned is the standby whose load the session counts to, between its
	// reads as well.
	assigned cluster.NodeID
	active   int64 // the worker's tick when something was last sent
	key      cancelKey
	phase    phase
	flight   flight
	// skipping: the batch failed here; everything up to Sync is ignored.
	skipping bool
	lost     lostTx
	ends     bool // what is in flight ends the transaction
	// Of the unit at the head of the input: the node a connection is wanted
	// to, whether as the primary, the nodes that failed it, and how long it
	// may be held.
	target      cluster.NodeID
	wantPrimary bool
	excluded    router.NodeSet
	heldUntil   time.Time
	repeatable  bool // running it twice does no harm
	atomic      bool // it is one transaction of its own
	onPrimary   bool // the link leads to the accepted primary
	hinted      bool // a standby or node was asked for
	tx          txKind
	opening     opening
	// answeredTx is the transaction status after the last answer over the
	// link; 0 before the first, which is that to the unit that was placed.
	answeredTx byte
}

// identity is what a session is to servers.
type identity struct {
	tenant *backend.Tenant
	base   backend.Settings // of the startup packet
	// shown are the settings last reported to the client. The slice may be
	// shared with other sessions and is copied before it is changed.
	shown    []backend.Reported
	ownShown bool
	defaults backend.Defaults
}

// flight says what would be at stake if the server were lost now.
type flight uint8

const (
	flightNone   flight = iota
	flightRead          // nothing but reads outside a transaction
	flightTx            // a transaction whose COMMIT was not sent
	flightCommit        // something whose effects may last
)

// OnData takes what the client sent (netloop.Handler).
func (s *session) OnData(_ *netloop.Conn, p []byte) {
	if s.phase == phaseClosing {
		return
	}
	s.active = s.w.tick
	if len(s.in) > 0 {
		s.keep(p)
		s.resume()
		return
	}
	n := s.consume(p)
	if n < len(p) && s.phase != phaseClosing {
		s.keep(p[n:])
		s.limitInput()
	}
}

// resume goes on with the input kept so far.
func (s *session) resume() {
	for len(s.in) > 0 && s.phase != phaseClosing {
		n := s.consume(s.in)
		if n == 0 {
			break
		}
		s.consumed(n)
	}
	s.limitInput()
}

// consumed drops n bytes at the head of the input kept.
func (s *session) consumed(n int) {
	if n >= len(s.in) {
		s.w.putBuffer(s.in)
		s.in = nil
		return
	}
	s.in = s.in[:copy(s.in, s.in[n:])]
}

// keep adds to the input that waits. p may not lie in s.in.
func (s *session) keep(p []byte) {
	if s.in == nil {
		s.in = s.w.getBuffer()
	}
	s.in = append(s.in, p...)
}

// limitInput stops reading from a client whose input cannot be passed on.
func (s *session) limitInput() {
	if s.phase == phaseClosing {
		return
	}
	full := len(s.in) >= 2*s.unitLimit() && s.phase != phaseIdle && s.phase != phaseStartup
	busy := s.link != nil && s.link.Congested()
	switch {
	case full || busy:
		s.conn.PauseRead()
	case s.conn.ReadPaused():
		s.conn.ResumeRead()
	}
}

// consume handles as much of p as it can and gives the number of bytes.
func (s *session) consume(p []byte) int {
	n := 0
	for more := true; more && n < len(p); {
		var step int
		step, more = s.step(p[n:])
		n += step
	}
	if s.link != nil {
		s.flush()
	}
	return n
}

// step handles the next message or unit. It gives the bytes dealt with, and
// whether to go on.
func (s *session) step(p []byte) (n int, more bool) {
	switch {
	case s.rest > 0:
		return s.stream(p), true
	case s.phase == phaseStartup:
		n = s.login.take(s, p)
		return n, n > 0
	case s.phase == phaseIdle:
		return s.begin(p)
	case s.phase == phaseLinked && !s.state.busy:
		return s.proceed(p)
	}
	return 0, false
}

// flush sends what was prepared for the server.
func (s *session) flush() {
	if len(s.w.out) > 0 {
		s.link.Send(s.w.out)
		s.w.out = s.w.out[:0]
	}
}

// send writes messages of pgroute's own to the client.
func (s *session) send(p []byte) { s.conn.Write(p) }

// fatal tells the client why its session ends, and ends it.
func (s *session) fatal(err *pg.Error) {
	if s.phase == phaseClosing {
		return
	}
	s.w.counters.failed(err.State, 1)
	// Behind the beginning of a message it would be taken for the rest of it.
	if s.link == nil || !s.link.MidMessage() {
		e := *err
		e.Severity = pg.SeverityFatal
		s.send(wire.AppendError(s.w.local(), &e))
	}
	s.finish()
}

// finish closes the client connection once what was written is sent.
func (s *session) finish() {
	if s.phase == phaseClosing {
		return
	}
	s.leave()
	linger := lingerLimit
	if s.w.draining.Load() {
		linger = lastWords
	}
	s.conn.CloseAfterWrite(linger)
}

// OnDrained goes on reading from the server (netloop.Handler).
func (s *session) OnDrained(*netloop.Conn) {
	if s.link != nil {
		s.link.ResumeRead()
	}
}

// OnClose ends the session when the client is gone (netloop.Handler).
func (s *session) OnClose(_ *netloop.Conn, err error) {
	if s.phase != phaseClosing {
		s.leave()
	}
	s.w.gone(s, err)
}

// leave gives back everything that others could use. What the session left
// behind on its server connection is cleaned up, a running query cancelled
// and an open transaction rolled back.
func (s *session) leave() {
	if s.link != nil {
		s.flush() // the link counts on it, and another session's must not get it
	}
	s.unwait(health.HoldGone)
	s.move(phaseClosing)
	s.w.counters.unpinned(s.state.pins)
	s.w.keys.remove(s)
	s.w.putBuffer(s.in)
	s.in, s.rest = nil, 0
	s.forgetAgain()
	if s.login != nil {
		s.login.stop()
	}
	s.releaseCatalog()
	s.forgetDoubts()
	s.assign(cluster.NoNode)
	s.opening.reset()
	link := s.link
	if link == nil {
		return
	}
	s.link = nil
	s.w.set.End(s.node)
	s.state.soil(link)
	if !link.Answered() || link.InCopy() {
		link.Abort()
		return
	}
	link.Unlink()
}
