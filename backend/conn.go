package backend

import (
	"errors"
	"time"

	"github.com/hashicorp/golang-lru/v2/simplelru"

	"github.com/pgroute/pgroute/internal/cluster"
	"github.com/pgroute/pgroute/internal/netloop"
	"github.com/pgroute/pgroute/internal/pg"
	"github.com/pgroute/pgroute/internal/wire"
)

// Key names a pool: server connections are made for one node, database and
// user, and never serve another.
type Key struct {
	Node     cluster.NodeID
	Database string
	User     string
}

// Frontend is the session a Conn is linked to. It is called on the loop.
type Frontend interface {
	// Forward passes whole or partial messages on to the client; p is
	// borrowed and, over consecutive calls, a continuous stream.
	Forward(p []byte)
	// PID is the process that the client believes to be connected to.
	PID() uint32
	// ParameterStatus tells a reported setting; false swallows the message.
	ParameterStatus(name, value []byte) (forward bool)
	// Rerun is asked about an error that came before anything of the answer
	// was forwarded. True drops the answer; the Conn is unlinked by then.
	Rerun(state pg.SQLState, body []byte) bool
	// Completed tells a command tag the client was given.
	Completed(tag []byte)
	// Ready is called when a ReadyForQuery was forwarded, the end of the answer
	// to one unit. When the Conn is Answered the session may unlink or ask more.
	Ready(tx byte)
	// Lost is called once when the server connection ends while linked; the
	// Conn is unlinked by then. body is the server's last words, or nil.
	Lost(c *Conn, body []byte, err error)
	// ServerDrained is called when the server took what was queued for it.
	ServerDrained()
}

// Internal receives the answer to a query that pgroute asks on its own behalf.
type Internal interface {
	// Row gives the columns of one DataRow, borrowed.
	Row(body []byte)
	// Done is called at ReadyForQuery; err tells a failed query.
	Done(c *Conn, err *pg.Error)
}

// Reported is a setting as the server last reported it.
type Reported struct{ Name, Value string }

// Conn is one authenticated server connection.
type Conn struct {
	Key  Key
	Life cluster.Life // of the node when this connection was confirmed
	// Base is what the startup packet set: the values RESET returns to.
	Base Settings
	// Applied is what is set on top of Base; owned by Prepare and the session
	// that reads settings back.
	Applied Settings
	// Reported is what the server reports while nothing is applied.
	Reported []Reported
	PID      uint32
	Secret   []byte
	Addr     Address
	Defaults Defaults

	pool      *pool
	loop      *netloop.Loop // nil on the way from one to another
	net       *netloop.Conn
	front     Frontend
	internal  Internal
	expect    expectations
	stream    stream
	prepared  *simplelru.LRU[uint64, *known]
	custom    []string // names with a class that the server knows by now
	strays    []string // statements made under names of the session's
	forgets   int      // DEALLOCATE ALL and the like that were sent and not answered
	unnamed   *Statement
	scratch   []byte
	born      time.Time
	idleSince time.Time
	tx        byte
	dirty     dirt
	batch     bool   // extended messages were sent and no Sync yet
	sequences uint64 // see SequencesOf
	cancels   int    // cancel requests under way for this connection
	closed    bool
	doomed    bool // to be closed and not given out again; guarded by pool.mu, as is loop
	draining  bool // abandoned by its session; given back once answered
	lostCause error
}

// dirt is what must be done before another session may have the connection.
type dirt uint8

const (
	clean        dirt = iota
	dirtStrays        // statements under names pgroute does not know: DEALLOCATE ALL
	dirtState         // session state was left behind: DISCARD ALL
	dirtUnusable      // cannot be cleaned: close
)

// ErrClosed is the cause of Lost when pgroute itself cut the connection.
var ErrClosed = errors.New("closed by pgroute")

// Link gives the connection to a session until Unlink.
func (c *Conn) Link(f Frontend) { c.front = f }

// Tx is the transaction status of the last ReadyForQuery.
func (c *Conn) Tx() byte { return c.tx }

// Quiet reports whether nothing asked is unanswered and the last word was a
// ReadyForQuery outside a transaction, so that the connection can be unlinked.
func (c *Conn) Quiet() bool {
	return c.expect.empty() && !c.batch && c.tx == wire.TxIdle && !c.stream.copyIn
}

// Answered reports whether nothing asked is unanswered.
func (c *Conn) Answered() bool { return c.expect.empty() && !c.batch }

// Outstanding gives the number of unanswered requests.
func (c *Conn) Outstanding() int { return c.expect.len() }

// InCopy reports whether the server reads COPY data now.
func (c *Conn) InCopy() bool { return c.stream.copyIn }

// Send passes whole or partial messages to the server. p is borrowed.
func (c *Conn) Send(p []byte) { c.net.Write(p) }

// Congested reports whether the server takes less than it is sent: the
// client must not be read until Frontend.ServerDrained.
func (c *Conn) Congested() bool { return c.net.Congested() }

// PauseRead and ResumeRead stop and go on reading from the server, for the
// sake of a slow client.
func (c *Conn) PauseRead() { c.net.PauseRead() }

// ResumeRead goes on reading.
func (c *Conn) ResumeRead() { c.net.ResumeRead() }

// MarkState says that the session left state behind that only DISCARD ALL
// removes; MarkUnusable that nothing does.
func (c *Conn) MarkState() { c.soil(dirtState) }

// MarkUnusable has the connection closed when it is given back.
func (c *Conn) MarkUnusable() { c.soil(dirtUnusable) }

func (c *Conn) soil(d dirt) {
	if d > c.dirty {
		c.dirty = d
	}
}

// NoteCustom remembers a setting's name with a class that the server has got
// to know, whether or not it is set now.
func (c *Conn) NoteCustom(name string) {
	for _, n := range c.custom {
		if n == name {
			return
		}
	}
	c.custom = append(c.custom, name)
}

// Suits reports whether a session with those settings would see nothing
// of other sessions on this connection.
func (c *Conn) Suits(base, set Settings) bool {
	if c.Base != base {
		return false
	}
	for _, name := range c.custom {
		if _, ok := set.Get(name); !ok {
			return false
		}
	}
	return true
}

// Forget drops all knowledge of prepared statements, after DEALLOCATE ALL or
// DISCARD ALL ran on the connection.
func (c *Conn) Forget() {
	c.prepared.Purge()
	c.unnamed, c.strays = nil, nil
}

// Deallocating announces a statement that makes the server forget all prepared
// statements. They count as forgotten from now on; the Undo takes that back.
func (c *Conn) Deallocating() Undo {
	d := &deallocating{c, c.prepared}
	c.prepared = newPrepared()
	c.strays = nil
	c.forgets++
	return d
}

// deallocating is a DEALLOCATE ALL or DISCARD ALL on its way.
type deallocating struct {
	c   *Conn
	was *simplelru.LRU[uint64, *known]
}

// Undo is called when it failed or was ignored.
func (d *deallocating) Undo(bool) {
	d.c.forgets--
	for _, st := range d.was.Values() {
		d.c.prepared.Add(st.id, st)
	}
	d.c.soil(dirtStrays) // there may be more than are known
}

// Close cuts the connection; a linked session hears Lost.
func (c *Conn) Close() {
	if !c.closed {
		c.net.Close()
	}
}
