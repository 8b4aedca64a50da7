// Package router decides where statements go, and says why.
//
// It has two halves. Classify reads the text of a query string and tells, for
// each statement in it, whether a hot standby may answer it, what it leaves
// behind in the session, and the reason as an enumerated value. Decide takes
// that, the facts of the session and the topology, and names a node.
//
// The classification is safe by construction: a statement is a read only when
// every word of it was understood and every function, relation, operator and
// type it names is known to be harmless. Everything else goes to the primary.
//
// The package is pure: it opens nothing, starts nothing, reads no clock and
// logs nothing. Time, randomness and the catalogue are arguments.
package router
