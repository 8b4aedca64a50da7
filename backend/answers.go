package backend

import (
	"bytes"
	"encoding/binary"

	"github.com/pgroute/pgroute/internal/pg"
	"github.com/pgroute/pgroute/internal/wire"
)

// take handles one message of the server, body being as much of it as is
// there, and reports whether it is for the client.
func (c *Conn) take(typ byte, body []byte) bool {
	x := c.expect.front()
	switch {
	case typ == wire.NotificationResponse:
		return c.notified(body)
	case x != nil && x.origin == forInternal && typ != wire.ParameterStatus:
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
	case wire.ParameterDescription:
		return c.forClient(x)
	}
	c.release()
	return c.forClient(x)
}

// notified takes a NotificationResponse. Clients know the notifications that
// are their own by the PID they were given at login.
func (c *Conn) notified(body []byte) bool {
	if c.front == nil || len(body) < 4 {
		return false
	}
	if binary.BigEndian.Uint32(body) == c.PID {
		binary.BigEndian.PutUint32(body, c.front.PID())
	}
	return true
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

// thenLocal deals with what is due behind the message in hand, which goes
// first if it passes.
func (c *Conn) thenLocal(pass bool) {
	if x := c.expect.front(); x == nil || x.kind < expectLocal {
		return
	}
	if pass {
		c.forwardTo(c.stream.end)
	} else {
		c.forwardTo(c.stream.pos)
	}
	c.passDue()
}

// passDue deals with what is due without an answer of the server's.
func (c *Conn) passDue() {
	for x := c.expect.front(); x != nil && x.kind >= expectLocal; x = c.expect.front() {
		switch due := c.expect.pop(); due.kind {
		case expectLocal:
			c.emit(due.local)
		case expectFlush:
			c.release()
		}
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
		c.forgotten()
		c.Applied = Settings{}
	case "DEALLOCATE ALL":
		c.forgotten()
	case "DEALLOCATE":
	default:
		return
	}
	if c.forClient(x) {
		c.front.Completed(tag)
	}
}

// forgotten notes that the server has no prepared statements any more, which
// was known when the statement that did it was sent, in all but odd cases.
func (c *Conn) forgotten() {
	if c.forgets > 0 {
		c.forgets--
		return
	}
	c.Forget()
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
	c.stream.copyIn = false
	if c.front == nil {
		c.passDue()
		c.drained()
		return false
	}
	if !pass {
		c.thenLocal(false)
		return false
	}
	c.release()
	c.forwardTo(c.stream.end)
	c.passDue()
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
	c.stream.copyIn = false
	if x.kind >= expectSync {
		if x.undo != nil {
			x.undo.Undo(true)
		}
		return x.origin == forClient && c.passError(body)
	}
	if x.origin == forNobody {
		c.skipToSync()
		return false
	}
	alias := x.alias
	if alias != nil && Outdated(body) {
		c.outdate(alias.Server)
	}
	pass := c.passError(body)
	c.skipToSync()
	return pass && !c.translate(alias, body)
}

// passError puts an error to the session, and reports whether it is for the
// client.
func (c *Conn) passError(body []byte) bool {
	if c.stream.holding && c.front != nil && c.front.Rerun(wire.ErrorState(body), body) {
		return false
	}
	c.release()
	return c.front != nil
}

// announcesEnd tells the notices after which a server closes the connection,
// such as that another of its processes has crashed (quickdie in
// src/backend/tcop/postgres.c). They are not worth giving up a second try.
func announcesEnd(body []byte) bool {
	state := wire.ErrorState(body)
	return state == pg.AdminShutdown || state == pg.CrashShutdown
}

// Outdated tells the error that a prepared statement's result has another type
// now (RevalidateCachedQuery in src/backend/utils/cache/plancache.c).
func Outdated(body []byte) bool {
	return wire.ErrorState(body) == pg.FeatureNotSupported && string(wire.ErrorField(body, 'R')) == "RevalidateCachedQuery"
}

// outdate has a statement prepared anew when it is used next.
func (c *Conn) outdate(name string) {
	for _, k := range c.prepared.Values() {
		if k.Name == name {
			k.schema = 0
		}
	}
}

// translate forwards an error that shows a statement's name on the server
// with the client's name for it; false when it shows none.
func (c *Conn) translate(a *Alias, body []byte) bool {
	if a == nil {
		return false
	}
	out := wire.AppendRenamedError(nil, body, a.Server, a.Client)
	if out == nil {
		return false
	}
	c.forwardTo(c.stream.pos)
	c.emit(out)
	return true
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
		if c.expect.superseded(&skipped[i], len(skipped)) {
			skipped[i].undo = nil
		}
		c.skip(skipped[i], i == 0)
	}
	for range skipped {
		c.expect.pop()
	}
	if !ended {
		c.stream.skipping, c.batch = true, true
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
	case x.kind == expectClose && x.stmt != nil: // it is still there
		if c.prepared.Add(x.stmt.id, &known{Statement: x.stmt}) {
			c.soil(dirtStrays) // another one was forgotten for it
		}
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
	if c.front == nil && c.Applied == (Settings{}) {
		c.report(string(name), string(value))
	}
	return c.front != nil && c.front.ParameterStatus(name, value)
}

// report notes what a session without settings of its own will see: the
// configuration of the server has changed, or a session's settings are undone.
func (c *Conn) report(name, value string) {
	for i := range c.Reported {
		if c.Reported[i].Name == name {
			c.Reported[i].Value = value
			return
		}
	}
	c.Reported = append(c.Reported, Reported{name, value})
}

// beginCopyIn notes that the server now reads COPY data, of which all may have
// been sent already.
func (c *Conn) beginCopyIn(x *expectation) {
	if x == nil {
		return
	}
	ended, synced := c.expect.beginCopy()
	c.stream.copyIn = !ended
	if x.kind == expectExecute && !synced {
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
