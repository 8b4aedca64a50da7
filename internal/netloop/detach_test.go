package netloop

import (
	"bytes"
	"fmt"
	"io"
	"net"
	"testing"
)

// nomad is a handler that moves its connection to another loop with every
// input it can, and echoes the input there.
type nomad struct {
	t     *testing.T
	loops []*running
	at    int
	moves int
	ended chan error
}

func (h *nomad) OnData(c *Conn, p []byte) {
	if c.Loop() != h.loops[h.at].Loop {
		h.t.Error("data on the wrong loop")
	}
	d, err := c.Detach()
	if err != nil {
		if err != ErrUnsent {
			h.t.Errorf("Detach: %v", err)
		}
		c.Write(p)
		return
	}
	c.Write([]byte("not from here any more"))
	h.at = (h.at + 1) % len(h.loops)
	h.moves++
	next, kept := h.loops[h.at], bytes.Clone(p)
	next.Post(func() {
		c, err := next.Adopt(d, h)
		if err != nil {
			h.t.Errorf("Adopt: %v", err)
			return
		}
		c.Write(kept)
		if _, err := next.Adopt(d, h); err == nil {
			h.t.Error("adopted twice")
		}
	})
}

func (h *nomad) OnDrained(*Conn)            {}
func (h *nomad) OnClose(_ *Conn, err error) { h.ended <- err }

// TestDetachUnderTraffic moves a connection between two loops while a stream
// runs through it; nothing may be lost, repeated or reordered.
func TestDetachUnderTraffic(t *testing.T) {
	overNetworks(t, func(t *testing.T, n network) {
		h := &nomad{t: t, ended: make(chan error, 1)}
		h.loops = []*running{startLoop(t, Options{ReadBuffer: 3000}), startLoop(t, Options{})}
		near, far := n.pair(t)
		h.loops[0].attach(near, h)
		var stream bytes.Buffer
		for i := range 60_000 {
			fmt.Fprintf(&stream, "%d,", i)
		}
		for i := range 300 {
			exchange(t, far, stream.Bytes()[i*10:][:10])
		}
		sent := make(chan error, 1)
		go func() {
			_, err := far.Write(stream.Bytes())
			sent <- err
		}()
		got := make([]byte, stream.Len())
		if _, err := io.ReadFull(far, got); err != nil {
			t.Fatal(err)
		}
		if err := wait(t, sent, "sender"); err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(got, stream.Bytes()) {
			t.Error("echo differs")
		}
		_ = far.Close()
		if err := wait(t, h.ended, "OnClose"); err != io.EOF {
			t.Errorf("OnClose was told %v, want io.EOF", err)
		}
		if h.moves < 2 {
			t.Errorf("moved %d times only", h.moves)
		}
	})
}

// TestDetachedWaits: input and even the end that come while no loop owns the
// connection reach the next one.
func TestDetachedWaits(t *testing.T) {
	overNetworks(t, func(t *testing.T, n network) {
		l := startLoop(t, Options{})
		near, far := n.pair(t)
		c := l.attach(near, &funcs{closed: func(*Conn, error) { t.Error("OnClose of a detached connection") }})
		d := l.detach(c)
		_, _ = far.Write([]byte("while away"))
		_ = far.Close()
		settleLoop(l)
		var got []byte
		closed := make(chan error, 1)
		l.do(func() {
			if c.RemoteAddr().String() != near.RemoteAddr().String() {
				t.Errorf("remote address %v, want %v", c.RemoteAddr(), near.RemoteAddr())
			}
			_, err := l.Adopt(d, &funcs{
				data:   func(_ *Conn, p []byte) { got = append(got, p...) },
				closed: func(_ *Conn, err error) { closed <- err },
			})
			if err != nil {
				t.Error(err)
			}
		})
		if err := wait(t, closed, "OnClose"); err != io.EOF {
			t.Errorf("OnClose was told %v, want io.EOF", err)
		}
		if string(got) != "while away" {
			t.Errorf("got %q", got)
		}
	})
}

// detach takes c out of its loop, once a pump is done with its output.
func (r *running) detach(c *Conn) *Detached {
	r.t.Helper()
	var d *Detached
	err := ErrUnsent
	for err == ErrUnsent {
		r.do(func() { d, err = c.Detach() })
	}
	if err != nil {
		r.t.Fatal(err)
	}
	return d
}

// TestDetachedOutlivesItsLoop and can be closed without another.
func TestDetachedOutlivesItsLoop(t *testing.T) {
	overNetworks(t, func(t *testing.T, n network) {
		first := startLoop(t, Options{})
		near, far := n.pair(t)
		d := first.detach(first.attach(near, echo()))
		first.stop()
		second := startLoop(t, Options{})
		var c *Conn
		second.do(func() { c, _ = second.Adopt(d, echo()) })
		exchange(t, far, []byte("after the end"))
		d = second.detach(c)
		d.Close()
		d.Close()
		expectEnd(t, far)
		second.do(func() {
			if _, err := second.Adopt(d, echo()); err != ErrNotOpen {
				t.Errorf("Adopt of a closed connection said %v", err)
			}
		})
	})
}

// TestDetachRefuses what cannot be moved.
func TestDetachRefuses(t *testing.T) {
	overNetworks(t, func(t *testing.T, n network) {
		l := startLoop(t, Options{})
		near, _ := n.pair(t)
		c := l.attach(near, &funcs{})
		l.do(func() {
			c.Write(make([]byte, 32<<20))
			if _, err := c.Detach(); err != ErrUnsent {
				t.Errorf("Detach with unsent output said %v", err)
			}
			c.Close()
			if _, err := c.Detach(); err != ErrNotOpen {
				t.Errorf("Detach of a closed connection said %v", err)
			}
		})
	})
}

// TestAttachTakesAnyConn: net.Pipe knows neither descriptors nor half close.
func TestAttachTakesAnyConn(t *testing.T) {
	l := startLoop(t, Options{})
	near, far := net.Pipe()
	closed := make(chan error, 1)
	c := l.attach(near, &funcs{
		data:   func(c *Conn, p []byte) { c.Write(p) },
		closed: func(_ *Conn, err error) { closed <- err },
	})
	exchange(t, far, []byte("through a pipe"))
	l.do(func() {
		c.Write([]byte("bye"))
		c.CloseAfterWrite(patience)
	})
	if got := expectEnd(t, far); string(got) != "bye" {
		t.Errorf("got %q at the end", got)
	}
	if err := wait(t, closed, "OnClose"); err != nil {
		t.Errorf("OnClose was told %v, want nil", err)
	}
}

// TestAttachRefusesClosed leaves the loop as it was.
func TestAttachRefusesClosed(t *testing.T) {
	l := startLoop(t, Options{})
	near, _ := tcpPair(t)
	_ = near.Close()
	closed := make(chan error, 1)
	l.do(func() {
		// A pump learns of it only when it reads.
		if _, err := l.Attach(near, &funcs{closed: func(_ *Conn, err error) { closed <- err }}); err != nil {
			closed <- err
		}
	})
	if err := wait(t, closed, "failure"); err == nil {
		t.Error("a closed connection was attached")
	}
}

// TestAddresses compares with what the net package says.
func TestAddresses(t *testing.T) {
	overNetworks(t, func(t *testing.T, n network) {
		l := startLoop(t, Options{})
		near, _ := n.pair(t)
		local, remote := near.LocalAddr().String(), near.RemoteAddr().String()
		c := l.attach(near, &funcs{})
		l.do(func() {
			if got := c.LocalAddr().String(); got != local {
				t.Errorf("local %q, want %q", got, local)
			}
			if got := c.RemoteAddr().String(); got != remote && remote != "@" {
				t.Errorf("remote %q, want %q", got, remote)
			}
			if c.IsUnix() != (n.name == "unix") {
				t.Errorf("IsUnix is %v", c.IsUnix())
			}
		})
	})
}
