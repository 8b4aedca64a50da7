package backend

import (
	"bytes"

	"github.com/pgroute/pgroute/internal/pg"
	"github.com/pgroute/pgroute/internal/wire"
)

// take handles one message of the server, body being as much of it as is
// there, and reports whether it is for the client.
func (c *Conn) take(typ byte, body []byte) bool {
	x := c.expect.front()
	if x != nil && x.origin == forInternal && typ != wire.ParameterStatus {
		c.takeInternal(typ, body)
		return false
	}
	switch typ {
	case wire.DataRow, wire.CopyData:
		c.release()
		return c.forClient(x)
	case wire.ParseComplete:
		return c.answered(x, expectParse)
	case wire.BindComplete:
		return c.answered(x, expectBind)
	case wire.CloseComplete:
		return c.answered(x, expectClose)
	case wire.RowDescription, wire.NoData:
		return c.described(x)
	case wire.CommandComplete, wire.EmptyQueryResponse, wire.PortalSuspended:
		return c.completed(x, typ, body)
	case wire.ReadyForQuery:
		return c.ready(x, body)
	case wire.ErrorResponse:
		return c.takeError(x, body)
	case wire.ParameterStatus:
		return c.parameter(body)
	case wire.CopyInResponse, wire.CopyBothResponse:
		c.beginCopyIn(x)
	case wire.NoticeResponse:
		if !announcesEnd(body) {
			c.release() // somebody may be watching
		}
		return c.forClient(x)
	case wire.NotificationResponse, wire.ParameterDescription:
		return c.forClient(x)
	}
	c.release()
	return c.forClient(x)
}

// forClient reports whether what the server sends now is for a client.
func (c *Conn) forClient(x *expectation) bool {
	return c.front != nil && (x == nil || x.origin == forClient)
}

// answered takes a ParseComplete, BindComplete or CloseComplete.
func (c *Conn) answered(x *expectation, kind expectKind) bool {
	if x == nil || x.kind != kind {
		c.confused("an answer to nothing")
		return false
	}
	pass := c.forClient(x)
	c.expect.pop()
	c.thenLocal(pass)
	return pass
}

// thenLocal forwards the answers of pgroute's own that come behind the
// message in hand, which goes first if it passes.
func (c *Conn) thenLocal(pass bool) {
	if x := c.expect.front(); x == nil || x.kind != expectLocal {
		return
	}
	if pass {
		c.forwardTo(c.stream.end)
	} else {
		c.forwardTo(c.stream.pos)
	}
	c.flushLocal()
}

// flushLocal forwards the answers of pgroute's own that are due.
func (c *Conn) flushLocal() {
	for x := c.expect.front(); x != nil && x.kind == expectLocal; x = c.expect.front() {
		c.emit(c.expect.pop().local)
	}
}

func (c *Conn) described(x *expectation) bool {
	pass := c.forClient(x)
	if x != nil && x.kind == expectDescribe {
		c.expect.pop()
		c.thenLocal(pass)
	}
	return pass
}

// completed takes the end of one statement's result.
func (c *Conn) completed(x *expectation, typ byte, body []byte) bool {
	pass := c.forClient(x)
	c.release()
	if typ == wire.CommandComplete {
		c.noteTag(x, body)
	}
	if x != nil && x.kind == expectExecute {
		c.expect.pop()
		c.thenLocal(pass)
	}
	return pass
}

// noteTag learns from the few command tags that change what the server knows.
func (c *Conn) noteTag(x *expectation, body []byte) {
	if len(body) < 8 || body[0] != 'D' {
		return
	}
	tag := bytes.TrimRight(body, "\x00")
	switch string(tag) {
	case "DISCARD ALL":
		c.Forget()
		c.Applied = Settings{}
	case "DEALLOCATE ALL", "DISCARD PLANS":
		if tag[1] == 'E' {
			c.Forget()
		}
	case "DEALLOCATE":
	default:
		return
	}
	if c.forClient(x) {
		c.front.Completed(tag)
	}
}

// ready takes a ReadyForQuery.
func (c *Conn) ready(x *expectation, body []byte) bool {
	if x == nil || len(body) != 1 || x.kind < expectSync || x.kind > expectFunction {
		c.confused("ReadyForQuery out of turn")
		return false
	}
	pass := c.forClient(x)
	c.expect.pop()
	c.tx = body[0]
	c.stream.skipping, c.stream.copyIn = false, false
	if c.front == nil {
		c.drained()
		return false
	}
	if !pass {
		return false
	}
	c.release()
	c.forwardTo(c.stream.end)
	c.flushLocal()
	c.stream.holding = c.stream.again && !c.expect.empty()
	c.front.Ready(c.tx)
	return true
}

// takeError takes an ErrorResponse.
func (c *Conn) takeError(x *expectation, body []byte) bool {
	if isFatal(body) {
		c.stream.fatal = append([]byte(nil), body...)
		return false // told by Lost, together with the end of the connection
	}
	if x == nil {
		return c.front != nil
	}
	if x.origin == forNobody && x.stmt == nil {
		c.skipToSync()
		return false
	}
	if c.stream.holding && c.front != nil && c.front.Rerun(wire.ErrorState(body), body) {
		c.skipToSync()
		return false
	}
	c.release()
	c.skipToSync()
	return c.front != nil
}

// announcesEnd tells the notices after which a server closes the connection,
// such as that another of its processes has crashed (quickdie in
// src/backend/tcop/postgres.c). They are not worth giving up a second try.
func announcesEnd(body []byte) bool {
	state := wire.ErrorState(body)
	return state == pg.AdminShutdown || state == pg.CrashShutdown
}

func isFatal(body []byte) bool {
	sev := wire.ErrorField(body, 'V')
	return string(sev) == "FATAL" || string(sev) == "PANIC"
}

// skipToSync drops what the server now ignores: after an error in an extended
// batch everything up to Sync.
//
// What was assumed is taken back in reverse order: a name that was closed and
// prepared anew in the batch is what it was before.
func (c *Conn) skipToSync() {
	skipped, ended := c.expect.untilSync()
	for i := len(skipped) - 1; i >= 0; i-- {
		c.skip(skipped[i], i == 0)
	}
	for range skipped {
		c.expect.pop()
	}
	if !ended {
		c.stream.skipping = true
		c.stream.copyIn = false
	}
}

// skip takes back what was assumed of a request that failed or was ignored.
func (c *Conn) skip(x expectation, failed bool) {
	switch {
	case x.kind == expectParse && x.stmt != nil:
		c.prepared.Remove(x.stmt.id)
		c.unnamed = nil
	case x.kind == expectParse:
		c.unnamed = nil
	case x.kind == expectClose && x.origin == forNobody:
		c.soil(dirtStrays) // it is still there
	}
	if x.undo != nil {
		x.undo.Undo(failed)
	}
}

// parameter takes a ParameterStatus, which may come at any time.
func (c *Conn) parameter(body []byte) bool {
	name, value, ok := wire.ParameterStatusFields(body)
	if !ok {
		c.confused("a malformed ParameterStatus")
		return false
	}
	c.report(string(name), string(value))
	return c.front != nil && c.front.ParameterStatus(name, value)
}

func (c *Conn) report(name, value string) {
	for i := range c.Reported {
		if c.Reported[i].Name == name {
			c.Reported[i].Value = value
			return
		}
	}
	c.Reported = append(c.Reported, Reported{name, value})
}

// beginCopyIn notes that the server now reads COPY data. In the extended
// protocol it ignores Sync until the copy ends.
func (c *Conn) beginCopyIn(x *expectation) {
	c.stream.copyIn = true
	if x != nil && x.kind == expectExecute {
		c.expect.dropSyncs()
		c.batch = true
	}
}

// takeInternal takes the answer to a query of pgroute's own.
func (c *Conn) takeInternal(typ byte, body []byte) {
	switch typ {
	case wire.DataRow:
		c.internal.Row(body)
	case wire.ErrorResponse:
		if isFatal(body) {
			c.stream.fatal = append([]byte(nil), body...)
		}
		c.stream.failed = wire.ServerError(body)
	case wire.ReadyForQuery:
		c.expect.pop()
		if len(body) == 1 {
			c.tx = body[0]
		}
		in, err := c.internal, c.stream.failed
		c.internal, c.stream.failed = nil, nil
		in.Done(c, err)
	}
}

// confused cuts a connection on which an answer came that nothing asked for:
// going on could give one session's answer to another.
func (c *Conn) confused(what string) {
	c.fail(pg.Errorf(pg.ProtocolViolation, "the server sent %s", what))
}
