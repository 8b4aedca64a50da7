package netloop

import (
	"bytes"
	"crypto/tls"
	"io"
	"net"
	"testing"
)

// servedTLS returns a TLS connection as the loop wants it, and its peer.
func servedTLS(t *testing.T) (near, far *tls.Conn) {
	t.Helper()
	a, b := tcpPair(t)
	return tlsPair(t, ForTLS(a), b)
}

// TestTLSDeliversWhatCameWithTheHandshake: records that crypto/tls has read
// before Attach make no event.
func TestTLSDeliversWhatCameWithTheHandshake(t *testing.T) {
	l := startLoop(t, Options{})
	near, far := servedTLS(t)
	for _, s := range []string{"one ", "two ", "three"} {
		if _, err := far.Write([]byte(s)); err != nil {
			t.Fatal(err)
		}
	}
	if n, err := near.Read(make([]byte, 2)); n != 2 || err != nil {
		t.Fatalf("read %d bytes before Attach: %v", n, err)
	}
	got := make(chan string, 10)
	l.attach(near, &funcs{data: func(_ *Conn, p []byte) { got <- string(p) }})
	var all string
	for len(all) < len("e two three") {
		all += wait(t, got, "buffered input")
	}
	if all != "e two three" {
		t.Errorf("got %q", all)
	}
}

// TestTLSPausedRecordsAreNotForgotten: a pause in the middle of what one read
// brought leaves records inside crypto/tls, where no event tells of them.
func TestTLSPausedRecordsAreNotForgotten(t *testing.T) {
	l := startLoop(t, Options{})
	near, far := servedTLS(t)
	got := make(chan string, 10)
	c := l.attach(near, &funcs{data: func(c *Conn, p []byte) {
		c.PauseRead()
		got <- string(p)
	}})
	l.do(func() { // all records arrive before the loop can read
		for _, s := range []string{"one", "two", "three"} {
			if _, err := far.Write([]byte(s)); err != nil {
				t.Error(err)
			}
		}
	})
	for _, want := range []string{"one", "two", "three"} {
		if s := wait(t, got, "record"); s != want {
			t.Errorf("got %q, want %q", s, want)
		}
		settleLoop(l)
		if len(got) > 0 {
			t.Error("data while paused")
		}
		l.do(c.ResumeRead)
	}
}

// TestTLSGarbageEndsTheConnection with the error of crypto/tls, and the peer
// is sent an alert.
func TestTLSGarbageEndsTheConnection(t *testing.T) {
	l := startLoop(t, Options{})
	near, far := servedTLS(t)
	closed := make(chan error, 1)
	l.attach(near, &funcs{
		data:   func(_ *Conn, p []byte) { t.Errorf("garbage was delivered: %q", p) },
		closed: func(_ *Conn, err error) { closed <- err },
	})
	record := append([]byte{23, 3, 3, 0, 32}, make([]byte, 32)...)
	if _, err := far.NetConn().Write(record); err != nil {
		t.Fatal(err)
	}
	if err := wait(t, closed, "OnClose"); err == nil || err == io.EOF {
		t.Errorf("OnClose was told %v, want an error of crypto/tls", err)
	}
	if _, err := far.Read(make([]byte, 1)); err == nil || err == io.EOF {
		t.Errorf("the peer read %v, want an alert", err)
	}
}

// TestTLSCloseSaysGoodbye: the peer can tell an orderly end from a cut.
func TestTLSCloseSaysGoodbye(t *testing.T) {
	l := startLoop(t, Options{})
	near, far := servedTLS(t)
	c := l.attach(near, &funcs{})
	l.do(c.Close)
	raw, err := io.ReadAll(far.NetConn())
	if err != nil || len(raw) < 6 || raw[0] != 23 {
		t.Errorf("the peer received %d bytes (%v), want an encrypted alert", len(raw), err)
	}
}

// TestTLSSocketWithoutTLS is served like the socket it wraps.
func TestTLSSocketWithoutTLS(t *testing.T) {
	l := startLoop(t, Options{})
	near, far := tcpPair(t)
	c := l.attach(net.Conn(ForTLS(near)), echo())
	exchange(t, far, bytes.Repeat([]byte("plain"), 1000))
	l.do(func() { c.CloseAfterWrite(patience) })
	expectEnd(t, far)
}
