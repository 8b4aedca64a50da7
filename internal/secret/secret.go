package secret

import (
	"crypto/subtle"
	"fmt"
	"io"
	"log/slog"
)

// Placeholder is what is printed instead of a secret.
const Placeholder = "[redacted]"

// Redacted hides the struct it is embedded in from fmt, log/slog and the
// text and JSON encoders.
type Redacted struct{}

// Format implements fmt.Formatter for every verb.
func (Redacted) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, Placeholder) }

// LogValue implements slog.LogValuer.
func (Redacted) LogValue() slog.Value { return slog.StringValue(Placeholder) }

// MarshalText implements encoding.TextMarshaler, which JSON uses as well.
func (Redacted) MarshalText() ([]byte, error) { return []byte(Placeholder), nil }

// Text is a string that must not be printed. The zero value is no secret.
type Text struct {
	Redacted
	s string
}

// New wraps s.
func New(s string) Text { return Text{s: s} }

// Reveal gives the string itself; the caller takes care where it goes.
func (t Text) Reveal() string { return t.s }

// IsZero reports whether there is no secret.
func (t Text) IsZero() bool { return t.s == "" }

// Equal compares in a time that does not tell where the texts differ.
func (t Text) Equal(o Text) bool {
	return subtle.ConstantTimeCompare([]byte(t.s), []byte(o.s)) == 1
}

// UnmarshalText implements encoding.TextUnmarshaler, for configuration files.
func (t *Text) UnmarshalText(b []byte) error {
	t.s = string(b)
	return nil
}
