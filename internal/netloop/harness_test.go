package netloop

import (
	"context"
	"crypto/ed25519"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"flag"
	"fmt"
	"io"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"runtime"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"
)

// TestMain fails the package when a test leaves a goroutine behind. Started by
// a benchmark, it plays the other ends instead.
func TestMain(m *testing.M) {
	flag.Parse()
	if *benchPeer == "" {
		goleak.VerifyTestMain(m)
		return
	}
	if err := playPeer(*benchPeer); err != nil {
		fmt.Fprintln(os.Stderr, "bench peer:", err)
		os.Exit(1)
	}
}

// patience bounds every wait of a test; it only ever passes when the test is
// going to fail.
const patience = 20 * time.Second

// funcs is a Handler made of functions; missing ones do nothing.
type funcs struct {
	data    func(c *Conn, p []byte)
	drained func(c *Conn)
	closed  func(c *Conn, err error)
}

func (h *funcs) OnData(c *Conn, p []byte) {
	if h.data != nil {
		h.data(c, p)
	}
}

func (h *funcs) OnDrained(c *Conn) {
	if h.drained != nil {
		h.drained(c)
	}
}

func (h *funcs) OnClose(c *Conn, err error) {
	if h.closed != nil {
		h.closed(c, err)
	}
}

// echo sends back what it gets.
func echo() *funcs { return &funcs{data: func(c *Conn, p []byte) { c.Write(p) }} }

// running is a loop in a goroutine of its own.
type running struct {
	*Loop
	t      testing.TB
	cancel context.CancelFunc
	ended  chan struct{}
	err    error
}

// startLoop runs a loop until the test ends.
func startLoop(t testing.TB, opts Options) *running {
	t.Helper()
	if opts.OnPanic == nil {
		opts.OnPanic = func(_ *Conn, v any, stack []byte) { t.Errorf("panic in callback: %v\n%s", v, stack) }
	}
	l, err := New(opts)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	r := &running{Loop: l, t: t, cancel: cancel, ended: make(chan struct{})}
	go func() {
		defer close(r.ended)
		r.err = l.Run(ctx)
	}()
	t.Cleanup(r.stop)
	return r
}

// stop ends the loop and waits for it.
func (r *running) stop() {
	r.cancel()
	wait(r.t, r.ended, "end of loop")
	if r.err != nil {
		r.t.Errorf("Run: %v", r.err)
	}
}

// do runs f on the loop and waits until it ran.
func (r *running) do(f func()) {
	r.t.Helper()
	done := make(chan struct{})
	if !r.Post(func() { defer close(done); f() }) {
		r.t.Fatal("the loop has ended")
	}
	wait(r.t, done, "posted function")
}

// attach gives nc to the loop.
func (r *running) attach(nc net.Conn, h Handler) *Conn {
	r.t.Helper()
	var c *Conn
	var err error
	r.do(func() { c, err = r.Attach(nc, h) })
	if err != nil {
		r.t.Fatal(err)
	}
	return c
}

// wait waits for ch with patience.
func wait[T any](t testing.TB, ch <-chan T, what string) T {
	t.Helper()
	select {
	case v := <-ch:
		return v
	case <-time.After(patience):
		buf := make([]byte, 1<<20)
		t.Fatalf("no %s in %v\n%s", what, patience, buf[:runtime.Stack(buf, true)])
		panic("unreachable")
	}
}

// network is a kind of connection every test of transports runs over.
type network struct {
	name      string
	encrypted bool
	pair      func(t testing.TB) (near, far net.Conn)
}

// networks lists the kinds: what the poller serves, and what a pump does.
func networks() []network {
	return []network{
		{"tcp", false, tcpPair},
		{"unix", false, unixPair},
		{"pump", false, func(t testing.TB) (net.Conn, net.Conn) {
			near, far := tcpPair(t)
			return wrapped{near.(*net.TCPConn)}, far
		}},
		{"tls", true, func(t testing.TB) (net.Conn, net.Conn) {
			near, far := tcpPair(t)
			return tlsPair(t, ForTLS(near), far)
		}},
		{"tlspump", true, func(t testing.TB) (net.Conn, net.Conn) {
			near, far := tcpPair(t)
			return tlsPair(t, near, far)
		}},
	}
}

// certificate makes a self-signed one.
var certificate = sync.OnceValue(func() tls.Certificate {
	pub, key, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		panic(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1), NotAfter: time.Now().Add(time.Hour)}
	der, err := x509.CreateCertificate(rand.Reader, template, template, pub, key)
	if err != nil {
		panic(err)
	}
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}
})

// tlsPair puts TLS over a pair. Handshakes block, as they do in goroutines
// of the control plane.
func tlsPair(t testing.TB, near, far net.Conn) (server, client *tls.Conn) {
	t.Helper()
	server = tls.Server(near, &tls.Config{Certificates: []tls.Certificate{certificate()}})
	client = tls.Client(far, &tls.Config{InsecureSkipVerify: true})
	done := make(chan error, 1)
	go func() { done <- server.Handshake() }()
	if err := client.Handshake(); err != nil {
		t.Fatal(err)
	}
	if err := wait(t, done, "handshake"); err != nil {
		t.Fatal(err)
	}
	return server, client
}

// rawConn is the TCP or Unix connection under nc.
func rawConn(nc net.Conn) net.Conn {
	if t, ok := nc.(*tls.Conn); ok {
		return t.NetConn()
	}
	return nc
}

// wrapped hides the type of a connection, so that it gets a pump.
type wrapped struct{ *net.TCPConn }

// overNetworks runs a test over every kind of connection.
func overNetworks(t *testing.T, f func(t *testing.T, n network)) {
	for _, n := range networks() {
		t.Run(n.name, func(t *testing.T) { f(t, n) })
	}
}

// tcpPair returns two connected TCP sockets.
func tcpPair(t testing.TB) (near, far net.Conn) {
	t.Helper()
	return pairOver(t, "tcp", "127.0.0.1:0")
}

// unixPair returns two connected Unix sockets.
func unixPair(t testing.TB) (near, far net.Conn) {
	t.Helper()
	// The name must fit a socket address, which t.TempDir may not.
	dir, err := os.MkdirTemp("", "nl")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	return pairOver(t, "unix", filepath.Join(dir, "s"))
}

func pairOver(t testing.TB, kind, addr string) (near, far net.Conn) {
	t.Helper()
	ln, err := net.Listen(kind, addr)
	if err != nil {
		t.Fatal(err)
	}
	defer ln.Close()
	accepted := make(chan net.Conn, 1)
	go func() {
		nc, err := ln.Accept()
		if err != nil {
			t.Error(err)
		}
		accepted <- nc
	}()
	if far, err = net.Dial(kind, ln.Addr().String()); err != nil {
		t.Fatal(err)
	}
	near = wait(t, accepted, "accept")
	_ = far.SetDeadline(time.Now().Add(patience))
	t.Cleanup(func() { _ = near.Close(); _ = far.Close() })
	return near, far
}

// exchange writes p to nc and expects it back.
func exchange(t testing.TB, nc net.Conn, p []byte) {
	t.Helper()
	if _, err := nc.Write(p); err != nil {
		t.Fatal(err)
	}
	got := make([]byte, len(p))
	if _, err := io.ReadFull(nc, got); err != nil {
		t.Fatal(err)
	}
	if string(got) != string(p) {
		t.Fatalf("echo differs: sent %d bytes %.40q, got %.40q", len(p), p, got)
	}
}

// expectEnd reads until the end of the stream and returns what came before.
func expectEnd(t testing.TB, nc net.Conn) []byte {
	t.Helper()
	got, err := io.ReadAll(nc)
	if err != nil {
		t.Fatalf("read to the end: %v", err)
	}
	return got
}

// isReset reports whether err is what a socket says when its peer is gone.
func isReset(err error) bool {
	var op *os.SyscallError
	return errors.As(err, &op)
}
