package pg

import "fmt"

// Severity is the S and V field of an ErrorResponse.
type Severity string

// Severities pgroute sends. After Fatal the connection ends.
const (
	SeverityError Severity = "ERROR"
	SeverityFatal Severity = "FATAL"
)

// Error is the only error type that reaches clients. It is made where the
// meaning is known and rendered in one place (internal/wire). State, Message,
// Detail and Hint go to the client; Cause is for the log and is never sent.
type Error struct {
	Severity Severity
	State    SQLState
	Message  string
	Detail   string
	Hint     string
	Cause    error
	// Body is what a server sent, byte for byte, if the error is a server's.
	Body []byte
	// LoggedIn: the server had let the client in before it gave this error.
	LoggedIn bool
	retry    bool
}

// Errorf makes an Error of severity ERROR, which leaves the session open.
func Errorf(state SQLState, format string, args ...any) *Error {
	return &Error{Severity: SeverityError, State: state, Message: fmt.Sprintf(format, args...)}
}

// Fatalf makes an Error of severity FATAL, after which the session is closed.
func Fatalf(state SQLState, format string, args ...any) *Error {
	return &Error{Severity: SeverityFatal, State: state, Message: fmt.Sprintf(format, args...)}
}

// WithHint sets the hint, one sentence that says what to do.
func (e *Error) WithHint(format string, args ...any) *Error {
	e.Hint = fmt.Sprintf(format, args...)
	return e
}

// WithCause sets the internal cause, which is logged and never sent.
func (e *Error) WithCause(err error) *Error {
	e.Cause = err
	return e
}

// NothingSent marks that no byte of the request reached a server.
func (e *Error) NothingSent() *Error {
	e.retry = true
	return e
}

// SafeToRetry reports whether the request can be repeated without any chance
// of running twice: true only when nothing was sent to a server.
func (e *Error) SafeToRetry() bool { return e.retry }

// Error gives SQLSTATE, message and cause, for logs.
func (e *Error) Error() string {
	if e.Cause != nil {
		return fmt.Sprintf("%s (SQLSTATE %s): %v", e.Message, e.State, e.Cause)
	}
	return fmt.Sprintf("%s (SQLSTATE %s)", e.Message, e.State)
}

// Unwrap gives the internal cause.
func (e *Error) Unwrap() error { return e.Cause }
