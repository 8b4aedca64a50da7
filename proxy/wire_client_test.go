package proxy_test

import (
	"bufio"
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"io"
	"net"
	"regexp"
	"strings"
	"time"

	"github.com/jackc/pgproto3/v2"
)

// wireClient is one session of a script: a bare connection that keeps
// everything it receives.
type wireClient struct {
	name  string
	conn  net.Conn
	in    *bufio.Reader
	pid   uint32
	key   []byte
	got   []string // what was received, masked
	masks []*regexp.Regexp
}

// wireLimit bounds what one session of a script takes.
const wireLimit = 10 * time.Second

// message is one message of the server's.
type message struct {
	typ  byte
	body []byte
}

// dialWire opens a session with those startup parameters and reads up to the
// end of its login, be it ReadyForQuery or an error.
func dialWire(name, addr string, params map[string]string) (*wireClient, error) {
	c, err := dialBare(name, addr)
	if err != nil {
		return nil, err
	}
	packet, err := encode(&pgproto3.StartupMessage{ProtocolVersion: pgproto3.ProtocolVersionNumber, Parameters: params})
	if err != nil {
		return nil, err
	}
	if _, err := c.conn.Write(packet); err != nil {
		return nil, err
	}
	for {
		m, err := c.receive()
		if err != nil || m.typ == 'Z' || m.typ == 'E' {
			return c, err
		}
	}
}

// dialBare opens a connection and sends nothing.
func dialBare(name, addr string) (*wireClient, error) {
	conn, err := net.Dial("tcp", addr)
	if err != nil {
		return nil, err
	}
	c := &wireClient{name: name, conn: conn, in: bufio.NewReader(conn)}
	return c, conn.SetDeadline(time.Now().Add(wireLimit))
}

// read takes one message from the connection.
func (c *wireClient) read() (message, error) {
	var header [5]byte
	if _, err := io.ReadFull(c.in, header[:]); err != nil {
		return message{}, err
	}
	body := make([]byte, binary.BigEndian.Uint32(header[1:])-4)
	_, err := io.ReadFull(c.in, body)
	return message{header[0], body}, err
}

// receive reads one message and keeps it.
func (c *wireClient) receive() (message, error) {
	m, err := c.read()
	if err != nil {
		return m, err
	}
	if m.typ == 'K' {
		c.pid, c.key = binary.BigEndian.Uint32(m.body), m.body[4:]
	}
	c.got = append(c.got, c.name+" "+c.render(m))
	return m, nil
}

// until reads up to the nth message of a type. An error in the login or a
// connection that ends is part of what was received.
func (c *wireClient) until(name string, n int) error {
	for n > 0 {
		m, err := c.receive()
		if err != nil {
			return fmt.Errorf("waiting for %s: %w", name, err)
		}
		if typeNames[m.typ] == name {
			n--
		}
	}
	return nil
}

// drain reads up to the end of the connection.
func (c *wireClient) drain() error {
	for {
		if _, err := c.receive(); err != nil {
			if ne, ok := err.(net.Error); ok && ne.Timeout() {
				return fmt.Errorf("the connection does not end: %w", err)
			}
			c.got = append(c.got, c.name+" end")
			return nil
		}
	}
}

// cancel sends a CancelRequest for the session.
func (c *wireClient) cancel(key []byte) error {
	conn, err := net.Dial("tcp", c.conn.RemoteAddr().String())
	if err != nil {
		return err
	}
	defer conn.Close()
	packet := binary.BigEndian.AppendUint32(nil, uint32(12+len(key)))
	packet = binary.BigEndian.AppendUint32(packet, 80877102)
	packet = binary.BigEndian.AppendUint32(packet, c.pid)
	if _, err := conn.Write(append(packet, key...)); err != nil {
		return err
	}
	_ = conn.SetDeadline(time.Now().Add(limit))
	_, err = io.ReadAll(conn)
	return err
}

// maxShown is the length up to which a message is kept readable.
const maxShown = 400

// render masks a message and gives its type and every byte of it.
func (c *wireClient) render(m message) string {
	body := c.mask(m)
	for _, re := range c.masks {
		body = re.ReplaceAll(body, []byte("<masked>"))
	}
	shown := fmt.Sprintf("%s %q", typeNames[m.typ], body)
	if len(shown) > maxShown {
		shown = fmt.Sprintf("%s… %d bytes, sha256 %x", shown[:maxShown], len(body), sha256.Sum256(body))
	}
	return shown
}

// firstUserOID is where the OIDs of what users make begin
// (FirstNormalObjectId in src/include/access/transam.h).
const firstUserOID = 16384

// mask replaces what may differ: cancel keys, PIDs (but for "the session's
// own"), OIDs of what the script itself made.
func (c *wireClient) mask(m message) []byte {
	body := bytes.Clone(m.body)
	switch m.typ {
	case 'K':
		return []byte("key")
	case 'A':
		who := "other"
		if binary.BigEndian.Uint32(body) == c.pid {
			who = "self"
		}
		return append([]byte(who), body[4:]...)
	case 't':
		for p := body[2:]; len(p) >= 4; p = p[4:] {
			maskOID(p)
		}
	case 'T':
		p := body[2:]
		for len(p) > 0 {
			p = p[bytes.IndexByte(p, 0)+1:]
			maskOID(p)
			maskOID(p[6:])
			p = p[18:]
		}
	}
	return body
}

func maskOID(p []byte) {
	if binary.BigEndian.Uint32(p) >= firstUserOID {
		binary.BigEndian.PutUint32(p, firstUserOID)
	}
}

// difference gives the first difference of two transcripts with what comes
// before it; empty when there is none.
func difference(direct, proxied []string) string {
	for i := 0; i < len(direct) || i < len(proxied); i++ {
		d, p := "nothing", "nothing"
		if i < len(direct) {
			d = direct[i]
		}
		if i < len(proxied) {
			p = proxied[i]
		}
		if d != p {
			before := direct[max(0, i-4):min(i, len(direct))]
			return fmt.Sprintf("after\n\t%s\ndirect:\n\t%s\nthrough pgroute:\n\t%s", strings.Join(before, "\n\t"), d, p)
		}
	}
	return ""
}
