// Package cluster holds node identity and the immutable topology snapshot
// that health publishes and router, backend, proxy and the admin pages read.
//
// A *Snapshot is never changed after it was published; whoever holds one may
// keep it as long as it likes. The package performs no I/O and reads no clock.
package cluster
