package auth

import (
	"encoding/binary"
	"fmt"
	"io"
	"net"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/pgroute/pgroute/internal/pg"
)

// peer speaks just enough of the protocol to log in, on either side. It is
// written by hand so that nothing under test checks itself.
type peer struct {
	t *testing.T
	net.Conn
}

// newPeer bounds the connection's life by that of a login.
func newPeer(t *testing.T, c net.Conn) *peer {
	t.Helper()
	t.Cleanup(func() { _ = c.Close() })
	p := &peer{t, c}
	p.check(c.SetDeadline(time.Now().Add(20 * time.Second)))
	return p
}

// dial connects to a server and sends the startup packet.
func dial(t *testing.T, addr, user string) *peer {
	t.Helper()
	c, err := net.Dial("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	p := newPeer(t, c)
	body := "\x00\x03\x00\x00user\x00" + user + "\x00database\x00postgres\x00\x00"
	p.write(binary.BigEndian.AppendUint32(nil, uint32(4+len(body))), []byte(body))
	return p
}

// check ends the goroutine on an error. t.Fatal is for the test's own only.
func (p *peer) check(err error) {
	p.t.Helper()
	if err != nil {
		p.t.Error(err)
		runtime.Goexit()
	}
}

func (p *peer) write(parts ...[]byte) {
	p.t.Helper()
	for _, b := range parts {
		_, err := p.Write(b)
		p.check(err)
	}
}

// send writes one typed message.
func (p *peer) send(kind byte, body []byte) {
	p.t.Helper()
	p.write(append([]byte{kind}, binary.BigEndian.AppendUint32(nil, uint32(4+len(body)))...), body)
}

// receive reads one typed message.
func (p *peer) receive() (kind byte, body []byte) {
	p.t.Helper()
	var head [5]byte
	_, err := io.ReadFull(p, head[:])
	p.check(err)
	body = make([]byte, binary.BigEndian.Uint32(head[1:])-4)
	_, err = io.ReadFull(p, body)
	p.check(err)
	return head[0], body
}

// serverError is an ErrorResponse taken apart.
type serverError struct {
	state, message, detail string
}

func (e *serverError) Error() string { return e.state + " " + e.message + " " + e.detail }

func readError(body []byte) *serverError {
	var e serverError
	for field := range strings.SplitSeq(string(body), "\x00") {
		if field == "" {
			continue
		}
		switch field[0] {
		case 'C':
			e.state = field[1:]
		case 'M':
			e.message = field[1:]
		case 'D':
			e.detail = field[1:]
		}
	}
	return &e
}

// login plays the client's side against a real server with a, up to
// ReadyForQuery: some roles are refused only after AuthenticationOk.
func (p *peer) login(a *ServerAuth) error {
	p.t.Helper()
	authenticated := false
	for {
		kind, body := p.receive()
		switch {
		case kind == 'E':
			return readError(body)
		case kind == 'Z' && authenticated:
			return nil
		case authenticated:
			continue
		case kind != 'R':
			return fmt.Errorf("message of type %c before AuthenticationOk", kind)
		}
		msg, done, err := a.Respond(int32(binary.BigEndian.Uint32(body)), body[4:])
		if err != nil {
			return err
		}
		if authenticated = done; msg != nil {
			p.send('p', msg)
		}
	}
}

// serve plays the server's side for a real client with a, up to
// ReadyForQuery.
func (p *peer) serve(a *ClientAuth) error {
	p.t.Helper()
	var length [4]byte
	if _, err := io.ReadFull(p, length[:]); err != nil {
		return err
	}
	startup := make([]byte, binary.BigEndian.Uint32(length[:])-4)
	if _, err := io.ReadFull(p, startup); err != nil {
		return err
	}
	req, err := a.Start()
	for err == nil {
		p.send('R', append(binary.BigEndian.AppendUint32(nil, uint32(req.Code)), req.Data...))
		if req.Done {
			p.send('R', []byte{0, 0, 0, 0})
			p.send('Z', []byte{'I'})
			return nil
		}
		kind, body := p.receive()
		if kind != 'p' {
			return a.Unexpected(kind)
		}
		req, err = a.Step(body)
	}
	if e, ok := err.(*pg.Error); ok {
		p.send('E', fmt.Appendf(nil, "SFATAL\x00VFATAL\x00C%s\x00M%s\x00\x00", e.State, e.Message))
	}
	return err
}
