package backend

import (
	"strconv"
	"sync/atomic"
)

// StatementPrefix begins the name of every prepared statement that pgroute
// makes on a server connection.
const StatementPrefix = "pgroute:"

// Statement is a protocol-level prepared statement as servers know it: one
// for each distinct text and parameter types, whatever clients call it.
type Statement struct {
	id   uint64
	Name string // on servers
	// Tail is the body of its Parse behind the name: text, zero byte, and
	// parameter types. It is never changed.
	Tail []byte
}

// Statements numbers statements; its zero value is ready. All loops share one,
// because a Conn and its statements can move to another loop.
type Statements struct{ last atomic.Uint64 }

// New makes a Statement that owns tail.
func (s *Statements) New(tail []byte) *Statement {
	id := s.last.Add(1)
	return &Statement{id: id, Name: StatementPrefix + strconv.FormatUint(id, 36), Tail: tail}
}

// Text gives the statement's SQL text.
func (st *Statement) Text() []byte {
	for i, b := range st.Tail {
		if b == 0 {
			return st.Tail[:i]
		}
	}
	return st.Tail
}
