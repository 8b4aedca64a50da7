package backend

import (
	"encoding/binary"
	"fmt"
	"io"
	"net"

	"github.com/pgroute/pgroute/internal/pg"
	"github.com/pgroute/pgroute/internal/wire"
	"github.com/pgroute/pgroute/proxy/auth"
)

// handshake is the beginning of one server connection, on a goroutine of its
// own with a deadline set: startup packet, authentication, parameters, and a
// query for the defaults the router needs.
type handshake struct {
	conn net.Conn
	d    *dialled
	node string
	auth *auth.ServerAuth
	in   bool // the server has accepted the authentication
	buf  []byte
}

// maxHandshake bounds one message during a handshake, in bytes.
const maxHandshake = 64 << 10

// defaultsQuery asks for what Defaults holds. It runs before any client's
// statement; its names are qualified so that no search_path can capture them.
const defaultsQuery = OwnIsolation + "SELECT pg_catalog.current_setting('search_path'), " +
	"pg_catalog.current_setting('default_transaction_isolation'), " +
	"pg_catalog.current_setting('default_transaction_read_only'), session_user"

// run performs the handshake; errors of the server's are *pg.Error.
func (h *handshake) run(k Key) error {
	params := append([]string{"user", k.User, "database", k.Database}, h.d.base.Pairs()...)
	if _, err := h.conn.Write(wire.AppendStartup(nil, params)); err != nil {
		return fmt.Errorf("send startup packet: %w", err)
	}
	if err := h.untilReady(nil); err != nil {
		return err
	}
	if _, err := h.conn.Write(wire.AppendQuery(nil, defaultsQuery)); err != nil {
		return fmt.Errorf("ask for defaults: %w", err)
	}
	return h.untilReady(h.defaults)
}

// untilReady reads messages up to ReadyForQuery, giving rows to row.
func (h *handshake) untilReady(row func(body []byte)) error {
	for {
		typ, body, err := h.read()
		if err != nil {
			return err
		}
		switch typ {
		case wire.ReadyForQuery:
			return nil
		case wire.ErrorResponse:
			e := wire.ServerError(body)
			e.LoggedIn = h.in
			return e
		case wire.DataRow:
			if row != nil {
				row(body)
			}
		default:
			if err := h.note(typ, body); err != nil {
				return err
			}
		}
	}
}

// note takes the messages that carry something to keep.
func (h *handshake) note(typ byte, body []byte) error {
	switch typ {
	case wire.Authentication:
		return h.answer(body)
	case wire.ParameterStatus:
		if name, value, ok := wire.ParameterStatusFields(body); ok {
			h.d.reported = append(h.d.reported, Reported{string(name), string(value)})
		}
	case wire.BackendKeyData:
		if len(body) >= 8 {
			h.d.pid = binary.BigEndian.Uint32(body)
			h.d.secret = append([]byte(nil), body[4:]...)
		}
	}
	return nil
}

// answer takes one Authentication message.
func (h *handshake) answer(body []byte) error {
	if len(body) < 4 {
		return pg.Errorf(pg.ProtocolViolation, "server %s sent a short authentication request", h.node)
	}
	code := int32(binary.BigEndian.Uint32(body))
	h.in = code == auth.ReqOk
	msg, _, err := h.auth.Respond(code, body[4:])
	if err != nil || msg == nil {
		return err
	}
	if _, err := h.conn.Write(wire.AppendPassword(nil, msg)); err != nil {
		return fmt.Errorf("send authentication response: %w", err)
	}
	return nil
}

// defaults takes the row of defaultsQuery.
func (h *handshake) defaults(body []byte) {
	wire.DataRowColumns(body, func(i int, value []byte) {
		switch i {
		case 0:
			h.d.defaults.SearchPath = string(value)
		case 1:
			h.d.defaults.Isolation = string(value)
		case 2:
			h.d.defaults.ReadOnly = string(value) == "on"
		case 3:
			h.d.defaults.Role = string(value)
		}
	})
}

// read gives the next message; its body is valid until the next call.
func (h *handshake) read() (typ byte, body []byte, err error) {
	var header [wire.HeaderSize]byte
	if _, err := io.ReadFull(h.conn, header[:]); err != nil {
		return 0, nil, fmt.Errorf("read from server %s: %w", h.node, err)
	}
	typ, size, _ := wire.Header(header[:])
	if size < 0 || size > maxHandshake {
		return 0, nil, pg.Errorf(pg.ProtocolViolation, "server %s sent a message of impossible length", h.node)
	}
	n := size - wire.HeaderSize
	if cap(h.buf) < n {
		h.buf = make([]byte, n)
	}
	body = h.buf[:n]
	if _, err := io.ReadFull(h.conn, body); err != nil {
		return 0, nil, fmt.Errorf("read from server %s: %w", h.node, err)
	}
	return typ, body, nil
}
