package wire

import (
	"bytes"

	"github.com/pgroute/pgroute/internal/pg"
)

// ErrorField reads one field ('C' SQLSTATE, 'M' message, 'S' severity, …) of
// the body of an ErrorResponse or NoticeResponse, which may be cut short; nil
// when the field is not there.
func ErrorField(body []byte, field byte) []byte {
	for len(body) > 0 && body[0] != 0 {
		value, rest, ok := CString(body[1:])
		if !ok {
			return nil
		}
		if body[0] == field {
			return value
		}
		body = rest
	}
	return nil
}

// ErrorState reads the SQLSTATE of an ErrorResponse's body.
func ErrorState(body []byte) pg.SQLState { return pg.SQLState(ErrorField(body, 'C')) }

// ServerError turns an ErrorResponse's body into a pg.Error, for errors that
// a server gave pgroute itself rather than a client.
func ServerError(body []byte) *pg.Error {
	e := pg.Errorf(ErrorState(body), "%s", ErrorField(body, 'M'))
	if sev := ErrorField(body, 'V'); sev != nil {
		e.Severity = pg.Severity(sev)
	}
	e.Detail, e.Hint = string(ErrorField(body, 'D')), string(ErrorField(body, 'H'))
	if bytes.HasSuffix(body, []byte{0, 0}) { // it is whole
		e.Body = bytes.Clone(body)
	}
	return e
}

// AppendRenamedError adds an ErrorResponse with the body of another in whose
// message a name, between whatever quotes, is replaced; nil when the message
// does not show the name or the body is not whole.
func AppendRenamedError(dst, body []byte, from, to string) []byte {
	at := bytes.Index(body, []byte(from)) // severity and SQLSTATE, in front, hold no names
	if at < 0 || body[len(body)-1] != 0 {
		return nil
	}
	dst = AppendHeader(dst, ErrorResponse, len(body)-len(from)+len(to))
	dst = append(dst, body[:at]...)
	dst = append(dst, to...)
	return append(dst, body[at+len(from):]...)
}

// ParameterStatusFields reads the name and value of a ParameterStatus body.
func ParameterStatusFields(body []byte) (name, value []byte, ok bool) {
	name, rest, ok := CString(body)
	if !ok {
		return nil, nil, false
	}
	value, _, ok = CString(rest)
	return name, value, ok
}

// DataRowColumns calls f with each column of a DataRow body, nil for NULL,
// and reports whether the body was well formed. Lengths are checked against
// the body before they are used.
func DataRowColumns(body []byte, f func(i int, value []byte)) bool {
	if len(body) < 2 {
		return false
	}
	n := int(body[0])<<8 | int(body[1])
	body = body[2:]
	for i := range n {
		if len(body) < 4 {
			return false
		}
		size := int32(uint32(body[0])<<24 | uint32(body[1])<<16 | uint32(body[2])<<8 | uint32(body[3]))
		body = body[4:]
		if size < 0 {
			f(i, nil)
			continue
		}
		if int(size) > len(body) {
			return false
		}
		f(i, body[:size:size])
		body = body[size:]
	}
	return len(body) == 0
}
