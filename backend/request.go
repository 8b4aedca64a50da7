package backend

import (
	"slices"

	"github.com/pgroute/pgroute/internal/wire"
)

// The Expect… calls say what the bytes passed to Send next ask for, in order.

// ExpectQuery announces a simple Query; undo is told when it failed. It ends
// an extended batch, too.
func (c *Conn) ExpectQuery(undo Undo) {
	c.unnamed = nil
	c.push(expectation{kind: expectQuery, undo: undo})
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

// ExpectExecute announces an Execute; undo is told when it failed.
func (c *Conn) ExpectExecute(undo Undo) { c.pushBatch(expectation{kind: expectExecute, undo: undo}) }

// ExpectClose announces a Close.
func (c *Conn) ExpectClose(undo Undo) { c.pushBatch(expectation{kind: expectClose, undo: undo}) }

// ExpectCloseUnnamed announces a Close of the unnamed statement.
func (c *Conn) ExpectCloseUnnamed() {
	c.unnamed = nil
	c.ExpectClose(nil)
}

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
	if k, ok := c.prepared.Get(st.id); ok {
		if k.schema > 0 {
			return dst
		}
		dst = c.appendClose(dst, st)
	}
	dst = wire.AppendParse(dst, st.Name, st.Tail)
	c.pushBatch(expectation{kind: expectParse, origin: forErrors, stmt: st})
	return c.remember(dst, st)
}

// Knows reports whether the server has a statement already.
func (c *Conn) Knows(st *Statement) bool {
	_, ok := c.prepared.Get(st.id)
	return ok
}

// Current reports whether a statement that the server has is what a Parse
// would make now, as far as pgroute has heard of changes.
func (c *Conn) Current(st *Statement) bool {
	k, ok := c.prepared.Get(st.id)
	return ok && k.schema == c.pool.schema.Load()
}

// Remember notes that a Parse of st under its own name was sent, and adds the
// Close of a statement that makes room for it.
func (c *Conn) remember(dst []byte, st *Statement) []byte {
	if c.prepared.Len() >= c.pool.set.limits.Load().Prepared {
		if _, old, ok := c.prepared.RemoveOldest(); ok {
			dst = wire.AppendCloseStatement(dst, old.Name)
			c.pushBatch(expectation{kind: expectClose, origin: forNobody, stmt: old.Statement})
		}
	}
	c.prepared.Add(st.id, &known{st, c.pool.schema.Load()})
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
	c.pushBatch(expectation{kind: expectParse, origin: forErrors, stmt: st})
	return wire.AppendParse(dst, "", st.Tail)
}

// AppendNoUnnamed makes sure that the server has no unnamed statement, which
// could only be another session's.
func (c *Conn) AppendNoUnnamed(dst []byte) []byte {
	c.unnamed = nil
	c.pushBatch(expectation{kind: expectClose, origin: forNobody})
	return wire.AppendCloseStatement(dst, "")
}

// AppendStray makes the server know st under a client's own name, for SQL that
// refers to it; the connection forgets such names before it is reused. An
// error is the client's: it stands for that of the statement behind it.
func (c *Conn) AppendStray(dst []byte, name string, st *Statement) []byte {
	return c.appendStray(dst, name, st, forErrors)
}

// AppendStraySync does so in front of a simple Query, with a Sync of its own
// and no error: what follows gives it.
func (c *Conn) AppendStraySync(dst []byte, name string, st *Statement) []byte {
	dst = c.appendStray(dst, name, st, forNobody)
	c.batch = false
	c.push(expectation{kind: expectSync, origin: forNobody})
	return wire.AppendEmpty(dst, wire.Sync)
}

func (c *Conn) appendStray(dst []byte, name string, st *Statement, o origin) []byte {
	c.soil(dirtStrays)
	if !slices.Contains(c.strays, name) {
		c.strays = append(c.strays, name)
	}
	dst = wire.AppendCloseStatement(dst, name)
	c.pushBatch(expectation{kind: expectClose, origin: forNobody})
	dst = wire.AppendParse(dst, name, st.Tail)
	c.pushBatch(expectation{kind: expectParse, origin: o})
	return dst
}

// HasStray reports whether the server may have a statement under a client's
// own name.
func (c *Conn) HasStray(name string) bool { return slices.Contains(c.strays, name) }

// AppendReparse adds a client's Parse of a statement the server has already,
// for when only the server can tell whether it would succeed now.
func (c *Conn) AppendReparse(dst []byte, st *Statement, undo Undo) []byte {
	return c.AppendParse(c.appendClose(dst, st), st, undo)
}

// appendClose adds the Close of a statement that is to be prepared anew.
func (c *Conn) appendClose(dst []byte, st *Statement) []byte {
	c.pushBatch(expectation{kind: expectClose, origin: forNobody, stmt: st})
	c.prepared.Remove(st.id)
	return wire.AppendCloseStatement(dst, st.Name)
}

// Ask sends a query on pgroute's own behalf; only when Answered.
func (c *Conn) Ask(sql string, in Internal) {
	c.internal = in
	c.unnamed = nil
	c.push(expectation{kind: expectQuery, origin: forInternal})
	c.scratch = wire.AppendQuery(c.scratch[:0], sql)
	c.Send(c.scratch)
}
