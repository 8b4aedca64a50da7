package faults

import (
	"encoding/binary"
	"fmt"
	"net"
	"regexp"
	"runtime"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/pgroute/pgroute/internal/lab"
)

// idleClients is how many sessions do nothing while others work.
const idleClients = 5000

// raiseFileLimit makes room for both ends of all connections: they are held
// by one process here.
func raiseFileLimit(t testing.TB, files uint64) {
	t.Helper()
	var limit unix.Rlimit
	if err := unix.Getrlimit(unix.RLIMIT_NOFILE, &limit); err != nil {
		t.Fatal(err)
	}
	if limit.Cur >= files {
		return
	}
	limit.Cur, limit.Max = files, max(files, limit.Max)
	if err := unix.Setrlimit(unix.RLIMIT_NOFILE, &limit); err != nil {
		t.Fatalf("%d files may be open, %d are needed: %v", limit.Cur, files, err)
	}
}

// bareClient logs in over a socket that costs this process nothing but a file
// descriptor, so that what memory grows by is pgroute's.
func bareClient(addr *net.TCPAddr) (fd int, err error) {
	fd, err = unix.Socket(unix.AF_INET, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return -1, err
	}
	to := &unix.SockaddrInet4{Port: addr.Port, Addr: [4]byte(addr.IP.To4())}
	if err := unix.Connect(fd, to); err != nil {
		return fd, err
	}
	packet := append(binary.BigEndian.AppendUint32(nil, 0), 0, 3, 0, 0)
	packet = append(packet, "user\x00postgres\x00database\x00postgres\x00\x00"...)
	binary.BigEndian.PutUint32(packet, uint32(len(packet)))
	if _, err := unix.Write(fd, packet); err != nil {
		return fd, err
	}
	return fd, awaitReady(fd)
}

// readyForQuery ends a login.
var readyForQuery = [6]byte{'Z', 0, 0, 0, 5, 'I'}

// awaitReady reads the answer to a login to its end.
func awaitReady(fd int) error {
	var buf [4096]byte
	for n := 0; ; {
		got, err := unix.Read(fd, buf[n:])
		if err == syscall.EINTR {
			continue
		}
		if err != nil || got == 0 {
			return fmt.Errorf("login ended with %v after %q", err, buf[:n])
		}
		if n += got; n >= len(readyForQuery) && [6]byte(buf[n-len(readyForQuery):n]) == readyForQuery {
			return nil
		}
	}
}

// held is the memory in use after a collection, in bytes.
func held() int64 {
	runtime.GC()
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int64(m.HeapInuse + m.StackInuse)
}

func TestIdleClientsCostLittleAndDisturbNobody(t *testing.T) {
	raiseFileLimit(t, 2*idleClients+1000)
	r := start(t, lab.Options{Standbys: 2})
	if out := <-r.pgbench("-i", "-q", "-s", "1"); figure(out, `done in ([0-9]+)`) < 0 {
		t.Fatal(out)
	}
	addr, err := net.ResolveTCPAddr("tcp", r.Addr)
	if err != nil {
		t.Fatal(err)
	}
	var fds []int
	t.Cleanup(func() {
		for _, fd := range fds {
			unix.Close(fd)
		}
	})
	open := func(n int) {
		for range n {
			fd, err := bareClient(addr)
			fds = append(fds, fd)
			if err != nil {
				t.Fatalf("client %d: %v", len(fds), err)
			}
		}
	}
	open(100) // what the first of them make pgroute allocate, it allocates once
	before := held()
	open(idleClients)
	perClient := (held() - before) / idleClients
	t.Logf("an idle client costs %d bytes of heap and stacks", perClient)
	if perClient > 6<<10 {
		t.Errorf("an idle client costs %d bytes", perClient)
	}
	out := <-r.pgbench("-n", "-c", "16", "-j", "2", "-t", "100", "-M", "prepared", "-S")
	if figure(out, `actually processed: ([0-9]+)`) != 1600 || regexp.MustCompile(`aborted|error`).MatchString(out) {
		t.Error(out)
	}
	if n := r.Server().Clients(); n < idleClients {
		t.Errorf("only %d clients are left", n)
	}
}
