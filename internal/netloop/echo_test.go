package netloop

import (
	"bytes"
	"io"
	"testing"
)

func TestEcho(t *testing.T) {
	overNetworks(t, func(t *testing.T, n network) {
		l := startLoop(t, Options{})
		near, far := n.pair(t)
		closed := make(chan error, 1)
		h := echo()
		h.closed = func(_ *Conn, err error) { closed <- err }
		l.attach(near, h)
		for _, size := range []int{1, 100, 4096, 70_000, 300_000} {
			exchange(t, far, bytes.Repeat([]byte{byte(size)}, size))
		}
		_ = far.Close()
		if err := wait(t, closed, "OnClose"); err != io.EOF {
			t.Errorf("OnClose was told %v, want io.EOF", err)
		}
	})
}
