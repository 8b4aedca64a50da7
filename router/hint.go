package router

import "time"

// Target is a wish for a role or node, from a hint, SET pgroute.role, or the
// startup options.
type Target uint8

// Targets.
const (
	TargetAny     Target = iota // the router judges
	TargetPrimary               // the primary, whatever the class
	TargetStandby               // a standby, whatever the class
	TargetNode                  // the node of that name
)

var targetNames = [...]string{"any", "primary", "standby", "node"}

// String gives the word used in hints and settings.
func (t Target) String() string { return targetNames[t] }

// Consistency is the promise a read asks for.
type Consistency uint8

// Consistency levels, see consistency in proxy.toml. ConsistencyUnset leaves
// it to the next weaker source: statement, session, startup, configuration.
const (
	ConsistencyUnset Consistency = iota
	ConsistencyEventual
	ConsistencySession
	ConsistencyProxy
	ConsistencyStrong
)

var consistencyNames = [...]string{"unset", "eventual", "session", "proxy", "strong"}

// String gives the word used in hints and settings.
func (c Consistency) String() string { return consistencyNames[c] }

// Hint is what a leading comment /* pgroute: … */ asks for. Spans index into
// the classified text. The zero Hint asks for nothing.
type Hint struct {
	Target       Target
	Consistency  Consistency
	Node         Span          // the node's name when Target is TargetNode
	HasStaleness bool          // MaxStaleness was given
	MaxStaleness time.Duration // bound on staleness
	Wrong        Span          // the first word that was not understood; empty when all were
}

// Present reports whether a hint asks for anything, or tries to.
func (h *Hint) Present() bool { return *h != Hint{} }
