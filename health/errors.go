package health

import (
	"context"
	"errors"
	"net"
	"strings"

	"github.com/jackc/pgx/v5/pgconn"
)

// SQLSTATEs that say that asking again will not help.
var deniedStates = [...]string{"42501", "28000", "28P01", "0A000"}

// denied reports whether the server refused for lack of a right.
func denied(err error) bool {
	var pgErr *pgconn.PgError
	if !errors.As(err, &pgErr) {
		return false
	}
	for _, s := range deniedStates {
		if pgErr.Code == s {
			return true
		}
	}
	return false
}

// timedOut reports whether the node was silent rather than gone.
func timedOut(err error) bool {
	var netErr net.Error
	return errors.Is(err, context.DeadlineExceeded) || errors.As(err, &netErr) && netErr.Timeout()
}

// describe turns an error into one short line for logs and the status page.
// Of pgconn's connect errors only the cause is kept: the rest repeats user and
// database. Passwords are in none of them.
func describe(err error) string {
	var pgErr *pgconn.PgError
	switch {
	case errors.As(err, &pgErr):
		return pgErr.Message + " (SQLSTATE " + pgErr.Code + ")"
	case timedOut(err):
		return "no answer within the timeout"
	}
	var connErr *pgconn.ConnectError
	text := err.Error()
	if errors.As(err, &connErr) && connErr.Unwrap() != nil {
		text = connErr.Unwrap().Error()
	}
	return strings.Join(strings.Fields(text), " ")
}
