package backend

import (
	"crypto/rand"
	"strconv"
	"strings"
	"sync/atomic"
)

// Statement is a protocol-level prepared statement as servers know it: one
// for each distinct text and parameter types, whatever clients call it.
type Statement struct {
	id   uint64
	Name string // on servers
	// Tail is the body of its Parse behind the name: text, zero byte, and
	// parameter types. It is never changed.
	Tail []byte
}

// known is a statement that a server has, and the schema it was prepared in:
// zero when the server has said that its result has another type now.
type known struct {
	*Statement
	schema uint64
}

// Statements numbers statements and names them. All loops share one, because
// a Conn and its statements can move to another loop.
type Statements struct {
	prefix string
	last   atomic.Uint64
}

// NewStatements makes names that no client chooses by chance.
func NewStatements() *Statements {
	return &Statements{prefix: "pgroute:" + rand.Text()[:nameEntropy] + ":"}
}

// nameEntropy is the number of random letters in names, 5 bits each.
const nameEntropy = 12

// New makes a Statement that owns tail.
func (s *Statements) New(tail []byte) *Statement {
	id := s.last.Add(1)
	return &Statement{id: id, Name: s.prefix + strconv.FormatUint(id, 36), Tail: tail}
}

// Made reports whether a name is one of those given to statements here.
func (s *Statements) Made(name string) bool { return strings.HasPrefix(name, s.prefix) }

// Text gives the statement's SQL text.
func (st *Statement) Text() []byte {
	for i, b := range st.Tail {
		if b == 0 {
			return st.Tail[:i]
		}
	}
	return st.Tail
}
