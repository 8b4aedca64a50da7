// Package backend owns server connections: dialling and authenticating them,
// pooling them per (node, database, user), framing what they send, and
// bringing settings and prepared statements of whichever session they serve
// up to date.
//
// A Conn belongs to one event loop and, while linked, to one Frontend. It
// knows what was asked of the server and not yet answered, so it can tell
// injected requests from the client's and swallow their answers. Messages of
// the server pass byte for byte; they are framed, never decoded as a whole.
//
// Pools are shared by all loops and locked; a Conn is not and may be touched
// only on its loop.
package backend
