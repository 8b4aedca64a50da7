//go:build linux && !netloop_portable

package netloop

import (
	"errors"
	"fmt"
	"os"
	"syscall"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"
)

// batchSize is the most events collected by one wait.
const batchSize = 256

// Slots of the descriptors that are not connections.
const (
	slotWake  = -1
	slotTimer = -2
)

// poller is the loop's epoll set. Besides the connections it holds an eventfd
// for wake-ups and a timerfd for the earliest timer. Both are edge-triggered:
// each write and each expiry makes one event, and nobody needs to read them.
// With the timers in a descriptor the loop never has to read the clock to
// know how long it may sleep.
type poller struct {
	epoll, event, timer int
	events              [batchSize]unix.EpollEvent
	n, next             int // events collected, events handed out
}

// open makes the descriptors.
func (p *poller) open(*Loop) error {
	p.epoll, p.event, p.timer = -1, -1, -1
	err := p.openAll()
	if err != nil {
		p.close()
		return fmt.Errorf("netloop: open poller: %w", err)
	}
	return nil
}

func (p *poller) openAll() (err error) {
	if p.epoll, err = unix.EpollCreate1(unix.EPOLL_CLOEXEC); err != nil {
		return os.NewSyscallError("epoll_create1", err)
	}
	if p.event, err = unix.Eventfd(0, unix.EFD_NONBLOCK|unix.EFD_CLOEXEC); err != nil {
		return os.NewSyscallError("eventfd", err)
	}
	if p.timer, err = unix.TimerfdCreate(unix.CLOCK_MONOTONIC, unix.TFD_NONBLOCK|unix.TFD_CLOEXEC); err != nil {
		return os.NewSyscallError("timerfd_create", err)
	}
	return errors.Join(
		p.control(unix.EPOLL_CTL_ADD, p.event, unix.EPOLLIN|unix.EPOLLET, slotWake, 0),
		p.control(unix.EPOLL_CTL_ADD, p.timer, unix.EPOLLIN|unix.EPOLLET, slotTimer, 0),
	)
}

// close releases what is open. It may be called again.
func (p *poller) close() {
	for _, fd := range []*int{&p.epoll, &p.event, &p.timer} {
		if *fd >= 0 {
			_ = unix.Close(*fd)
			*fd = -1
		}
	}
}

// wake makes the current or next wait return.
func (p *poller) wake() {
	one := uint64(1)
	_, _, _ = syscall.RawSyscall(unix.SYS_WRITE, uintptr(p.event), uintptr(unsafe.Pointer(&one)), 8)
}

// arm sets the time of the next wake-up for timers.
func (p *poller) arm(d time.Duration) {
	// Zero would disarm.
	spec := unix.ItimerSpec{Value: unix.NsecToTimespec(int64(max(d, 1)))}
	_ = unix.TimerfdSettime(p.timer, 0, &spec, nil)
}

// control changes the epoll set. slot and gen come back with each event.
func (p *poller) control(op, fd int, mask uint32, slot int32, gen uint32) error {
	ev := unix.EpollEvent{Events: mask, Fd: slot, Pad: int32(gen)}
	_, _, errno := syscall.RawSyscall6(unix.SYS_EPOLL_CTL, uintptr(p.epoll), uintptr(op), uintptr(fd),
		uintptr(unsafe.Pointer(&ev)), 0, 0)
	if errno != 0 {
		return os.NewSyscallError("epoll_ctl", errno)
	}
	return nil
}

// collect asks for events without sleeping, and without telling the Go
// scheduler, which would cost more than the call.
func (p *poller) collect() syscall.Errno {
	n, _, errno := syscall.RawSyscall6(unix.SYS_EPOLL_PWAIT, uintptr(p.epoll),
		uintptr(unsafe.Pointer(&p.events)), batchSize, 0, 0, 0)
	return p.collected(n, errno)
}

// sleep waits for events.
func (p *poller) sleep() syscall.Errno {
	n, _, errno := syscall.Syscall6(unix.SYS_EPOLL_PWAIT, uintptr(p.epoll),
		uintptr(unsafe.Pointer(&p.events)), batchSize, ^uintptr(0), 0, 0)
	return p.collected(n, errno)
}

func (p *poller) collected(n uintptr, errno syscall.Errno) syscall.Errno {
	p.next, p.n = 0, int(n)
	if errno != 0 {
		p.n = 0
	}
	if errno == unix.EINTR {
		return 0
	}
	return errno
}

// pending reports whether collected events are left.
func (p *poller) pending() bool { return p.next < p.n }

// wait collects a batch of events, sleeping only when there is nothing to do.
func (l *Loop) wait() error {
	p := &l.poll
	if errno := p.collect(); p.n > 0 || errno != 0 {
		return waitError(errno)
	}
	if !l.prepareSleep() {
		return nil
	}
	errno := p.sleep()
	l.awake()
	return waitError(errno)
}

// waitError names the failed call.
func waitError(errno syscall.Errno) error {
	if errno == 0 {
		return nil
	}
	return os.NewSyscallError("epoll_pwait", errno)
}

// handleEvents gives the collected events to their connections. When a
// handler panics it returns early and is called again for the rest: one
// recovery point per batch instead of one per event.
func (l *Loop) handleEvents() {
	defer l.recovered()
	p := &l.poll
	for p.next < p.n {
		ev := &p.events[p.next]
		p.next++
		if ev.Fd < 0 {
			l.due = l.due || ev.Fd == slotTimer
			continue
		}
		s := &l.slots[ev.Fd]
		if s.conn == nil || s.gen != uint32(ev.Pad) {
			continue // closed or detached earlier in this batch
		}
		l.stats.Events++
		l.current = s.conn
		s.conn.handle(ev.Events)
	}
	l.current = nil
}
