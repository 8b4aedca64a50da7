package backend

import (
	"github.com/pgroute/pgroute/internal/wire"
)

// The Expect… calls say what the bytes passed to Send next ask for, in order.

// ExpectQuery announces a simple Query. It ends an extended batch, too.
func (c *Conn) ExpectQuery() {
	c.unnamed = nil
	c.push(expectation{kind: expectQuery})
	c.batch = c.batch && c.stream.skipping
}

// ExpectFunction announces a FunctionCall.
func (c *Conn) ExpectFunction() { c.push(expectation{kind: expectFunction}) }

// ExpectSync announces a Sync, the end of an extended batch.
func (c *Conn) ExpectSync() {
	if c.stream.copyIn {
		return // ignored by the server until the copy has ended
	}
	c.batch = false
	c.push(expectation{kind: expectSync})
}

// ExpectFlush announces a Flush: the client waits for what it has asked so
// far, so that no answer to that can be held back.
func (c *Conn) ExpectFlush() {
	if c.stream.again && !c.stream.skipping {
		c.push(expectation{kind: expectFlush})
		c.passDue()
	}
}

// ExpectParse announces a Parse of the client's; undo is told when no
// statement came of it.
func (c *Conn) ExpectParse(st *Statement, undo Undo) {
	c.pushBatch(expectation{kind: expectParse, stmt: st, undo: undo})
}

// ExpectUnnamed announces a Parse of the unnamed statement, kept as st.
func (c *Conn) ExpectUnnamed(st *Statement, undo Undo) {
	c.unnamed = st
	c.pushBatch(expectation{kind: expectParse, undo: undo})
}

// ExpectRefusedParse announces a Parse under the name of a statement that
// exists, which the server will refuse.
func (c *Conn) ExpectRefusedParse(a *Alias) {
	c.pushBatch(expectation{kind: expectParse, alias: a})
}

// ExpectBind announces a Bind of a statement that may have another name with
// the client.
func (c *Conn) ExpectBind(a *Alias) { c.pushBatch(expectation{kind: expectBind, alias: a}) }

// ExpectDescribe announces a Describe; the same holds.
func (c *Conn) ExpectDescribe(a *Alias) { c.pushBatch(expectation{kind: expectDescribe, alias: a}) }

// ExpectExecute announces an Execute.
func (c *Conn) ExpectExecute() { c.pushBatch(expectation{kind: expectExecute}) }

// ExpectClose announces a Close.
func (c *Conn) ExpectClose(undo Undo) { c.pushBatch(expectation{kind: expectClose, undo: undo}) }

// AnswerLocally has messages forwarded to the client when everything asked
// before them is answered. It owns local.
func (c *Conn) AnswerLocally(local []byte, undo Undo) {
	c.pushBatch(expectation{kind: expectLocal, local: local, undo: undo})
	c.passDue()
}

func (c *Conn) pushBatch(x expectation) {
	c.batch = true
	c.push(x)
}

func (c *Conn) push(x expectation) {
	if c.stream.skipping && x.kind == expectSync {
		c.stream.skipping = false
	}
	if c.stream.skipping {
		c.skip(x, false)
		return
	}
	c.expect.push(x)
}

// EndCopy notes a CopyDone or CopyFail of the client's, which need not have
// waited until the server asked for data.
func (c *Conn) EndCopy() {
	switch {
	case c.stream.copyIn:
		c.stream.copyIn = false
	case !c.expect.empty():
		c.push(expectation{kind: expectCopyEnd})
	}
}

// Holdback has the answer to each unit sent from now on kept from the client
// until it is known whether it is one: an error before that is put to
// Frontend.Rerun. It ends with Unlink.
func (c *Conn) Holdback() {
	c.stream.again = true
	if c.expect.empty() {
		c.stream.holding = true
	}
}

// EndHoldback lets the answers go to the client from now on: something was sent
// that cannot be run elsewhere.
func (c *Conn) EndHoldback() {
	c.stream.again = false
	c.release()
}

// AppendPrepared makes sure that the server knows a statement: it adds a
// Parse to dst, and what it expects of it, when that is needed.
func (c *Conn) AppendPrepared(dst []byte, st *Statement) []byte {
	if _, ok := c.prepared.Get(st.id); ok {
		return dst
	}
	dst = wire.AppendParse(dst, st.Name, st.Tail)
	c.pushBatch(expectation{kind: expectParse, origin: forNobody, stmt: st})
	return c.remember(dst, st)
}

// Knows reports whether the server has a statement already.
func (c *Conn) Knows(st *Statement) bool {
	_, ok := c.prepared.Get(st.id)
	return ok
}

// Remember notes that a Parse of st under its own name was sent, and adds the
// Close of a statement that makes room for it.
func (c *Conn) remember(dst []byte, st *Statement) []byte {
	if c.prepared.Len() >= c.pool.set.limits.Load().Prepared {
		if _, old, ok := c.prepared.RemoveOldest(); ok {
			dst = wire.AppendCloseStatement(dst, old.Name)
			c.pushBatch(expectation{kind: expectClose, origin: forNobody})
		}
	}
	c.prepared.Add(st.id, st)
	return dst
}

// AppendParse adds a client's Parse of st under the server's name for it.
func (c *Conn) AppendParse(dst []byte, st *Statement, undo Undo) []byte {
	dst = wire.AppendParse(dst, st.Name, st.Tail)
	c.ExpectParse(st, undo)
	return c.remember(dst, st)
}

// AppendUnnamed makes sure that the server's unnamed statement is st.
func (c *Conn) AppendUnnamed(dst []byte, st *Statement) []byte {
	if c.unnamed == st {
		return dst
	}
	c.unnamed = st
	c.pushBatch(expectation{kind: expectParse, origin: forNobody, stmt: st})
	return wire.AppendParse(dst, "", st.Tail)
}

// AppendStray makes the server know st under a client's own name, for SQL
// that refers to it; the connection forgets such names before it is reused.
func (c *Conn) AppendStray(dst []byte, name string, st *Statement) []byte {
	c.soil(dirtStrays)
	c.pushBatch(expectation{kind: expectParse, origin: forNobody}) // no stmt: its failure is nobody's
	dst = wire.AppendParse(dst, name, st.Tail)
	c.batch = false
	c.push(expectation{kind: expectSync, origin: forNobody})
	return wire.AppendEmpty(dst, wire.Sync)
}

// AppendReparse adds a client's Parse of a statement the server has already,
// for when only the server can tell whether it would succeed now.
func (c *Conn) AppendReparse(dst []byte, st *Statement, undo Undo) []byte {
	dst = wire.AppendCloseStatement(dst, st.Name)
	c.pushBatch(expectation{kind: expectClose, origin: forNobody})
	c.prepared.Remove(st.id)
	return c.AppendParse(dst, st, undo)
}

// Ask sends a query on pgroute's own behalf; only when Answered.
func (c *Conn) Ask(sql string, in Internal) {
	c.internal = in
	c.unnamed = nil
	c.push(expectation{kind: expectQuery, origin: forInternal})
	c.scratch = wire.AppendQuery(c.scratch[:0], sql)
	c.Send(c.scratch)
}
