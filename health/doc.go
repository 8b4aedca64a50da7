// Package health observes the configured PostgreSQL nodes and publishes what
// they are as immutable cluster snapshots.
//
// Three layers, each usable without the one above it:
//
//   - links (link.go, pglink.go) ask one node one question in one round trip;
//   - the judge (judge.go and its helpers decide.go, relation.go, lag.go,
//     ring.go, tail.go) turns observations, the accepted state so far and a time into a
//     snapshot. It performs no I/O and reads no clock;
//   - the Monitor runs one watcher per node, feeds the judge and publishes.
//
// WAL that the primary has inserted but not flushed is the subject of tail.go:
// standbys cannot have it, and it may or may not hold a commit.
//
// Beside them the fence hub (hub.go, courier.go) answers "which standby has
// replayed what this session wrote" for the event loops.
//
// The package decides nothing about statements, holds no client, and never
// promotes, stops or changes a node: it only reads.
package health
