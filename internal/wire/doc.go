// Package wire reads and writes messages of PostgreSQL's frontend/backend
// protocol (documentation chapter "Frontend/Backend Protocol").
//
// It is the only package that imports pgproto3/v2, which renders messages
// toward clients; messages that came from a server are never decoded with it,
// only framed, and the few fields pgroute needs are read by the bounded
// readers here. Functions named Append… add whole messages to a slice and
// allocate nothing when it has room. Nothing here performs I/O.
package wire
