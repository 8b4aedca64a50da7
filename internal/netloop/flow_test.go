package netloop

import (
	"bytes"
	"crypto/sha256"
	"hash"
	"io"
	"net"
	"testing"
	"time"
)

// relay feeds one connection from another and pauses the source while the
// destination is congested: what a proxy does. worst is the most output that
// was ever unsent.
type relay struct {
	to     *Conn
	from   *Conn
	worst  int
	pauses int
}

func (r *relay) OnData(c *Conn, p []byte) {
	r.from = c
	r.to.Write(p)
	r.worst = max(r.worst, r.to.Unsent())
	if r.to.Congested() && !c.ReadPaused() {
		r.pauses++
		c.PauseRead()
	}
}

func (r *relay) OnDrained(*Conn) {}

func (r *relay) OnClose(*Conn, error) { r.to.CloseAfterWrite(patience) }

// sinkHandler resumes the source of what it is fed by.
func sinkHandler(r *relay) *funcs {
	return &funcs{drained: func(*Conn) { r.from.ResumeRead() }}
}

// patterned writes size bytes that depend on their position.
func patterned(w io.Writer, size int) (hash.Hash, error) {
	sum := sha256.New()
	block := make([]byte, 100_003)
	for sent := 0; sent < size; sent += len(block) {
		block = block[:min(len(block), size-sent)]
		for i := range block {
			block[i] = byte((sent + i) * 7 >> 3)
		}
		sum.Write(block)
		if _, err := w.Write(block); err != nil {
			return nil, err
		}
	}
	return sum, nil
}

// TestBigTransferToSlowReaderIsBounded sends 80 MB through a relay (a quarter
// of that with TLS, which is slow under the race detector) to a reader that begins
// to read only when the relay is full.
func TestBigTransferToSlowReaderIsBounded(t *testing.T) {
	overNetworks(t, func(t *testing.T, n network) {
		size := 80 << 20
		if n.encrypted {
			size /= 4
		}
		l := startLoop(t, Options{})
		srcNear, srcFar := n.pair(t)
		dstNear, dstFar := n.pair(t)
		r := &relay{}
		r.to = l.attach(dstNear, sinkHandler(r))
		src := l.attach(srcNear, r)

		type sent struct {
			sum hash.Hash
			err error
		}
		done := make(chan sent, 1)
		go func() {
			sum, err := patterned(srcFar, size)
			_ = srcFar.Close()
			done <- sent{sum, err}
		}()
		// Nobody reads: the relay must come to rest with its source paused.
		for paused := false; !paused; {
			l.do(func() { paused = src.ReadPaused() })
		}
		got := sha256.New()
		if n, err := io.Copy(got, dstFar); err != nil || n != int64(size) {
			t.Fatalf("received %d of %d bytes: %v", n, size, err)
		}
		s := wait(t, done, "sender")
		if s.err != nil {
			t.Fatal(s.err)
		}
		if !bytes.Equal(s.sum.Sum(nil), got.Sum(nil)) {
			t.Error("content differs")
		}
		l.do(func() {
			bound := l.opts.HighWater + l.opts.ReadBuffer
			if r.worst > bound || r.worst <= l.opts.HighWater {
				t.Errorf("unsent output reached %d, want more than %d and at most %d", r.worst, l.opts.HighWater, bound)
			}
			if r.pauses == 0 {
				t.Error("the source was never paused")
			}
		})
	})
}

// TestPausedConnDeliversNothing checks that pausing holds input back and
// resuming delivers all of it, in order.
func TestPausedConnDeliversNothing(t *testing.T) {
	overNetworks(t, func(t *testing.T, n network) {
		l := startLoop(t, Options{})
		near, far := n.pair(t)
		var got []byte
		full := make(chan struct{})
		c := l.attach(near, &funcs{data: func(_ *Conn, p []byte) {
			if got = append(got, p...); len(got) == 12 {
				close(full)
			}
		}})
		l.do(c.PauseRead)
		for _, s := range []string{"one ", "two "} {
			_, _ = far.Write([]byte(s))
			settleLoop(l)
		}
		l.do(func() {
			if len(got) > 0 {
				t.Errorf("paused connection was given %q", got)
			}
		})
		l.do(c.ResumeRead)
		_, _ = far.Write([]byte("four"))
		wait(t, full, "resumed input")
		l.do(func() {
			if string(got) != "one two four" {
				t.Errorf("got %q", got)
			}
		})
	})
}

// settleLoop lets the loop take a few turns, so that what is ready is handled.
func settleLoop(l *running) {
	for range 10 {
		l.do(func() {})
	}
}

// TestPauseInsideOnData pauses after each piece and resumes from a posted
// function; nothing may be lost or come while paused.
func TestPauseInsideOnData(t *testing.T) {
	overNetworks(t, func(t *testing.T, n network) {
		l := startLoop(t, Options{ReadBuffer: 1000})
		near, far := n.pair(t)
		const size = 50_000
		total, done := 0, make(chan struct{})
		l.attach(near, &funcs{
			data: func(c *Conn, p []byte) {
				if c.ReadPaused() {
					t.Error("data while paused")
				}
				total += len(p)
				c.PauseRead()
				l.Post(c.ResumeRead)
			},
			closed: func(*Conn, error) { close(done) },
		})
		if _, err := far.Write(make([]byte, size)); err != nil {
			t.Fatal(err)
		}
		_ = far.Close()
		wait(t, done, "OnClose")
		if total != size {
			t.Errorf("got %d bytes, want %d", total, size)
		}
	})
}

// TestWritevKeepsOrder mixes single and double writes, queued and direct.
func TestWritevKeepsOrder(t *testing.T) {
	overNetworks(t, func(t *testing.T, n network) {
		l := startLoop(t, Options{})
		near, far := n.pair(t)
		c := l.attach(near, &funcs{})
		var want []byte
		l.do(func() {
			for i := range 400 {
				a := bytes.Repeat([]byte{byte(i)}, i*7%5000)
				b := bytes.Repeat([]byte{byte(i + 1)}, i*13%9000)
				c.Writev(a, b)
				c.Write(a)
				want = append(append(append(want, a...), b...), a...)
			}
			c.CloseAfterWrite(patience)
		})
		if got := expectEnd(t, far); !bytes.Equal(got, want) {
			t.Errorf("received %d bytes that differ from the %d sent", len(got), len(want))
		}
	})
}

// TestHalfCloseEndsTheConnection: the peer's end is the end.
func TestHalfCloseEndsTheConnection(t *testing.T) {
	overNetworks(t, func(t *testing.T, n network) {
		l := startLoop(t, Options{})
		near, far := n.pair(t)
		var got []byte
		closed := make(chan error, 1)
		l.attach(near, &funcs{
			data:   func(_ *Conn, p []byte) { got = append(got, p...) },
			closed: func(_ *Conn, err error) { closed <- err },
		})
		_, _ = far.Write([]byte("last words"))
		if err := far.(closeWriter).CloseWrite(); err != nil {
			t.Fatal(err)
		}
		if err := wait(t, closed, "OnClose"); err != io.EOF {
			t.Errorf("OnClose was told %v, want io.EOF", err)
		}
		if string(got) != "last words" {
			t.Errorf("got %q before the end", got)
		}
		expectEnd(t, far)
	})
}

// TestResetIsReported: a reset arrives as an I/O error.
func TestResetIsReported(t *testing.T) {
	for _, n := range networks() {
		if n.name == "unix" {
			continue // Unix sockets know no reset
		}
		t.Run(n.name, func(t *testing.T) {
			l := startLoop(t, Options{})
			near, far := n.pair(t)
			closed := make(chan error, 1)
			l.attach(near, &funcs{closed: func(_ *Conn, err error) { closed <- err }})
			reset(t, far)
			if err := wait(t, closed, "OnClose"); !isReset(err) {
				t.Errorf("OnClose was told %v, want a reset", err)
			}
		})
	}
}

// reset closes a TCP connection rudely.
func reset(t *testing.T, nc net.Conn) {
	t.Helper()
	raw := rawConn(nc).(*net.TCPConn)
	if err := raw.SetLinger(0); err != nil {
		t.Fatal(err)
	}
	_ = raw.Close()
}

// TestPausedConnWithDeadPeerDoesNotSpin: hang-ups are reported for ever by a
// level-triggered poller; nobody may read, so nobody may ask.
func TestPausedConnWithDeadPeerDoesNotSpin(t *testing.T) {
	overNetworks(t, func(t *testing.T, n network) {
		l := startLoop(t, Options{})
		near, far := n.pair(t)
		closed := make(chan error, 1)
		c := l.attach(near, &funcs{closed: func(_ *Conn, err error) { closed <- err }})
		l.do(c.PauseRead)
		_, _ = far.Write([]byte("unread"))
		if n.name == "unix" {
			_ = far.Close()
		} else {
			reset(t, far)
		}
		settleLoop(l)
		var before, after uint64
		rested := make(chan struct{})
		l.do(func() {
			before = l.stats.Iterations
			l.AfterFunc(30*time.Millisecond, func() { after = l.stats.Iterations; close(rested) })
		})
		wait(t, rested, "timer")
		if turns := after - before; turns > 10 {
			t.Errorf("the loop turned %d times with nothing to do", turns)
		}
		select {
		case err := <-closed:
			t.Fatalf("closed (%v) while paused, with input unread", err)
		default:
		}
		l.do(c.ResumeRead)
		wait(t, closed, "OnClose after resuming")
	})
}

// TestPausedConnLearnsOfDeadPeerByWriting: the other way to notice.
func TestPausedConnLearnsOfDeadPeerByWriting(t *testing.T) {
	overNetworks(t, func(t *testing.T, n network) {
		l := startLoop(t, Options{})
		near, far := n.pair(t)
		closed := make(chan error, 1)
		c := l.attach(near, &funcs{closed: func(_ *Conn, err error) { closed <- err }})
		l.do(c.PauseRead)
		if n.name == "unix" {
			_ = far.Close()
		} else {
			reset(t, far)
		}
		settleLoop(l)
		l.do(func() {
			c.Write([]byte("anyone there?"))
			if len(closed) > 0 {
				t.Error("OnClose came out of Write")
			}
		})
		if err := wait(t, closed, "OnClose"); !isReset(err) {
			t.Errorf("OnClose was told %v, want a write error", err)
		}
	})
}

// TestWaterMarks: congestion begins above the high mark, and its end is told
// at the low mark, not when everything has left.
func TestWaterMarks(t *testing.T) {
	overNetworks(t, func(t *testing.T, n network) {
		const high, low = 3 << 20, 2 << 20
		l := startLoop(t, Options{HighWater: high, LowWater: low})
		near, far := n.pair(t)
		told := make(chan int, 10)
		c := l.attach(near, &funcs{drained: func(c *Conn) {
			if c.Congested() {
				t.Error("congested in OnDrained")
			}
			told <- c.Unsent()
		}})
		total := 0
		l.do(func() {
			block := make([]byte, 64<<10)
			for c.Unsent() <= high {
				if c.Congested() {
					t.Errorf("congested with %d bytes unsent", c.Unsent())
				}
				c.Write(block)
				total += len(block)
			}
			if !c.Congested() {
				t.Errorf("not congested with %d bytes unsent", c.Unsent())
			}
		})
		if _, err := io.CopyN(io.Discard, far, int64(total)); err != nil {
			t.Fatal(err)
		}
		if unsent := wait(t, told, "OnDrained"); unsent > low || unsent < low/2 {
			t.Errorf("OnDrained came at %d bytes unsent, want about %d", unsent, low)
		}
		l.do(func() {
			if len(told) > 0 {
				t.Error("OnDrained came twice")
			}
		})
	})
}
