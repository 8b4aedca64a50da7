//go:build !linux || netloop_portable

package netloop

import (
	"net"
	"time"
)

// poller is the portable wait: the loop serves no socket itself, pumps post
// everything, so it waits only for posts and for its timers.
type poller struct {
	signal chan struct{}
	timer  *time.Timer
}

// open prepares the poller.
func (p *poller) open(*Loop) error {
	p.signal = make(chan struct{}, 1)
	p.timer = time.NewTimer(time.Hour)
	p.timer.Stop()
	return nil
}

// close releases it.
func (p *poller) close() { p.timer.Stop() }

// wake ends a sleep; never blocks.
func (p *poller) wake() {
	select {
	case p.signal <- struct{}{}:
	default:
	}
}

// arm sets the time of the next wake-up for timers.
func (p *poller) arm(d time.Duration) { p.timer.Reset(max(d, 0)) }

// pending reports whether events are left: there are none here.
func (p *poller) pending() bool { return false }

// handleEvents has nothing to do.
func (l *Loop) handleEvents() {}

// wait sleeps until something was posted or a timer is due.
func (l *Loop) wait() error {
	if !l.prepareSleep() {
		return nil
	}
	select {
	case <-l.poll.signal:
	case <-l.poll.timer.C:
		l.due = true
	}
	l.awake()
	return nil
}

// socket stands for what only the poller's connections have.
type socket struct{}

func (socket) close()                 {}
func (socket) shutdown() bool         { return false }
func (socket) unixAddr(bool) net.Addr { return &net.UnixAddr{Net: "unix"} }

// takeSocket leaves every connection to a pump.
func takeSocket(net.Conn) (socket, bool, error) { return socket{}, false, nil }

// The methods below are reached only by connections without a pump, of which
// there are none here.

func (c *Conn) send([]byte) int       { return 0 }
func (c *Conn) send2(_, _ []byte) int { return 0 }
func (c *Conn) enroll() error         { return ErrNotOpen }
func (c *Conn) withdraw() error       { return ErrNotOpen }
func (c *Conn) push() bool            { return false }
func (c *Conn) updateMask()           {}

// readOnce delivers what the pump has ready.
func (c *Conn) readOnce() bool {
	c.pumpRead()
	return false
}

// receive is never reached: without a poller no TLSSocket has an owner.
func (s *TLSSocket) receive([]byte) (int, error) { return 0, errWouldBlock }
