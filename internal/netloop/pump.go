package netloop

import (
	"net"
	"sync"
	"time"
)

// pump serves one net.Conn through blocking calls in goroutines of its own,
// for everything the poller cannot serve itself.
//
// The reader reads once, posts, and reads again only when the handler has had
// the bytes: the handler's pause is felt by the peer. The writer is started by
// the first output; the loop hands it some chunks (flight) and gets them back
// when they are written. Ownership of buffer and flight moves by messages, so
// there is no lock around I/O; mu guards only which Conn the pump serves and
// whether the reader's bytes still wait.
type pump struct {
	nc   net.Conn
	done chan struct{} // closed by end
	more chan struct{} // one token: the reader may read again
	kick chan struct{} // one token: the writer has work

	mu      sync.Mutex
	owner   *Conn  // nil while detached
	onRead  func() // owner.pumpRead and pumpWrote, made once per owner so that
	onWrote func() // posting them allocates nothing
	ready   bool   // buf[:n] and readErr wait for the owner

	// The reader's, and while ready or in OnData the loop's.
	buf     []byte
	bufMax  int
	n       int
	readErr error

	// The loop's. While busy, flight, shut and writeErr are the writer's.
	reading  bool // the reader was started
	busy     bool
	flight   queue
	shut     bool          // the writer shall send the end of the stream
	writing  chan struct{} // closed when the writer ended; nil before it started
	writeErr error
}

// Sizes of a pump.
const (
	pumpBuffer = 4 << 10  // read buffer at the start; it grows with full reads
	pumpFlight = 64 << 10 // about how much the writer is handed at once
)

// closeWriter is what can send the end of the stream and go on reading.
type closeWriter interface{ CloseWrite() error }

// newPump prepares a pump for nc. The first owner starts it.
func newPump(nc net.Conn, bufMax int) *pump {
	return &pump{
		nc:     nc,
		done:   make(chan struct{}),
		more:   make(chan struct{}, 1),
		kick:   make(chan struct{}, 1),
		buf:    make([]byte, min(pumpBuffer, bufMax)),
		bufMax: bufMax,
	}
}

// adopt makes c the owner. Its loop waits for the pump's goroutines at its
// end, until c abandons the pump.
func (p *pump) adopt(c *Conn) {
	c.loop.pumps.Add(1)
	p.mu.Lock()
	p.owner, p.onRead, p.onWrote = c, c.pumpRead, c.pumpWrote
	p.mu.Unlock()
	if !p.reading {
		p.reading = true
		go p.read()
		return
	}
	p.resume()
}

// abandon leaves the pump without an owner.
func (p *pump) abandon() {
	p.mu.Lock()
	loop := p.owner.loop
	p.owner, p.onRead, p.onWrote = nil, nil, nil
	p.mu.Unlock()
	loop.pumps.Done()
}

// end makes the goroutines finish and close nc. Whoever owns the pump calls
// it, once.
func (p *pump) end() {
	close(p.done)
	// A deadline unblocks both goroutines without blocking here, which closing
	// may do: TLS says good-bye first.
	if p.nc.SetDeadline(time.Unix(1, 0)) != nil {
		_ = p.nc.Close()
	}
}

// resume has waiting input delivered, if there is any.
func (p *pump) resume() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.ready && p.owner != nil {
		p.owner.loop.Post(p.onRead)
	}
}

// read is the reader goroutine. It is the last to leave: it closes nc and has
// the owner told.
func (p *pump) read() {
	for p.readOnce() {
	}
	if p.writing != nil {
		<-p.writing
	}
	_ = p.nc.Close()
	p.mu.Lock()
	c := p.owner
	p.mu.Unlock()
	if c != nil {
		c.loop.Post(c.pumpGone)
		c.loop.pumps.Done()
	}
}

// readOnce reads, offers what came to the owner and waits until it was taken.
// After an error there is nothing to wait for but the end.
func (p *pump) readOnce() bool {
	n, err := p.nc.Read(p.buf)
	select {
	case <-p.done:
		return false
	default:
	}
	if n == 0 && err == nil {
		return true
	}
	p.mu.Lock()
	p.n, p.readErr, p.ready = n, err, true
	p.mu.Unlock()
	p.resume()
	select {
	case <-p.more:
	case <-p.done:
		return false
	}
	if n == len(p.buf) && n < p.bufMax {
		p.buf = make([]byte, min(4*n, p.bufMax))
	}
	return true
}

// write is the writer goroutine.
func (p *pump) write() {
	defer close(p.writing)
	for {
		select {
		case <-p.kick:
		case <-p.done:
			return
		}
		p.writeErr = p.writeFlight()
		p.mu.Lock()
		if p.owner != nil {
			p.owner.loop.Post(p.onWrote)
		}
		p.mu.Unlock()
	}
}

// writeFlight does what the loop handed over.
func (p *pump) writeFlight() error {
	for k := p.flight.head; k != nil; k = k.next {
		if _, err := p.nc.Write(k.buf[k.r:k.w]); err != nil {
			return err
		}
	}
	if p.shut {
		if cw, ok := p.nc.(closeWriter); ok {
			return cw.CloseWrite()
		}
	}
	return nil
}

// start hands queued output to the writer if it is idle.
func (p *pump) start(c *Conn) {
	if p.busy {
		return
	}
	if p.writing == nil {
		p.writing = make(chan struct{})
		go p.write()
	}
	p.busy, p.flight = true, c.out.take(pumpFlight)
	p.kick <- struct{}{}
}

// closeWrite has the writer send the end of the stream; false if nc cannot.
func (p *pump) closeWrite(c *Conn) bool {
	if _, ok := p.nc.(closeWriter); !ok {
		return false
	}
	p.shut = true
	p.start(c)
	return true
}

// pumpRead runs on the loop when the reader has something.
func (c *Conn) pumpRead() {
	if c.paused || c.state >= stateClosed {
		return
	}
	p := c.pump
	p.mu.Lock()
	ready, n, err := p.ready, p.n, p.readErr
	p.ready = false
	p.mu.Unlock()
	if !ready {
		return
	}
	c.loop.stats.Events++
	c.loop.current = c
	if n > 0 {
		c.received(p.buf[:n])
	}
	switch {
	case err == nil:
		p.more <- struct{}{}
	case c.paused || c.state == stateDetached:
		p.keepError(c)
	default:
		c.ended(err)
	}
	c.loop.current = nil
}

// keepError puts the reader's error back because c was paused or detached by
// the data before it. By now another loop may own the pump.
func (p *pump) keepError(c *Conn) {
	p.mu.Lock()
	p.n, p.ready = 0, true
	moved := p.owner != c
	p.mu.Unlock()
	if moved {
		p.resume()
	}
}

// pumpWrote runs on the loop when the writer has done its part.
func (c *Conn) pumpWrote() {
	if c.state >= stateClosed {
		return
	}
	p := c.pump
	c.loop.stats.Events++
	c.loop.stats.BytesOut += uint64(p.flight.size)
	p.flight.clear(&c.loop.chunks)
	p.busy = false
	if p.writeErr != nil {
		c.fail(p.writeErr)
		return
	}
	if c.out.size > 0 {
		p.start(c)
	}
	c.loop.current = c
	c.sent()
	c.loop.current = nil
}

// pumpGone runs on the loop when the pump's goroutines have ended.
func (c *Conn) pumpGone() {
	if c.loop.slots[c.slot].conn != c {
		return
	}
	c.pump.flight.clear(&c.loop.chunks)
	c.gone()
}
