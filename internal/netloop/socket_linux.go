//go:build linux && !netloop_portable

package netloop

import (
	"io"
	"net"
	"os"
	"syscall"
	"unsafe"

	"golang.org/x/sys/unix"
)

// socket is a descriptor in the loop's epoll set.
type socket struct {
	fd   int32
	mask uint32 // what the kernel was told to watch
	hung bool   // hang-up or error seen while reading was paused
}

// What the kernel watches a socket for.
const (
	maskRead  = unix.EPOLLIN | unix.EPOLLRDHUP
	maskWrite = unix.EPOLLOUT
	maskGone  = unix.EPOLLHUP | unix.EPOLLERR // reported whether asked for or not
	// maskAbsent stands for a socket that was taken out of the set because it
	// would report a hang-up over and over while nobody may read it.
	maskAbsent = ^uint32(0)
)

// takeSocket gives the loop a descriptor of its own for nc if it is a TCP or
// Unix stream socket; ok is false if it is something else. nc keeps its own
// descriptor: closing it takes it out of the Go runtime's poller.
func takeSocket(nc net.Conn) (s socket, ok bool, err error) {
	var raw syscall.RawConn
	switch v := nc.(type) {
	case *net.TCPConn:
		raw, err = v.SyscallConn()
	case *net.UnixConn:
		raw, err = v.SyscallConn()
	default:
		return socket{}, false, nil
	}
	if err != nil {
		return socket{}, true, err
	}
	fd, dupErr := -1, error(nil)
	err = raw.Control(func(orig uintptr) {
		fd, dupErr = unix.FcntlInt(orig, unix.F_DUPFD_CLOEXEC, 0)
	})
	if err == nil {
		err = os.NewSyscallError("fcntl", dupErr)
	}
	if err != nil {
		return socket{}, true, err
	}
	if _, isTCP := nc.(*net.TCPConn); isTCP {
		_ = unix.SetsockoptInt(fd, unix.IPPROTO_TCP, unix.TCP_NODELAY, 1)
	}
	return socket{fd: int32(fd), mask: maskAbsent}, true, nil
}

// close closes the descriptor, which also leaves the epoll set.
func (s *socket) close() {
	_ = unix.Close(int(s.fd))
	s.fd = -1
}

// shutdown sends the end of the stream.
func (s *socket) shutdown() bool { return unix.Shutdown(int(s.fd), unix.SHUT_WR) == nil }

// unixAddr asks the kernel for the name of either end of a Unix socket. A
// closed one has none.
func (s *socket) unixAddr(remote bool) net.Addr {
	name := unix.Getsockname
	if remote {
		name = unix.Getpeername
	}
	addr := &net.UnixAddr{Net: "unix"}
	if sa, err := name(int(s.fd)); err == nil {
		if u, ok := sa.(*unix.SockaddrUnix); ok {
			addr.Name = u.Name
		}
	}
	return addr
}

// wanted is the epoll mask that fits the connection's state.
func (c *Conn) wanted() uint32 {
	var mask uint32
	if !c.paused && !c.peerEnded {
		mask = maskRead
		c.sock.hung = false
	}
	switch {
	case c.out.size > 0:
		return mask | maskWrite
	case c.sock.hung:
		return maskAbsent
	}
	return mask
}

// enroll puts the socket into its loop's epoll set.
func (c *Conn) enroll() error {
	c.sock.mask, c.sock.hung = maskAbsent, false
	return c.setMask(c.wanted())
}

// withdraw takes it out.
func (c *Conn) withdraw() error { return c.setMask(maskAbsent) }

// updateMask tells the kernel what the connection waits for now.
func (c *Conn) updateMask() {
	if c.state >= stateClosed {
		return
	}
	if err := c.setMask(c.wanted()); err != nil {
		c.finish(err)
	}
}

// setMask changes the kernel's mask if it differs.
func (c *Conn) setMask(mask uint32) error {
	old := c.sock.mask
	if mask == old {
		return nil
	}
	op := unix.EPOLL_CTL_MOD
	switch {
	case old == maskAbsent:
		op = unix.EPOLL_CTL_ADD
	case mask == maskAbsent:
		op = unix.EPOLL_CTL_DEL
	}
	c.sock.mask = mask
	return c.loop.poll.control(op, int(c.sock.fd), mask, c.slot, c.loop.slots[c.slot].gen)
}

// handle serves one event. Output goes first: it frees memory, and may show
// that the connection is dead.
func (c *Conn) handle(events uint32) {
	if events&(maskWrite|maskGone) != 0 && c.out.size > 0 {
		c.flush()
	}
	if events&(maskRead|maskGone) == 0 || c.state >= stateClosed {
		return
	}
	if c.paused || c.peerEnded {
		// Level-triggered events would come back at once: stop watching.
		c.sock.hung = c.sock.hung || events&maskGone != 0
		c.loop.touch(c)
		return
	}
	c.readable(events)
}

// readable reads one buffer full. A short read emptied the kernel's buffer,
// so there is no second read to hear EAGAIN, unless the event says that the
// peer has ended: then the end is fetched right away.
func (c *Conn) readable(events uint32) {
	hangup := events&(maskGone|unix.EPOLLRDHUP) != 0
	if c.tls != nil {
		c.fetchTLS(hangup)
		return
	}
	more := c.readOnce()
	for more && hangup && c.state < stateClosed && !c.paused {
		more = c.readOnce()
	}
}

// readOnce reads into the shared buffer and delivers. It reports whether it
// makes sense to go on: data came, and less than the buffer holds.
func (c *Conn) readOnce() bool {
	if c.pump != nil {
		c.pumpRead()
		return false
	}
	if c.tls != nil {
		c.fetchTLS(true)
		return false
	}
	n, errno := recv(c.sock.fd, c.loop.buf)
	switch {
	case errno == unix.EAGAIN || errno == unix.EINTR:
	case errno != 0:
		c.ended(os.NewSyscallError("recv", errno))
	case n == 0:
		c.ended(io.EOF)
	default:
		c.received(c.loop.buf[:n])
		return n < len(c.loop.buf)
	}
	return false
}

// fetchTLS reads through the TLS layer what the kernel has.
func (c *Conn) fetchTLS(hangup bool) {
	c.tls.socket.idle, c.tls.socket.hangup = false, hangup
	c.readTLS()
}

// recv reads what there is, without waiting and without telling the Go
// scheduler.
func recv(fd int32, buf []byte) (int, syscall.Errno) {
	n, _, errno := syscall.RawSyscall6(unix.SYS_RECVFROM, uintptr(fd),
		uintptr(unsafe.Pointer(&buf[0])), uintptr(len(buf)), unix.MSG_DONTWAIT, 0, 0)
	if errno != 0 {
		return 0, errno
	}
	return int(n), 0
}

// receive reads for the TLS layer. A short read means that the kernel has no
// more, unless the event told of the peer's end, which is then still to come.
func (s *TLSSocket) receive(p []byte) (int, error) {
	if s.idle || s.left <= 0 || len(p) == 0 {
		return 0, errWouldBlock
	}
	n, errno := recv(s.owner.sock.fd, p)
	switch {
	case errno == unix.EAGAIN || errno == unix.EINTR:
		s.idle = true
		return 0, errWouldBlock
	case errno != 0:
		return 0, os.NewSyscallError("recv", errno)
	case n == 0:
		return 0, io.EOF
	}
	s.left -= n
	s.idle = n < len(p) && !s.hangup
	return n, nil
}

// sendFlags: never block, and no SIGPIPE.
const sendFlags = unix.MSG_DONTWAIT | unix.MSG_NOSIGNAL

// send offers p to the kernel and returns how much it took. After a failure
// the connection is no longer open.
func (c *Conn) send(p []byte) int {
	n, _, errno := syscall.RawSyscall6(unix.SYS_SENDTO, uintptr(c.sock.fd),
		uintptr(unsafe.Pointer(&p[0])), uintptr(len(p)), sendFlags, 0, 0)
	return c.accepted(n, errno)
}

// send2 offers two pieces at once.
func (c *Conn) send2(a, b []byte) int {
	var iov [2]unix.Iovec
	iov[0].Base, iov[1].Base = &a[0], &b[0]
	iov[0].SetLen(len(a))
	iov[1].SetLen(len(b))
	return c.sendv(iov[:])
}

// sendv offers several pieces at once.
func (c *Conn) sendv(iov []unix.Iovec) int {
	var msg unix.Msghdr
	msg.Iov = &iov[0]
	msg.SetIovlen(len(iov))
	n, _, errno := syscall.RawSyscall(unix.SYS_SENDMSG, uintptr(c.sock.fd),
		uintptr(unsafe.Pointer(&msg)), sendFlags)
	return c.accepted(n, errno)
}

// accepted judges what the kernel said to a send.
func (c *Conn) accepted(n uintptr, errno syscall.Errno) int {
	switch errno {
	case 0:
		c.loop.stats.BytesOut += uint64(n)
		return int(n)
	case unix.EAGAIN, unix.EINTR, unix.ENOBUFS:
	default:
		c.fail(os.NewSyscallError("send", errno))
	}
	return 0
}

// flushPieces is how many chunks one flush sends at most: a connection that
// drains fast must not keep the others waiting.
const flushPieces = 16

// flush sends queued output when there is room for it.
func (c *Conn) flush() {
	if !c.push() {
		return
	}
	if c.out.size == 0 {
		c.loop.touch(c)
	}
	c.sent()
}

// push offers queued output to the kernel and reports whether it took some.
func (c *Conn) push() bool {
	var iov [flushPieces]unix.Iovec
	pieces := 0
	for k := c.out.head; k != nil && pieces < flushPieces; k = k.next {
		iov[pieces].Base = &k.buf[k.r]
		iov[pieces].SetLen(int(k.w - k.r))
		pieces++
	}
	n := c.sendv(iov[:pieces])
	c.out.advance(&c.loop.chunks, n)
	return n > 0
}
