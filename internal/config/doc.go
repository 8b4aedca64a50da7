// Package config turns proxy.toml, PGROUTE_* environment variables and command
// line flags into one validated, immutable Config.
//
// Later sources win: built-in defaults, the file, the environment, flags. A
// mistake anywhere fails the whole: all of them are reported together, each with
// where it stands and what to do. There is no half-applied configuration, so
// a reload that fails leaves the old value in force.
//
// Every key is a field of a struct here, whose tags say its name in the file
// (toml), the values it may take (oneof, min, max, none) and whether a
// reload suffices to change it (reload). All sources set keys through the
// same table made of those tags, so a new key needs its field, its default
// and its paragraph in proxy.toml, and nothing else.
//
// Load and Read read the file and password_file; Parse takes text.
package config
