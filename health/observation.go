package health

import (
	"time"

	"github.com/pgroute/pgroute/internal/cluster"
	"github.com/pgroute/pgroute/internal/pg"
)

// sample is what one probe query told. Unknown values are zero.
type sample struct {
	systemID    uint64
	inRecovery  bool
	timeline    pg.TimelineID
	walState           // of a primary; insert is the end of its last record
	replay      pg.LSN // after a promotion this stays at the switch LSN
	receive     pg.LSN
	segmentSize uint64
	version     int
	receiver    receiver
}

// receiver is the row of pg_stat_wal_receiver, all empty when no receiver
// runs. visible is false when it runs but the role may not look at it.
type receiver struct {
	visible bool
	status  string
	sender  string // host:port
	slot    string
}

// historyState says what is known of a writable node's timeline history.
type historyState uint8

const (
	historyNone       historyState = iota // not asked for
	historyKnown                          // ancestors are complete
	historyPending                        // the question failed for a passing reason
	historyUnreadable                     // no right to ask, or asked in vain
)

// history is the answer to TIMELINE_HISTORY of a writable node's timeline.
type history struct {
	state     historyState
	ancestors []cluster.Ancestor // oldest first
	err       string             // why it is not known
}

// observation is one probe's outcome, the judge's only input.
type observation struct {
	node   cluster.NodeID
	sentAt time.Time // when the query that was answered was sent
	at     time.Time // when the outcome was known
	err    string    // why the node is not up; empty when it answered
	// timedOut tells silence from refusal; both have err set.
	timedOut bool
	life     cluster.Life
	sample
	history history
	// witnessed is set by the judge on a writable node that was a standby of
	// the accepted timeline earlier in the same life: its promotion was seen.
	witnessed bool
	// safe is set by the judge on the accepted primary: the lowest position
	// known to cover every commit acknowledged before sentAt.
	safe pg.LSN
}

// up reports whether the node answered.
func (o *observation) up() bool { return o.err == "" && o.life != 0 }

// writable reports whether the node claims to be a primary.
func (o *observation) writable() bool { return o.up() && !o.inRecovery }
