// Package netloop is pgroute's event loop: it moves bytes between sockets and
// handlers, one goroutine per Loop, and knows nothing of PostgreSQL.
//
// # Ownership
//
// A Loop owns its connections. Everything about a Conn happens on the
// goroutine that runs the loop: its handler's callbacks and all of its methods.
// No lock is needed there and none is taken. Loop.Post is the one way in from
// other goroutines; Loop.Stats may be read from anywhere too.
//
// Bytes given to Handler.OnData are borrowed: they live in the loop's shared
// read buffer and are gone when the callback returns. Bytes given to Conn.Write
// are the caller's again when Write returns: what the kernel did not take was
// copied into chunks that belong to the loop. An idle connection therefore owns
// no buffer at all.
//
// # One iteration
//
// Wait for events; give each connection its event (at most one read buffer
// full); run due timers; run posted functions; run deferred functions; report
// closed connections; apply changed epoll masks; wait again. No callback runs
// inside another one: OnClose and OnDrained never come out of a call to Write or
// Close, but later in the same iteration.
//
// # Transports
//
// On Linux TCP and Unix sockets are taken out of the Go runtime's poller and
// served by the loop's own level-triggered epoll set. So is TLS over them if
// the tls.Conn was made over a TLSSocket: crypto/tls then only transforms
// bytes, on the loop's goroutine. Any other net.Conn, and
// everything on systems without epoll (or with the build tag netloop_portable),
// is served by a pump: a reading and a writing goroutine per connection that
// post to the loop, at most one read buffer ahead of the handler. Handlers
// cannot tell the difference.
//
// # What it refuses to do
//
// It never blocks in a callback's name, never grows a queue on its own (the
// handler sees Congested and pauses the source), never reads into memory of the
// handler, never resolves names, never dials and never accepts.
package netloop
