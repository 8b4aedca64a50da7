package netloop

import (
	"bufio"
	"flag"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// The benchmarks measure a relay, the bare bones of a proxy: clients and
// servers are in a second process (this test binary again), because what they
// cost would otherwise be mixed with what is measured, and because goroutines
// that talk to each other inside one process get by without the kernel's
// scheduler, which no proxy does. cpu-µs/op is the processor time of the
// relaying process alone.

// benchPeer makes the test binary play clients and servers, see playPeer.
var benchPeer = flag.String("netloop.peer", "", "internal: play the other ends of a relay at this address")

// benchMessage is the size in bytes of a message in either direction.
const benchMessage = 100

// playPeer dials clients and servers, half each, then for every number read
// from standard input makes that many round trips from clients through the relay to
// servers and back, and says so on standard output.
func playPeer(addr string) error {
	lines := bufio.NewScanner(os.Stdin)
	clients, err := readCount(lines)
	if err != nil {
		return err
	}
	conns := make([]net.Conn, 2*clients)
	for i := range conns {
		if conns[i], err = net.Dial("tcp", addr); err != nil {
			return err
		}
		if i%2 == 1 {
			go func() { _, _ = io.Copy(struct{ io.Writer }{conns[i]}, struct{ io.Reader }{conns[i]}) }()
		}
	}
	fmt.Println("ready")
	for {
		n, err := readCount(lines)
		if err != nil {
			return nil // the parent closed standard input
		}
		var wg sync.WaitGroup
		for i := range clients {
			share := n / clients
			if i < n%clients {
				share++
			}
			wg.Go(func() { pingPong(conns[2*i], share) })
		}
		wg.Wait()
		fmt.Println("done")
	}
}

// readCount reads a line with a number.
func readCount(lines *bufio.Scanner) (int, error) {
	if !lines.Scan() {
		return 0, io.EOF
	}
	return strconv.Atoi(lines.Text())
}

// pingPong makes n round trips.
func pingPong(nc net.Conn, n int) {
	var buf [benchMessage]byte
	for range n {
		if _, err := nc.Write(buf[:]); err != nil {
			panic(err)
		}
		if _, err := io.ReadFull(nc, buf[:]); err != nil {
			panic(err)
		}
	}
}

// relayBench runs one benchmark: join is given each client and its server.
func relayBench(b *testing.B, clients int, join func(client, server net.Conn)) {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		b.Fatal(err)
	}
	defer ln.Close()
	cmd := exec.Command(os.Args[0], "-netloop.peer="+ln.Addr().String())
	cmd.Stderr = os.Stderr
	in, err := cmd.StdinPipe()
	if err != nil {
		b.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		b.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { _ = in.Close(); _ = cmd.Wait() })
	fmt.Fprintln(in, clients)
	for range clients {
		client, err1 := ln.Accept()
		server, err2 := ln.Accept()
		if err1 != nil || err2 != nil {
			b.Fatal(err1, err2)
		}
		join(client, server)
	}
	answers := bufio.NewScanner(out)
	expectLine(b, answers, "ready")
	b.ReportAllocs()
	b.ResetTimer()
	before := cpuTime()
	fmt.Fprintln(in, b.N)
	expectLine(b, answers, "done")
	b.ReportMetric(float64((cpuTime()-before).Nanoseconds())/1e3/float64(b.N), "cpu-µs/op")
}

// expectLine waits for the peer's answer.
func expectLine(b *testing.B, s *bufio.Scanner, want string) {
	b.Helper()
	if !s.Scan() || strings.TrimSpace(s.Text()) != want {
		b.Fatalf("peer said %q, want %q", s.Text(), want)
	}
}

// cpuTime is the processor time this process has used.
func cpuTime() time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		panic(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// benchClients are the numbers of clients measured.
var benchClients = []int{1, 16, 100}

// BenchmarkRelay relays through a loop.
func BenchmarkRelay(b *testing.B) {
	for _, clients := range benchClients {
		b.Run(strconv.Itoa(clients), func(b *testing.B) {
			l := startLoop(b, Options{})
			relayBench(b, clients, func(client, server net.Conn) {
				var cc, sc *Conn
				cc = l.attach(client, &funcs{data: func(_ *Conn, p []byte) { sc.Write(p) }})
				sc = l.attach(server, &funcs{data: func(_ *Conn, p []byte) { cc.Write(p) }})
			})
		})
	}
}

// BenchmarkRelayGoroutine is the neighbour to compare with: a goroutine per
// connection and net.Conn.
func BenchmarkRelayGoroutine(b *testing.B) {
	for _, clients := range benchClients {
		b.Run(strconv.Itoa(clients), func(b *testing.B) {
			var wg sync.WaitGroup
			var all []net.Conn
			copyAll := func(dst, src net.Conn) {
				_, _ = io.Copy(struct{ io.Writer }{dst}, struct{ io.Reader }{src})
			}
			relayBench(b, clients, func(client, server net.Conn) {
				all = append(all, client, server)
				wg.Go(func() { copyAll(client, server) })
				wg.Go(func() { copyAll(server, client) })
			})
			for _, nc := range all {
				_ = nc.Close()
			}
			wg.Wait()
		})
	}
}
