package wire

import "encoding/binary"

// begin adds a header whose length is filled in by finish.
func begin(dst []byte, typ byte) ([]byte, int) {
	dst = append(dst, typ, 0, 0, 0, 0)
	return dst, len(dst) - 4
}

func finish(dst []byte, at int) []byte {
	binary.BigEndian.PutUint32(dst[at:], uint32(len(dst)-at))
	return dst
}

func appendCString(dst []byte, s string) []byte {
	return append(append(dst, s...), 0)
}

// AppendHeader adds a header for a body of bodySize bytes that the caller
// sends behind it.
func AppendHeader(dst []byte, typ byte, bodySize int) []byte {
	dst = append(dst, typ)
	return binary.BigEndian.AppendUint32(dst, uint32(bodySize+4))
}

// AppendEmpty adds a message without a body: Sync, Flush, Terminate, …
func AppendEmpty(dst []byte, typ byte) []byte {
	return append(dst, typ, 0, 0, 0, 4)
}

// AppendQuery adds a simple Query.
func AppendQuery(dst []byte, sql string) []byte {
	dst, at := begin(dst, Query)
	return finish(appendCString(dst, sql), at)
}

// AppendParse adds a Parse; tail is what follows the statement's name in the
// message body: the text, a zero byte, and the parameter types.
func AppendParse(dst []byte, name string, tail []byte) []byte {
	dst, at := begin(dst, Parse)
	dst = appendCString(dst, name)
	return finish(append(dst, tail...), at)
}

// AppendBindPlain adds a Bind of a statement without parameters, with results
// as text.
func AppendBindPlain(dst []byte, portal, statement string) []byte {
	dst = AppendHeader(dst, Bind, len(portal)+len(statement)+8)
	dst = append(append(dst, portal...), 0)
	dst = append(append(dst, statement...), 0)
	return append(dst, 0, 0, 0, 0, 0, 0)
}

// AppendCloseStatement adds a Close of a prepared statement.
func AppendCloseStatement(dst []byte, name string) []byte {
	dst, at := begin(dst, Close)
	return finish(appendCString(append(dst, 'S'), name), at)
}

// AppendReadyForQuery adds a ReadyForQuery with that transaction status.
func AppendReadyForQuery(dst []byte, tx byte) []byte {
	return append(dst, ReadyForQuery, 0, 0, 0, 5, tx)
}

// AppendStartup adds a startup packet for protocol 3.0 with those parameters,
// given as name, value, name, value.
func AppendStartup(dst []byte, params []string) []byte {
	at := len(dst)
	dst = append(dst, 0, 0, 0, 0)
	dst = binary.BigEndian.AppendUint32(dst, Protocol30)
	for _, s := range params {
		dst = appendCString(dst, s)
	}
	return finish(append(dst, 0), at)
}

// AppendCancel adds a CancelRequest packet.
func AppendCancel(dst []byte, pid uint32, key []byte) []byte {
	dst = binary.BigEndian.AppendUint32(dst, uint32(12+len(key)))
	dst = binary.BigEndian.AppendUint32(dst, CancelCode)
	dst = binary.BigEndian.AppendUint32(dst, pid)
	return append(dst, key...)
}

// AppendPassword adds a PasswordMessage or SASL message with that body.
func AppendPassword(dst, body []byte) []byte {
	return append(AppendHeader(dst, Password, len(body)), body...)
}
