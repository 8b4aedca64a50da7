package auth

import (
	"errors"
	"fmt"

	"github.com/pgroute/pgroute/internal/pg"
)

// fatal makes an authentication error; each of them ends the connection.
// detail is what PostgreSQL sends as DETAIL; "" means none.
func fatal(state pg.SQLState, message, detail string) *pg.Error {
	e := pg.Fatalf(state, "%s", message)
	if detail != "" {
		return e.WithCause(errors.New(detail))
	}
	return e
}

// malformed is PostgreSQL's answer to a SCRAM message that does not parse.
func malformed(format string, args ...any) *pg.Error {
	e := fatal(pg.ProtocolViolation, "malformed SCRAM message", fmt.Sprintf(format, args...))
	e.Detail = fmt.Sprintf(format, args...)
	return e
}

// passwordFailed is all a client learns about a login that did not succeed,
// whatever the reason (auth_failed in src/backend/libpq/auth.c). The reason
// goes to the log only.
func passwordFailed(user, reason string) *pg.Error {
	return fatal(pg.InvalidPassword, fmt.Sprintf(`password authentication failed for user "%s"`, user), reason)
}

// showByte prints one byte of a client's message as sanitize_char does.
func showByte(s string) string {
	if s == "" {
		return "0x00" // the terminator C code finds there
	}
	if c := s[0]; c < 0x21 || c > 0x7e {
		return fmt.Sprintf("0x%02x", c)
	}
	return "'" + s[:1] + "'"
}

// showText prints a value from a client's message as sanitize_str does: at
// most 30 bytes, each outside printable ASCII as a question mark.
func showText(s string) string {
	const limit = 30
	out := []byte(s[:min(len(s), limit)])
	for i, c := range out {
		if c < 0x21 || c > 0x7e {
			out[i] = '?'
		}
	}
	return string(out)
}
