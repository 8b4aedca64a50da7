package config

import (
	"fmt"
	"slices"
	"strings"
)

// Problem is one mistake in the configuration.
type Problem struct {
	Origin string // "proxy.toml:12", an environment variable, a flag; "" for defaults
	Key    string // "pool.size"; "" when no key is meant
	Text   string // what is wrong and what to do
}

// String gives "origin: key: text".
func (p Problem) String() string {
	parts := slices.DeleteFunc([]string{p.Origin, p.Key, p.Text}, func(s string) bool { return s == "" })
	return strings.Join(parts, ": ")
}

// Problems is the error Load, Read and Parse return: all mistakes at once.
type Problems []Problem

// Error lists them, one per line.
func (ps Problems) Error() string {
	lines := make([]string, len(ps))
	for i, p := range ps {
		lines[i] = p.String()
	}
	return strings.Join(lines, "\n")
}

// add appends a problem.
func (ps *Problems) add(origin, key, format string, args ...any) {
	*ps = append(*ps, Problem{Origin: origin, Key: key, Text: fmt.Sprintf(format, args...)})
}
