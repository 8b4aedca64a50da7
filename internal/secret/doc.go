// Package secret keeps passwords, verifiers and keys out of everything that
// is printed: logs, error texts, metrics, configuration dumps, panics that
// show a value.
//
// Text wraps a string. Redacted is embedded by structs that hold secrets, so
// that fmt, log/slog and the text and JSON encoders see a fixed word instead
// of the fields. fmt cannot call methods of unexported fields, which is why a
// struct that merely contains a redacting field must redact itself as well.
//
// ReadFile reads a file of secrets, after a look at who else may read it; it
// is the only I/O here. The package does not try to wipe memory: the garbage
// collector may have copied a value before anybody could erase it.
package secret
