package netloop

import (
	"fmt"
	"net"
)

// Detached is a connection between two loops. It belongs to whoever holds it;
// input that arrives meanwhile waits in the kernel (or the pump).
type Detached struct {
	addrs addresses
	sock  socket
	pump  *pump
	tls   *tlsLayer
	taken bool
}

// Attach makes nc a connection of the loop, with h as its handler. TCP and Unix
// sockets and, where made as TLSSocket tells, TLS connections are served by
// the loop itself, others by a pump. On success
// the loop owns the socket and nc is of no use any more; on failure nc is as it
// was and still the caller's. Input that nc's user has read from it already is
// not seen again. Loop goroutine only.
func (l *Loop) Attach(nc net.Conn, h Handler) (*Conn, error) {
	if l.stopping.Load() {
		return nil, ErrLoopEnded
	}
	base, layer := unwrap(nc)
	c := &Conn{loop: l, handler: h, addrs: addressesOf(nc)}
	sock, ok, err := takeSocket(base)
	if err != nil {
		return nil, fmt.Errorf("netloop: take over socket: %w", err)
	}
	if !ok {
		if layer == nil {
			nc = base
		}
		c.pump = newPump(nc, l.opts.ReadBuffer)
		l.place(c)
		c.pump.adopt(c)
		return c, nil
	}
	c.sock, c.tls = sock, layer
	if err := l.register(c); err != nil {
		sock.close()
		return nil, err
	}
	// The loop's own descriptor keeps the socket alive.
	_ = base.Close()
	return c, nil
}

// Adopt makes a detached connection one of this loop. On failure d is still
// the caller's. Loop goroutine only.
func (l *Loop) Adopt(d *Detached, h Handler) (*Conn, error) {
	if l.stopping.Load() {
		return nil, ErrLoopEnded
	}
	if d.taken {
		return nil, ErrNotOpen
	}
	c := &Conn{loop: l, handler: h, addrs: d.addrs, sock: d.sock, pump: d.pump, tls: d.tls}
	if c.pump != nil {
		l.place(c)
		c.pump.adopt(c)
	} else if err := l.register(c); err != nil {
		return nil, err
	}
	d.taken = true
	return c, nil
}

// register gives c its slot and puts its socket into the poller.
func (l *Loop) register(c *Conn) error {
	l.place(c)
	if err := c.enroll(); err != nil {
		l.vacate(c)
		return fmt.Errorf("netloop: register socket: %w", err)
	}
	if c.tls != nil {
		c.lead()
	}
	return nil
}

// Detach takes the connection out of its loop without closing it, so that
// another loop can adopt it. The handler gets no callback any more. It fails
// while output is unsent.
func (c *Conn) Detach() (*Detached, error) {
	if c.state != stateOpen {
		return nil, ErrNotOpen
	}
	if c.Unsent() > 0 {
		return nil, ErrUnsent
	}
	if c.pump == nil {
		if err := c.withdraw(); err != nil {
			return nil, fmt.Errorf("netloop: unregister socket: %w", err)
		}
	} else {
		c.pump.abandon()
	}
	c.state = stateDetached
	c.loop.vacate(c)
	return &Detached{addrs: c.addrs, sock: c.sock, pump: c.pump, tls: c.tls}, nil
}

// Close closes a connection that no loop adopted. After Adopt it does
// nothing. Any goroutine that owns d may call it.
func (d *Detached) Close() {
	if d.taken {
		return
	}
	d.taken = true
	if d.pump != nil {
		d.pump.end()
		return
	}
	d.sock.close()
}

// addressesOf notes the ends of a TCP connection; others are asked when
// someone wants to know.
func addressesOf(nc net.Conn) addresses {
	var a addresses
	if t, ok := nc.LocalAddr().(*net.TCPAddr); ok {
		a.local = t.AddrPort()
	}
	if t, ok := nc.RemoteAddr().(*net.TCPAddr); ok {
		a.remote = t.AddrPort()
	}
	_, a.unix = nc.LocalAddr().(*net.UnixAddr)
	return a
}
