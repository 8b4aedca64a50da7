package netloop

import (
	"bytes"
	"errors"
	"io"
	"net"
	"testing"
	"time"
)

// TestCloseSelfInsideOnData: no callback but OnClose may follow.
func TestCloseSelfInsideOnData(t *testing.T) {
	overNetworks(t, func(t *testing.T, n network) {
		l := startLoop(t, Options{ReadBuffer: 4})
		near, far := n.pair(t)
		calls := 0
		closed := make(chan error, 2)
		l.attach(near, &funcs{
			data: func(c *Conn, _ []byte) {
				calls++
				c.Close()
				c.Close()
				c.Write([]byte("nobody hears this"))
				if len(closed) > 0 {
					t.Error("OnClose came out of Close")
				}
			},
			closed: func(c *Conn, err error) { closed <- err; c.Close() },
		})
		_, _ = far.Write([]byte("more than one buffer full"))
		if err := wait(t, closed, "OnClose"); err != nil {
			t.Errorf("OnClose was told %v, want nil", err)
		}
		settleLoop(l)
		if calls != 1 || len(closed) > 0 {
			t.Errorf("%d OnData and %d further OnClose after Close", calls, len(closed))
		}
	})
}

// TestCloseOtherInSameBatch makes two connections readable while the loop is
// busy, so that both events arrive in one batch. The first handler closes the
// other connection and gives its slot (and most likely its descriptor) to a third
// one, which must not see the stale event.
func TestCloseOtherInSameBatch(t *testing.T) {
	overNetworks(t, func(t *testing.T, n network) {
		l := startLoop(t, Options{})
		var conns [2]*Conn
		var fars [2]net.Conn
		thirdNear, thirdFar := n.pair(t)
		closed, got := make(chan error, 4), make(chan string, 4)
		calls := 0
		h := &funcs{closed: func(_ *Conn, err error) { closed <- err }}
		h.data = func(c *Conn, _ []byte) {
			calls++
			other := conns[0]
			if other == c {
				other = conns[1]
			}
			other.Close()
			third := &funcs{data: func(_ *Conn, p []byte) { got <- string(p) }}
			if _, err := l.Attach(thirdNear, third); err != nil {
				t.Error(err)
			}
		}
		for i := range conns {
			near, far := n.pair(t)
			conns[i], fars[i] = l.attach(near, h), far
		}
		l.do(func() {
			for _, far := range fars {
				_, _ = far.Write([]byte("x"))
			}
		})
		if err := wait(t, closed, "OnClose"); err != nil {
			t.Errorf("OnClose was told %v, want nil", err)
		}
		_, _ = thirdFar.Write([]byte("hello third"))
		if s := wait(t, got, "data of third"); s != "hello third" {
			t.Errorf("third connection got %q", s)
		}
		if calls != 1 {
			t.Errorf("OnData ran %d times, want 1: the other was closed", calls)
		}
		l.do(func() {
			if l.stats.Events != 2 {
				t.Errorf("%d events were handled, want 2: the stale one hit something", l.stats.Events)
			}
		})
	})
}

// TestPanicEndsOnlyItsConnection: and the rest of the batch is still served.
func TestPanicEndsOnlyItsConnection(t *testing.T) {
	overNetworks(t, func(t *testing.T, n network) {
		type report struct {
			c *Conn
			v any
		}
		reports := make(chan report, 10)
		l := startLoop(t, Options{OnPanic: func(c *Conn, v any, stack []byte) {
			if !bytes.Contains(stack, []byte("TestPanicEndsOnlyItsConnection")) {
				t.Errorf("stack does not show the handler:\n%s", stack)
			}
			reports <- report{c, v}
		}})
		badNear, badFar := n.pair(t)
		goodNear, goodFar := n.pair(t)
		closed := make(chan error, 1)
		bad := l.attach(badNear, &funcs{
			data:   func(*Conn, []byte) { panic("on data") },
			closed: func(_ *Conn, err error) { closed <- err; panic("on close") },
		})
		l.attach(goodNear, echo())
		l.do(func() {
			_, _ = badFar.Write([]byte("x"))
			_, _ = goodFar.Write([]byte("y"))
		})
		var pe *PanicError
		if err := wait(t, closed, "OnClose"); !errors.As(err, &pe) || pe.Value != "on data" {
			t.Errorf("OnClose was told %v, want the panic", err)
		}
		if _, err := io.ReadFull(goodFar, make([]byte, 1)); err != nil {
			t.Errorf("the other connection suffered: %v", err)
		}
		exchange(t, goodFar, []byte("still here"))
		expectEnd(t, badFar)
		for _, want := range []string{"on data", "on close"} {
			if r := wait(t, reports, "report"); r.c != bad || r.v != want {
				t.Errorf("reported %v of %p, want %q of %p", r.v, r.c, want, bad)
			}
		}
	})
}

// TestPanicOutsideConnections: posted, deferred and timed functions.
func TestPanicOutsideConnections(t *testing.T) {
	reports := make(chan any, 3)
	l := startLoop(t, Options{OnPanic: func(c *Conn, v any, _ []byte) {
		if c != nil {
			t.Errorf("%v blamed on a connection", v)
		}
		reports <- v
	}})
	l.Post(func() {
		l.Defer(func() { panic("deferred") })
		l.AfterFunc(time.Nanosecond, func() { panic("timed") })
		panic("posted")
	})
	for _, want := range []string{"posted", "deferred", "timed"} {
		if v := wait(t, reports, "report"); v != want {
			t.Errorf("reported %v, want %v", v, want)
		}
	}
	l.do(func() {})
}

// TestCloseAfterWriteSendsEverything to a reader that starts late, although
// input is unread, which would make a plain close reset the connection.
func TestCloseAfterWriteSendsEverything(t *testing.T) {
	overNetworks(t, func(t *testing.T, n network) {
		l := startLoop(t, Options{})
		near, far := n.pair(t)
		closed := make(chan error, 1)
		c := l.attach(near, &funcs{
			data:   func(*Conn, []byte) { t.Error("data after CloseAfterWrite") },
			closed: func(_ *Conn, err error) { closed <- err },
		})
		want := bytes.Repeat([]byte("farewell "), 1<<20)
		l.do(func() {
			c.PauseRead()
			_, _ = far.Write([]byte("ignored"))
			c.Write(want)
			c.CloseAfterWrite(patience)
			c.CloseAfterWrite(0) // the first call holds
			c.Write([]byte("too late"))
		})
		if got := expectEnd(t, far); !bytes.Equal(got, want) {
			t.Errorf("received %d bytes, want %d", len(got), len(want))
		}
		_, _ = far.Write([]byte("ignored too"))
		_ = far.Close()
		if err := wait(t, closed, "OnClose"); err != nil {
			t.Errorf("OnClose was told %v, want nil", err)
		}
	})
}

// TestCloseAfterWriteIsBounded: by its limit, when the peer does not read, and
// when it reads but does not close.
func TestCloseAfterWriteIsBounded(t *testing.T) {
	for name, size := range map[string]int{"unread": 32 << 20, "unclosed": 1} {
		t.Run(name, func(t *testing.T) {
			overNetworks(t, func(t *testing.T, n network) {
				l := startLoop(t, Options{})
				near, _ := n.pair(t)
				closed := make(chan error, 1)
				c := l.attach(near, &funcs{closed: func(_ *Conn, err error) { closed <- err }})
				l.do(func() {
					c.Write(make([]byte, size))
					c.CloseAfterWrite(20 * time.Millisecond)
				})
				if err := wait(t, closed, "OnClose"); err != nil {
					t.Errorf("OnClose was told %v, want nil", err)
				}
				l.do(func() {
					if c.Unsent() != 0 || c.Open() {
						t.Errorf("closed connection has %d bytes unsent, open %v", c.Unsent(), c.Open())
					}
				})
			})
		})
	}
}

// TestCloseAfterWriteToHalfClosedPeer: the peer's end may come first.
func TestCloseAfterWriteToHalfClosedPeer(t *testing.T) {
	overNetworks(t, func(t *testing.T, n network) {
		l := startLoop(t, Options{})
		near, far := n.pair(t)
		closed := make(chan error, 1)
		c := l.attach(near, &funcs{closed: func(_ *Conn, err error) { closed <- err }})
		want := bytes.Repeat([]byte("farewell "), 1<<20)
		l.do(func() {
			c.Write(want)
			c.CloseAfterWrite(2 * patience) // more than the test waits
		})
		if err := far.(closeWriter).CloseWrite(); err != nil {
			t.Fatal(err)
		}
		settleLoop(l)
		if got := expectEnd(t, far); !bytes.Equal(got, want) {
			t.Errorf("received %d bytes, want %d", len(got), len(want))
		}
		if err := wait(t, closed, "OnClose"); err != nil {
			t.Errorf("OnClose was told %v, want nil", err)
		}
	})
}

// TestEndOfLoopClosesEverything and lets every handler know.
func TestEndOfLoopClosesEverything(t *testing.T) {
	overNetworks(t, func(t *testing.T, n network) {
		l := startLoop(t, Options{})
		closed := make(chan error, 10)
		var fars []net.Conn
		var late error
		lateNear, _ := n.pair(t)
		for i := range 4 {
			near, far := n.pair(t)
			c := l.attach(near, &funcs{closed: func(_ *Conn, err error) {
				_, late = l.Attach(lateNear, &funcs{})
				closed <- err
			}})
			fars = append(fars, far)
			l.do(func() {
				switch i {
				case 1:
					c.PauseRead()
				case 2:
					c.Write(make([]byte, 8<<20)) // more than the kernel takes
				case 3:
					c.CloseAfterWrite(patience)
				}
			})
		}
		l.stop()
		for range fars {
			if err := wait(t, closed, "OnClose"); err != nil {
				t.Errorf("OnClose was told %v, want nil", err)
			}
		}
		if late != ErrLoopEnded {
			t.Errorf("Attach during the end said %v", late)
		}
		if l.Post(func() {}) {
			t.Error("Post after the end said true")
		}
		if s := l.Stats(); s.Conns != 0 {
			t.Errorf("%d connections left", s.Conns)
		}
		for i, far := range fars {
			if _, err := io.Copy(io.Discard, far); err != nil && i != 2 && !isReset(err) {
				t.Errorf("peer %d: %v", i, err)
			}
		}
	})
}
