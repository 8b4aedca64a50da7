package netloop

import (
	"crypto/tls"
	"net"
	"time"
)

// TLSSocket is the connection to put under crypto/tls so that a loop can serve
// the TLS connection by itself later, without goroutines:
//
//	tc := tls.Server(netloop.ForTLS(nc), config)
//	err := tc.HandshakeContext(ctx)   // in a goroutine, blocking
//	c, err := loop.Attach(tc, handler) // on the loop
//
// Until Attach it passes everything to the connection it was made from. From
// then on crypto/tls only transforms bytes: a Read that finds the kernel's
// buffer empty fails with an error that crypto/tls takes as temporary, keeping
// the part of a record it has, and a Write goes to the connection's output queue.
type TLSSocket struct {
	net.Conn
	owner  *Conn // nil before Attach
	idle   bool  // the kernel has nothing more to read, as far as we know
	hangup bool  // the event said that the peer has ended
	left   int   // bytes that may still be read for this event
}

// ForTLS wraps a TCP or Unix connection; see TLSSocket.
func ForTLS(nc net.Conn) *TLSSocket { return &TLSSocket{Conn: nc} }

// tlsLayer is the TLS side of a connection the poller serves.
type tlsLayer struct {
	conn   *tls.Conn
	socket *TLSSocket
	ended  bool   // our close_notify was made
	again  func() // owner.readBuffered, made once per owner
}

// wouldBlock tells crypto/tls that there is nothing to read now. Being a
// temporary net.Error it does not end the connection.
type wouldBlock struct{}

func (wouldBlock) Error() string   { return "netloop: nothing to read" }
func (wouldBlock) Timeout() bool   { return true }
func (wouldBlock) Temporary() bool { return true }

// errWouldBlock is boxed once, so that returning it costs nothing.
var errWouldBlock error = wouldBlock{}

// Read implements net.Conn.
func (s *TLSSocket) Read(p []byte) (int, error) {
	if s.owner == nil {
		return s.Conn.Read(p)
	}
	return s.receive(p)
}

// Write implements net.Conn. On a loop it never fails and never sends: whoever
// called into crypto/tls flushes the queue once for all records.
func (s *TLSSocket) Write(p []byte) (int, error) {
	c := s.owner
	if c == nil {
		return s.Conn.Write(p)
	}
	c.out.append(&c.loop.chunks, p)
	return len(p), nil
}

// SetDeadline implements net.Conn; on a loop nothing blocks.
func (s *TLSSocket) SetDeadline(t time.Time) error {
	if s.owner != nil {
		return nil
	}
	return s.Conn.SetDeadline(t)
}

// SetWriteDeadline implements net.Conn; on a loop nothing blocks.
func (s *TLSSocket) SetWriteDeadline(t time.Time) error {
	if s.owner != nil {
		return nil
	}
	return s.Conn.SetWriteDeadline(t)
}

// unwrap finds the socket to serve under what was given to Attach, and the
// TLS layer over it if there is one.
func unwrap(nc net.Conn) (net.Conn, *tlsLayer) {
	switch v := nc.(type) {
	case *TLSSocket:
		return v.Conn, nil
	case *tls.Conn:
		s, ok := v.NetConn().(*TLSSocket)
		if ok && v.ConnectionState().HandshakeComplete {
			return s.Conn, &tlsLayer{conn: v, socket: s}
		}
	}
	return nc, nil
}

// lead makes c the owner of its TLS layer. Records may have come with the
// last bytes of the handshake, or wait since before a move: no event will tell.
func (c *Conn) lead() {
	c.tls.socket.owner = c
	c.tls.again = c.readBuffered
	c.loop.Defer(c.tls.again)
}

// readBuffered delivers what the TLS layer holds already.
func (c *Conn) readBuffered() {
	if c.state != stateOpen || c.paused {
		return
	}
	c.loop.current = c
	c.readTLS()
	c.loop.current = nil
}

// readTLS delivers what can be decrypted, until the kernel has no more or
// the connection had its share: a read buffer full per event. What the layer holds
// must come out in any case, since no event will tell of it.
func (c *Conn) readTLS() {
	buf := c.loop.buf
	c.tls.socket.left = len(buf)
	for c.state < stateClosed && !c.paused {
		n, err := c.tls.conn.Read(buf)
		if n > 0 {
			c.received(buf[:n])
		}
		if err != nil {
			if err != errWouldBlock {
				c.ended(err)
			}
			break
		}
	}
	if c.out.size > 0 && c.state < stateClosed {
		c.loop.touch(c) // a key update was answered
	}
}

// writeTLS encrypts p and sends all records at once.
func (c *Conn) writeTLS(p []byte) {
	first := c.out.size == 0
	if _, err := c.tls.conn.Write(p); err != nil {
		c.fail(err)
		return
	}
	c.pushTLS(first)
}

// pushTLS sends what the TLS layer queued, unless older output waits already.
func (c *Conn) pushTLS(first bool) {
	if first && c.out.size > 0 {
		c.push()
	}
	if c.out.size > 0 && c.state < stateClosed {
		c.queued()
	}
}

// partTLS says good-bye on a connection that closes at once: close_notify
// if nothing is unsent that would have to go first, or the alert that crypto/tls
// made of what is wrong. It is an attempt; nobody waits for it.
func (c *Conn) partTLS() {
	if c.out.size > 0 {
		c.push()
	} else if c.err == nil {
		c.endTLS()
	}
}

// endTLS queues the close_notify alert and offers it to the kernel.
func (c *Conn) endTLS() {
	if c.tls.ended {
		return
	}
	c.tls.ended = true
	first := c.out.size == 0
	if c.tls.conn.CloseWrite() == nil {
		c.pushTLS(first)
	}
}
