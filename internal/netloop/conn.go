package netloop

import (
	"io"
	"net"
	"net/netip"
	"time"
)

// connState is how far a connection has come. See the allowed moves:
//
//	open → flushing → lingering → closed    CloseAfterWrite
//	open → broken → closed                  a write failed
//	open → closed                           Close, the peer's end, a read error
//	open → detached                         Detach
//
// and from every state but detached to closed.
type connState uint8

const (
	stateOpen      connState = iota // reads are delivered, writes accepted
	stateBroken                     // a write failed; closes at the end of the batch
	stateFlushing                   // queued output still leaves, input is discarded
	stateLingering                  // all sent, end sent, waiting for the peer's end
	stateClosed                     // OnClose is due or done
	stateDetached                   // left the loop
)

// Conn is a connection of one Loop, to be used on that loop's goroutine only.
// Methods of a connection that is closed or detached do nothing.
type Conn struct {
	loop    *Loop
	handler Handler
	pump    *pump // nil when the loop's poller serves the socket itself
	tls     *tlsLayer
	out     queue // unsent output
	err     error // what OnClose is going to be told
	limit   *Timer
	addrs   addresses
	sock    socket
	slot    int32
	state   connState

	paused    bool // PauseRead
	congested bool // unsent output passed the high-water mark
	touched   bool // in Loop.touched
	peerEnded bool // end of input seen while output is still flushed
}

// addresses are the two ends of a TCP connection in their smallest form.
type addresses struct {
	local, remote netip.AddrPort
	unix          bool
}

// Loop returns the loop the connection belongs to.
func (c *Conn) Loop() *Loop { return c.loop }

// SetHandler makes h receive all further callbacks.
func (c *Conn) SetHandler(h Handler) { c.handler = h }

// IsUnix reports whether this is a Unix-domain socket.
func (c *Conn) IsUnix() bool { return c.addrs.unix }

// Open reports whether the connection still delivers input and takes output.
func (c *Conn) Open() bool { return c.state == stateOpen }

// RemoteAddr is the peer's address. It is built on each call.
func (c *Conn) RemoteAddr() net.Addr { return c.addr(c.addrs.remote, true) }

// LocalAddr is this end's address. It is built on each call.
func (c *Conn) LocalAddr() net.Addr { return c.addr(c.addrs.local, false) }

func (c *Conn) addr(ap netip.AddrPort, remote bool) net.Addr {
	switch {
	case ap.IsValid():
		return net.TCPAddrFromAddrPort(ap)
	case c.pump != nil && remote:
		return c.pump.nc.RemoteAddr()
	case c.pump != nil:
		return c.pump.nc.LocalAddr()
	}
	return c.sock.unixAddr(remote)
}

// Write sends p. It never blocks and never keeps p: when nothing is queued
// the kernel is offered p at once; what it does not take is copied and sent
// when there is room. A failure is reported by OnClose, after the batch.
func (c *Conn) Write(p []byte) {
	if c.state != stateOpen || len(p) == 0 {
		return
	}
	if c.tls != nil {
		c.writeTLS(p)
		return
	}
	if c.out.size == 0 && c.pump == nil {
		n := c.send(p)
		if n == len(p) || c.state != stateOpen {
			return
		}
		p = p[n:]
	}
	c.out.append(&c.loop.chunks, p)
	c.queued()
}

// Writev sends a and then b, in one system call if possible (not over TLS).
// Otherwise it is like Write.
func (c *Conn) Writev(a, b []byte) {
	if len(a) == 0 || len(b) == 0 || c.tls != nil {
		c.Write(a)
		c.Write(b)
		return
	}
	if c.state != stateOpen {
		return
	}
	if c.out.size == 0 && c.pump == nil {
		n := c.send2(a, b)
		if n == len(a)+len(b) || c.state != stateOpen {
			return
		}
		taken := min(n, len(a))
		a, b = a[taken:], b[n-taken:]
	}
	c.out.append(&c.loop.chunks, a)
	c.out.append(&c.loop.chunks, b)
	c.queued()
}

// queued follows every addition to the output queue.
func (c *Conn) queued() {
	if c.Unsent() > c.loop.opts.HighWater {
		c.congested = true
	}
	if c.pump != nil {
		c.pump.start(c)
	} else {
		c.loop.touch(c)
	}
}

// Unsent is the number of bytes the kernel has not taken yet.
func (c *Conn) Unsent() int {
	if c.pump != nil {
		return c.out.size + c.pump.flight.size
	}
	return c.out.size
}

// Congested is true from the moment unsent output exceeds the high-water mark
// until it has fallen to the low-water mark; OnDrained tells of the latter.
// Whoever feeds this connection should be paused meanwhile.
func (c *Conn) Congested() bool { return c.congested }

// PauseRead stops delivering input. The kernel's buffer fills and the peer
// feels the back-pressure. A paused connection learns that the peer is gone
// only when it writes or is resumed: what the peer had sent before must not
// be lost.
func (c *Conn) PauseRead() {
	// Nothing is told to the poller: if an event comes it is masked then, and
	// often the connection is resumed before one does.
	c.paused = c.state == stateOpen || c.paused
}

// ResumeRead delivers input again, from the next batch on.
func (c *Conn) ResumeRead() {
	if !c.paused || c.state != stateOpen {
		return
	}
	c.paused = false
	if c.pump != nil {
		c.pump.resume()
		return
	}
	if c.tls != nil {
		c.loop.Defer(c.tls.again)
	}
	c.loop.touch(c)
}

// ReadPaused reports whether input is held back.
func (c *Conn) ReadPaused() bool { return c.paused }

// Close closes the connection now, dropping unsent output. OnClose follows at
// the end of the batch, with nil.
func (c *Conn) Close() { c.finish(nil) }

// CloseAfterWrite sends what is queued, then the end of the stream, then
// waits for the peer to end too and closes; closing with unread input at once
// would make the kernel discard, by a reset, what the peer has not read yet.
// Input is dropped from now on. All of it takes at most limit; OnClose comes
// with nil in any case.
func (c *Conn) CloseAfterWrite(limit time.Duration) {
	if c.state != stateOpen {
		return
	}
	if limit <= 0 {
		c.Close()
		return
	}
	c.state = stateFlushing
	c.limit = c.loop.AfterFunc(limit, c.Close)
	if c.paused {
		c.paused = false
		if c.pump != nil {
			c.pump.resume()
		}
	}
	if c.pump == nil {
		c.loop.touch(c)
	}
	if c.Unsent() == 0 {
		c.linger()
	}
}

// linger sends the end of the stream after the last output.
func (c *Conn) linger() {
	c.state = stateLingering
	if !c.closeWrite() || (c.peerEnded && c.state == stateLingering) {
		c.finish(nil)
	}
}

// closeWrite sends the end of the stream if the transport can.
func (c *Conn) closeWrite() bool {
	if c.pump != nil {
		return c.pump.closeWrite(c)
	}
	if c.tls != nil {
		c.endTLS()
		if c.out.size > 0 { // linger again when the alert has left
			c.state = stateFlushing
			return true
		}
	}
	return c.sock.shutdown()
}

// received hands input to the handler, or drops it after CloseAfterWrite.
func (c *Conn) received(p []byte) {
	c.loop.stats.BytesIn += uint64(len(p))
	if c.state <= stateBroken {
		c.handler.OnData(c, p)
	}
}

// ended handles the end of input: io.EOF or a read error.
func (c *Conn) ended(err error) {
	switch c.state {
	case stateOpen:
		c.finish(err)
	case stateLingering:
		c.finish(nil)
	case stateFlushing:
		if err != io.EOF {
			c.finish(nil)
			return
		}
		c.peerEnded = true
		if c.pump == nil {
			c.loop.touch(c)
		}
	}
}

// fail notes that output failed. Callbacks never come out of a Write, so the
// connection closes at the end of the batch.
func (c *Conn) fail(err error) {
	switch c.state {
	case stateOpen:
		c.state, c.err = stateBroken, err
		c.loop.broken = append(c.loop.broken, c)
	case stateFlushing, stateLingering:
		c.finish(nil)
	}
}

// drainRounds bounds how often a failed connection is read once more.
const drainRounds = 64

// endBroken closes a connection whose output failed. What the peer sent
// before it went away, such as the reason, is delivered first.
func (c *Conn) endBroken() {
	for range drainRounds {
		if c.state != stateBroken || c.paused || !c.readOnce() {
			break
		}
	}
	if c.state == stateBroken {
		c.finish(c.err)
	}
}

// sent follows every success of the transport in getting rid of queued
// output.
func (c *Conn) sent() {
	unsent := c.Unsent()
	if unsent == 0 && c.state == stateFlushing {
		c.linger()
		return
	}
	if c.congested && unsent <= c.loop.opts.LowWater {
		c.congested = false
		if c.state == stateOpen {
			c.handler.OnDrained(c)
		}
	}
}

// finish closes the connection, unless it is closed or detached; OnClose will
// say err.
func (c *Conn) finish(err error) {
	if c.state >= stateClosed {
		return
	}
	c.state, c.err = stateClosed, err
	if c.tls != nil {
		c.partTLS()
	}
	c.out.clear(&c.loop.chunks)
	c.congested = false
	if c.limit != nil {
		c.limit.Stop()
		c.limit = nil
	}
	if c.pump != nil {
		c.pump.end() // pumpGone follows
		return
	}
	c.sock.close()
	c.gone()
}

// gone takes the closed connection out of the loop and schedules OnClose.
func (c *Conn) gone() {
	c.loop.vacate(c)
	c.loop.closing = append(c.loop.closing, c)
}

// report is the last callback.
func (c *Conn) report() { c.handler.OnClose(c, c.err) }
