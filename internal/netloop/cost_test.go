package netloop

import (
	"bytes"
	"io"
	"os"
	"sync"
	"testing"
	"time"
	"unsafe"
)

// openFiles counts this process's descriptors.
func openFiles(t *testing.T) int {
	t.Helper()
	entries, err := os.ReadDir("/dev/fd")
	if err != nil {
		t.Fatal(err)
	}
	return len(entries)
}

// TestNoDescriptorLeaks through any way a connection can end.
func TestNoDescriptorLeaks(t *testing.T) {
	overNetworks(t, func(t *testing.T, n network) {
		before := openFiles(t)
		t.Run("traffic", func(t *testing.T) {
			l := startLoop(t, Options{})
			for i := range 40 {
				near, far := n.pair(t)
				closed := make(chan error, 1)
				h := echo()
				h.closed = func(_ *Conn, err error) { closed <- err }
				c := l.attach(near, h)
				exchange(t, far, []byte("x"))
				switch i % 5 {
				case 0:
					l.do(c.Close)
				case 1:
					l.do(func() { c.CloseAfterWrite(time.Millisecond) })
				case 2:
					_ = far.Close()
				case 3:
					l.detach(c).Close()
					continue
				case 4:
					continue // closed by the end of the loop
				}
				wait(t, closed, "OnClose")
				if _, err := far.Write(make([]byte, 1)); i%5 == 2 && err == nil {
					t.Error("the far end is open")
				}
			}
		})
		if after := openFiles(t); after > before {
			t.Errorf("%d descriptors before, %d after", before, after)
		}
	})
}

// TestIdleConnIsSmall: ten thousand of them are nothing to speak of.
func TestIdleConnIsSmall(t *testing.T) {
	if size := unsafe.Sizeof(Conn{}) + unsafe.Sizeof(slot{}); size > 300 {
		t.Errorf("a connection costs %d bytes", size)
	}
}

// TestSteadyStateAllocatesNothing: reading, writing, queueing, pausing, timers
// and posts.
func TestSteadyStateAllocatesNothing(t *testing.T) {
	overNetworks(t, func(t *testing.T, n network) {
		if n.encrypted {
			return // crypto/tls allocates on its own, at both ends
		}
		l := startLoop(t, Options{})
		near, far := n.pair(t)
		var timer *Timer
		deferred, posted := func() {}, func() {}
		l.do(func() { timer = l.NewTimer(func() {}) })
		l.attach(near, &funcs{data: func(c *Conn, p []byte) {
			timer.Reset(time.Hour)
			c.PauseRead()
			c.Writev(p[:1], p[1:])
			c.ResumeRead()
			l.Defer(deferred)
			l.Post(posted)
			timer.Stop()
		}})
		msg, got := bytes.Repeat([]byte("m"), 500), make([]byte, 500)
		roundTrip := func() {
			_, _ = far.Write(msg)
			_, _ = io.ReadFull(far, got)
		}
		roundTrip()
		if allocs := testing.AllocsPerRun(2000, roundTrip); allocs > 0 {
			t.Errorf("%v allocations per round trip", allocs)
		}
	})
}

// TestCongestionAllocatesNothing once the chunks are there.
func TestCongestionAllocatesNothing(t *testing.T) {
	overNetworks(t, func(t *testing.T, n network) {
		if n.encrypted {
			return // crypto/tls allocates on its own, at both ends
		}
		l := startLoop(t, Options{})
		near, far := n.pair(t)
		const size = 256 << 10
		block, got := make([]byte, size), make([]byte, size)
		drained := make(chan struct{})
		drain := sync.OnceFunc(func() { close(drained) })
		// Fill the kernel's buffers first, so that everything is queued.
		filler := 0
		c := l.attach(near, &funcs{drained: func(*Conn) { drain() }})
		l.do(func() {
			for !c.Congested() {
				c.Write(block)
				filler += size
			}
		})
		if _, err := io.CopyN(io.Discard, far, int64(filler)); err != nil {
			t.Fatal(err)
		}
		wait(t, drained, "OnDrained")
		write := func() {
			c.Write(block[:chunkSize])
		}
		roundTrip := func() {
			for range size / chunkSize {
				l.Post(write)
			}
			_, _ = io.ReadFull(far, got[:size/chunkSize*chunkSize])
		}
		roundTrip()
		if allocs := testing.AllocsPerRun(200, roundTrip); allocs > 1 {
			t.Errorf("%v allocations per round trip", allocs)
		}
	})
}

// TestChunksAreBounded: a burst does not stay in the pool.
func TestChunksAreBounded(t *testing.T) {
	var pool chunkPool
	var q queue
	q.append(&pool, make([]byte, 10<<20))
	q.clear(&pool)
	if q.size != 0 || q.head != nil || q.tail != nil {
		t.Errorf("cleared queue holds %d bytes", q.size)
	}
	if pool.count != spareLimit {
		t.Errorf("pool keeps %d chunks, want %d", pool.count, spareLimit)
	}
}

// TestQueueAgainstOracle: what goes in comes out, whatever the pieces.
func TestQueueAgainstOracle(t *testing.T) {
	var pool chunkPool
	var q queue
	var in, out []byte
	drop := func(q *queue, n int) {
		for k := q.head; k != nil && n > 0; k = k.next {
			piece := k.buf[k.r:k.w]
			piece = piece[:min(len(piece), n)]
			out = append(out, piece...)
			n -= len(piece)
		}
	}
	for i := range 1000 {
		p := bytes.Repeat([]byte{byte(i)}, i*37%40_000)
		in = append(in, p...)
		q.append(&pool, p)
		n := min(q.size, i*41%40_000)
		if i%10 == 0 {
			taken := q.take(n)
			drop(&taken, taken.size)
			taken.clear(&pool)
			continue
		}
		drop(&q, n)
		q.advance(&pool, n)
	}
	drop(&q, q.size)
	if !bytes.Equal(in, out) {
		t.Errorf("%d bytes went in, %d came out, or they differ", len(in), len(out))
	}
}
