package netloop

import (
	"errors"
	"fmt"
	"log/slog"
)

// Handler receives what happens to one Conn, always on the loop's goroutine.
type Handler interface {
	// OnData is given the bytes just read. They are valid during the call only,
	// and the handler may overwrite them.
	// The connection may be paused, closed or detached in it.
	OnData(c *Conn, p []byte)
	// OnDrained says that unsent output fell to the low-water mark after
	// Congested had been true: time to resume whoever feeds this connection.
	OnDrained(c *Conn)
	// OnClose comes exactly once and last; the descriptor is closed by then. err
	// is io.EOF when the peer ended, nil when this side asked for it (Close,
	// CloseAfterWrite, end of the loop), a *PanicError when the handler panicked,
	// otherwise the I/O error. A detached connection gets no OnClose.
	OnClose(c *Conn, err error)
}

// Options configure a Loop. The zero value takes every default.
type Options struct {
	// ReadBuffer is the size in bytes of the buffer all connections of the loop
	// read into, and so the most one connection is given per event: 64 KiB.
	ReadBuffer int
	// HighWater is the number of unsent bytes above which a connection is
	// congested (128 KiB), LowWater the number at which it no longer is (32 KiB).
	HighWater, LowWater int
	// Logger receives panics when OnPanic is nil.
	Logger *slog.Logger
	// OnPanic is told of a panic in a callback, on the loop's goroutine. c is nil
	// when the callback belonged to no connection: posted, deferred or timed.
	OnPanic func(c *Conn, v any, stack []byte)
}

// Defaults of Options.
const (
	defaultReadBuffer = 64 << 10
	defaultHighWater  = 128 << 10
	defaultLowWater   = 32 << 10
)

// withDefaults fills what the caller left at zero.
func (o Options) withDefaults() (Options, error) {
	if o.ReadBuffer == 0 {
		o.ReadBuffer = defaultReadBuffer
	}
	if o.HighWater == 0 {
		o.HighWater = defaultHighWater
	}
	if o.LowWater == 0 {
		o.LowWater = min(defaultLowWater, o.HighWater/4)
	}
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	if o.ReadBuffer < 0 || o.LowWater < 0 || o.LowWater > o.HighWater {
		return o, fmt.Errorf("netloop: bad sizes: read buffer %d, low water %d, high water %d",
			o.ReadBuffer, o.LowWater, o.HighWater)
	}
	return o, nil
}

// Errors a caller may want to recognise.
var (
	// ErrLoopEnded: the loop does not take connections any more.
	ErrLoopEnded = errors.New("netloop: the loop has ended")
	// ErrNotOpen: the connection is closed, closing or detached.
	ErrNotOpen = errors.New("netloop: the connection is not open")
	// ErrUnsent: output is still queued, so the connection cannot be detached.
	ErrUnsent = errors.New("netloop: output is unsent")
)

// PanicError is what OnClose receives when the handler of the connection
// panicked. Its text holds the panic value but not the stack.
type PanicError struct {
	Value any
	Stack []byte
}

// Error implements error.
func (e *PanicError) Error() string { return fmt.Sprintf("netloop: handler panicked: %v", e.Value) }
