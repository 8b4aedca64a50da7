package backend

// expectKind is what was asked of the server and is not answered yet.
type expectKind uint8

const (
	expectParse expectKind = iota
	expectBind
	expectDescribe
	expectExecute
	expectClose
	expectSync
	expectQuery    // a simple Query: everything up to ReadyForQuery
	expectFunction // a FunctionCall: the same
	// What follows asks nothing of the server; it is dealt with when reached.
	expectLocal   // an answer of pgroute's own is due
	expectFlush   // the client has asked for the answers up to here
	expectCopyEnd // COPY data, should the request before ask for it, ends here
)

// origin says for whom an answer is.
type origin uint8

const (
	forClient   origin = iota
	forNobody          // injected: the answer is swallowed
	forErrors          // injected: swallowed, too, but for an error
	forInternal        // injected: the answer goes to Conn.internal
)

// expectation is one unanswered request.
type expectation struct {
	kind   expectKind
	origin origin
	// stmt is the statement that a Parse makes or a Close of pgroute's own
	// ends; undo is told when that did not come about.
	stmt *Statement
	undo Undo
	// alias tells which name an error must not show.
	alias *Alias
	// local holds the messages of an expectLocal.
	local []byte
}

// Alias is a statement's name on the server and with the client.
type Alias struct{ Server, Client string }

// Undo takes back what a session assumed of a request: failed when the server
// refused this one, else it ignored it because of an error before.
type Undo interface{ Undo(failed bool) }

// expectations is a queue that keeps its storage.
type expectations struct {
	q    []expectation
	head int
}

func (e *expectations) empty() bool { return e.head == len(e.q) }

func (e *expectations) len() int { return len(e.q) - e.head }

func (e *expectations) front() *expectation {
	if e.empty() {
		return nil
	}
	return &e.q[e.head]
}

func (e *expectations) push(x expectation) {
	if e.head > 0 && len(e.q) == cap(e.q) {
		n := copy(e.q, e.q[e.head:])
		clear(e.q[n:])
		e.q, e.head = e.q[:n], 0
	}
	e.q = append(e.q, x)
}

func (e *expectations) pop() expectation {
	x := e.q[e.head]
	e.q[e.head] = expectation{}
	e.head++
	if e.head == len(e.q) {
		e.q, e.head = e.q[:0], 0
	}
	return x
}

// untilSync gives what stands before the next Sync, and whether there is one.
// It is valid until the next change.
func (e *expectations) untilSync() (before []expectation, ended bool) {
	for i := e.head; i < len(e.q); i++ {
		if e.q[i].kind == expectSync {
			return e.q[e.head:i], true
		}
	}
	return e.q[e.head:], false
}

// superseded reports whether a Parse of the unnamed statement among the first n
// requests is followed, behind those, by another one: what that made is not to
// be taken back with the first.
func (e *expectations) superseded(x *expectation, n int) bool {
	if x.kind != expectParse || x.stmt != nil || x.undo == nil {
		return false
	}
	for _, later := range e.q[e.head+n:] {
		if later.kind == expectParse && later.stmt == nil && later.undo == x.undo {
			return true
		}
	}
	return false
}

// undo takes back what was assumed of all that was asked, the last first.
func (e *expectations) undo() {
	for i := len(e.q) - 1; i >= e.head; i-- {
		if u := e.q[i].undo; u != nil {
			u.Undo(false)
		}
	}
}

// forgetUndo: nobody wants to know any more what came of what was asked.
func (e *expectations) forgetUndo() {
	for i := e.head; i < len(e.q); i++ {
		e.q[i].undo = nil
	}
}

// beginCopy takes in that the server has begun to read COPY data: it ignores
// every Sync up to the end of the data (CopyGetData in
// src/backend/commands/copyfromparse.c). It reports whether that end was sent
// already, and whether a Sync was sent behind it.
func (e *expectations) beginCopy() (ended, synced bool) {
	kept := e.q[:e.head]
	for _, x := range e.q[e.head:] {
		switch {
		case ended:
			synced = synced || x.kind == expectSync
		case x.kind == expectSync:
			continue
		case x.kind == expectCopyEnd:
			ended = true
			continue
		}
		kept = append(kept, x)
	}
	clear(e.q[len(kept):])
	e.q = kept
	return ended, synced
}
