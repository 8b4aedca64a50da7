//go:build linux && !netloop_portable

package netloop

import (
	"net"
	"slices"
	"testing"
)

// pollerNetworks are the kinds of connection the poller serves itself.
func pollerNetworks(t *testing.T, f func(t *testing.T, n network)) {
	overNetworks(t, func(t *testing.T, n network) {
		if n.name != "pump" && n.name != "tlspump" {
			f(t, n)
		}
	})
}

// TestLastWordsBeforeWriteError: what the peer said before it went away is
// delivered although a write notices first.
func TestLastWordsBeforeWriteError(t *testing.T) {
	pollerNetworks(t, func(t *testing.T, n network) {
		l := startLoop(t, Options{})
		near, far := n.pair(t)
		var got string
		closed := make(chan error, 1)
		c := l.attach(near, &funcs{
			data:   func(c *Conn, p []byte) { got += string(p); c.Write([]byte("no one is there")) },
			closed: func(_ *Conn, err error) { closed <- err },
		})
		l.do(func() { // while the loop cannot see it
			_, _ = far.Write([]byte("this is why"))
			if raw, ok := rawConn(far).(*net.TCPConn); ok {
				reset(t, raw)
			} else {
				_ = far.Close()
			}
			c.Write([]byte("hello?"))
		})
		if err := wait(t, closed, "OnClose"); !isReset(err) {
			t.Errorf("OnClose was told %v, want a write error", err)
		}
		if got != "this is why" {
			t.Errorf("got %q before OnClose", got)
		}
	})
}

// TestBusyConnectionsTakeTurns: one read buffer each per batch.
func TestBusyConnectionsTakeTurns(t *testing.T) {
	const rounds, size = 20, 2000
	l := startLoop(t, Options{ReadBuffer: size})
	var order []*Conn
	done := make(chan struct{})
	h := &funcs{data: func(c *Conn, p []byte) {
		if order = append(order, c); len(order) == 2*rounds {
			close(done)
		}
		if len(p) != size {
			t.Errorf("given %d bytes at once, want %d", len(p), size)
		}
	}}
	near1, far1 := unixPair(t)
	near2, far2 := unixPair(t)
	l.attach(near1, h)
	l.attach(near2, h)
	l.do(func() {
		for _, far := range []net.Conn{far1, far2} {
			if _, err := far.Write(make([]byte, rounds*size)); err != nil {
				t.Error(err)
			}
		}
	})
	wait(t, done, "all input")
	for i := range rounds - 1 {
		if turn := order[2*i : 2*i+2]; turn[0] == turn[1] {
			t.Fatalf("turn %d went to one connection twice: %v", i, slices.Index(order, turn[0]))
		}
	}
}

// TestPauseIsLazy: a connection paused and resumed with no event in between
// costs no system call; one that stays paused is masked by its first event.
func TestPauseIsLazy(t *testing.T) {
	pollerNetworks(t, func(t *testing.T, n network) {
		l := startLoop(t, Options{})
		near, far := n.pair(t)
		c := l.attach(near, &funcs{})
		mask := func() (m uint32) {
			l.do(func() { m = c.sock.mask })
			return m
		}
		l.do(c.PauseRead)
		if mask() != maskRead {
			t.Errorf("mask %#x right after PauseRead", mask())
		}
		_, _ = far.Write([]byte("x"))
		settleLoop(l)
		if mask() != 0 {
			t.Errorf("mask %#x after an event that nobody wants", mask())
		}
		l.do(c.ResumeRead)
		if mask() != maskRead {
			t.Errorf("mask %#x after ResumeRead", mask())
		}
	})
}
