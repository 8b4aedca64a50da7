package router

import "strconv"

// Class is what a statement, or a whole query string, is to the router.
type Class uint8

// Classes. Only ClassRead may ever be given to a standby on the router's own
// judgement; ClassUnknown is the zero value, so that forgetting is safe.
const (
	// ClassUnknown was not understood: the primary.
	ClassUnknown Class = iota
	// ClassRead reads, and a standby gives the same answer.
	ClassRead
	// ClassWrite needs the primary: it writes, locks, acts outside the
	// database, or reads what only the primary can tell. The Reason says which.
	ClassWrite
	// ClassSession reads or changes the state of the session, such as SET,
	// LISTEN, PREPARE, EXECUTE, FETCH.
	ClassSession
	// ClassTransaction begins, ends or shapes a transaction.
	ClassTransaction
	classes
)

var classNames = [classes]string{"unknown", "read", "write", "session", "transaction"}

// String gives the label used in metrics and explanations.
func (c Class) String() string {
	if c < classes {
		return classNames[c]
	}
	return "class " + strconv.Itoa(int(c))
}

// Classes lists every class, for metrics that start at zero.
func Classes() []Class {
	all := make([]Class, classes)
	for i := range all {
		all[i] = Class(i)
	}
	return all
}
