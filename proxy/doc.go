// Package proxy is the data plane: it accepts clients, authenticates them,
// and carries their sessions over pooled server connections.
//
// A session belongs to one worker, which is one event loop, and is touched
// only there; what other goroutines know of it they post to the loop. The
// session collects one routing unit at a time (a Query, or an extended batch
// up to Sync), has the router decide where it goes, links a server
// connection from package backend, forwards bytes, and unlinks when the
// answer is complete and nothing of the session's state is left behind.
//
// What each phase of a session allows is in phase.go; nothing else moves it.
package proxy
