package wire

import (
	"encoding/binary"

	"github.com/jackc/pgproto3/v2"

	"github.com/pgroute/pgroute/internal/pg"
)

// encode renders one message; what pgroute makes itself is far below the only
// limit that pgproto3 enforces, the length of a message.
func encode(dst []byte, m pgproto3.BackendMessage) []byte {
	out, err := m.Encode(dst)
	if err != nil {
		panic("wire: a message of pgroute's own is too long: " + err.Error())
	}
	return out
}

// AppendError renders a pg.Error as the ErrorResponse a client sees. It is
// the one place where that happens; the cause is left out. An error of a
// server's is passed as it came, unless its severity was changed.
func AppendError(dst []byte, e *pg.Error) []byte {
	if e.Body != nil && string(ErrorField(e.Body, 'V')) == string(e.Severity) {
		return append(AppendHeader(dst, ErrorResponse, len(e.Body)), e.Body...)
	}
	m := pgproto3.ErrorResponse{
		Severity:            string(e.Severity),
		SeverityUnlocalized: string(e.Severity),
		Code:                string(e.State),
		Message:             e.Message,
		Detail:              e.Detail,
		Hint:                e.Hint,
	}
	return encode(dst, &m)
}

// AppendNotice renders a NoticeResponse of severity NOTICE.
func AppendNotice(dst []byte, state pg.SQLState, message string) []byte {
	m := pgproto3.NoticeResponse{Severity: "NOTICE", SeverityUnlocalized: "NOTICE", Code: string(state), Message: message}
	return encode(dst, &m)
}

// AppendParameterStatus adds a ParameterStatus.
func AppendParameterStatus(dst []byte, name, value string) []byte {
	m := pgproto3.ParameterStatus{Name: name, Value: value}
	return encode(dst, &m)
}

// AppendAuthentication adds an Authentication request: its code (AUTH_REQ_ in
// src/include/libpq/pqcomm.h) and what follows that.
func AppendAuthentication(dst []byte, code int32, data []byte) []byte {
	dst = AppendHeader(dst, Authentication, 4+len(data))
	dst = binary.BigEndian.AppendUint32(dst, uint32(code))
	return append(dst, data...)
}

// oidText is the type of every column pgroute answers itself.
const oidText = 25

// AppendTextResult adds a result of text columns, from RowDescription to
// CommandComplete with that tag.
func AppendTextResult(dst []byte, columns []string, rows [][]string, tag string) []byte {
	dst = AppendTextColumns(dst, columns)
	dst = AppendTextRows(dst, rows)
	return AppendCommandComplete(dst, tag)
}

// AppendTextColumns adds a RowDescription of text columns.
func AppendTextColumns(dst []byte, columns []string) []byte {
	var d pgproto3.RowDescription
	for _, c := range columns {
		d.Fields = append(d.Fields, pgproto3.FieldDescription{
			Name: []byte(c), DataTypeOID: oidText, DataTypeSize: -1, TypeModifier: -1,
		})
	}
	return encode(dst, &d)
}

// AppendTextRows adds DataRows of text columns.
func AppendTextRows(dst []byte, rows [][]string) []byte {
	for _, row := range rows {
		var r pgproto3.DataRow
		for _, v := range row {
			r.Values = append(r.Values, []byte(v))
		}
		dst = encode(dst, &r)
	}
	return dst
}

// AppendCommandComplete adds a CommandComplete with that tag.
func AppendCommandComplete(dst []byte, tag string) []byte {
	return encode(dst, &pgproto3.CommandComplete{CommandTag: []byte(tag)})
}
