// Package pg holds the few PostgreSQL values that every other package speaks
// in: LSN, TimelineID, SQLState, and the one error type that may reach a
// client. It performs no I/O and imports nothing of pgroute.
package pg
