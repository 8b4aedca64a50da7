package backend

import (
	"github.com/pgroute/pgroute/internal/netloop"
	"github.com/pgroute/pgroute/internal/pg"
	"github.com/pgroute/pgroute/internal/wire"
)

// stream is where a Conn is in the flow of messages from its server.
//
// While OnData runs, buf is what is being read: buf[run:pos] is framed, for
// the client, and not forwarded yet; buf[pos:end] is the message in hand.
type stream struct {
	buf           []byte
	run, pos, end int
	// partial holds the beginning of a message that must be seen whole.
	partial []byte
	// rest is how many bytes of the current message are still to come; they
	// pass without being looked at. drop keeps them from the client.
	rest int
	drop bool
	// holding keeps the answer from the client until it is known to be one;
	// held is what came so far.
	holding bool
	held    []byte
	// again: the answer to the next unit is to be held as well.
	again bool
	// skipping: the server ignores everything up to the next Sync.
	skipping bool
	// copyIn: the server reads COPY data.
	copyIn bool
	// fatal is the body of the last FATAL error, the server's last words.
	fatal []byte
	// failed is the error of the internal query under way.
	failed *pg.Error
}

// maxWhole bounds a message that is read whole, in bytes. A longer one is
// judged by its beginning, where the fields that matter stand.
const maxWhole = 32 << 10

// OnData takes what the server sent (netloop.Handler).
func (c *Conn) OnData(_ *netloop.Conn, p []byte) {
	s := &c.stream
	if len(s.partial) > 0 {
		s.partial = append(s.partial, p...)
		p = s.partial
	}
	s.buf, s.run, s.pos = p, 0, 0
	for s.pos < len(p) && !c.over() && c.frame() {
	}
	if !c.over() {
		c.forwardTo(s.pos)
		c.stash(p[s.pos:])
	}
	s.buf = nil
}

// frame handles the next message, or what there is of it; false when more
// bytes are needed first.
func (c *Conn) frame() bool {
	s := &c.stream
	p := s.buf[s.pos:]
	if s.rest > 0 {
		c.passRest(len(p))
		return true
	}
	typ, size, ok := wire.Header(p)
	if !ok {
		return false
	}
	if size < 0 {
		c.fail(pg.Errorf(pg.ProtocolViolation, "the server sent a message of impossible length"))
		return false
	}
	if len(p) < size && len(p) < maxWhole && needsWhole(typ) {
		return false
	}
	whole := min(size, len(p))
	s.end = s.pos + whole
	pass := c.take(typ, p[wire.HeaderSize:whole])
	if c.over() {
		return false
	}
	s.rest, s.drop = size-whole, !pass
	if !pass {
		c.forwardTo(s.pos)
		s.run = s.end
	}
	s.pos = s.end
	return true
}

// passRest passes on what there is of a message too long to come at once.
func (c *Conn) passRest(have int) {
	s := &c.stream
	n := min(s.rest, have)
	s.rest -= n
	s.pos += n
	if s.drop {
		s.run = s.pos
	}
}

// stash keeps an incomplete message for the next call. p may lie in partial.
func (c *Conn) stash(p []byte) {
	s := &c.stream
	if len(p) == 0 && cap(s.partial) > maxWhole {
		s.partial = nil
		return
	}
	s.partial = append(s.partial[:0], p...)
}

// forwardTo forwards the run up to a position, unless that was done.
func (c *Conn) forwardTo(to int) {
	s := &c.stream
	if s.run < to {
		run := s.buf[s.run:to]
		s.run = to
		c.emit(run)
	}
}

// emit forwards whole messages to the client, or holds them.
func (c *Conn) emit(run []byte) {
	switch {
	case c.front == nil:
	case c.stream.holding:
		c.stream.held = append(c.stream.held, run...)
	default:
		c.front.Forward(run)
	}
}

// release ends holding: what was held is an answer and goes to the client.
func (c *Conn) release() {
	s := &c.stream
	if !s.holding {
		return
	}
	s.holding = false
	if len(s.held) > 0 {
		c.emit(s.held)
		s.held = s.held[:0]
	}
}

// needsWhole tells the messages that are passed as a whole: those whose body is
// looked at, and short ones that may come in a transaction. A client that was
// given half a message cannot be told that the server was lost; its session
// ends.
func needsWhole(typ byte) bool {
	switch typ {
	case wire.DataRow, wire.CopyData, wire.FunctionCallResponse:
		return false
	}
	return true
}

// over reports whether nothing more that the server sends counts.
func (c *Conn) over() bool { return c.closed || c.lostCause != nil }

// fail cuts a connection whose server cannot be understood.
func (c *Conn) fail(err *pg.Error) {
	c.stream.fatal = nil
	c.lostCause = err
	c.Close()
}
