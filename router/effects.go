package router

import "strings"

// Effects is the set of things a statement may leave behind in the session or
// change in the database, as far as the session layer must know of them.
type Effects uint32

// Effects. Those up to EffectUnknownState are state of the server connection:
// the session must be pinned to it, or the state replayed, until it is gone.
const (
	// EffectSetting: SET, RESET, set_config(…, false): Statement.Settings tells
	// which. Settings that end with the transaction do not count.
	EffectSetting Effects = 1 << iota
	// EffectTempTable: a temporary object outliving the transaction.
	EffectTempTable
	// EffectListen: LISTEN.
	EffectListen
	// EffectAdvisoryLock: a session-level advisory lock.
	EffectAdvisoryLock
	// EffectSQLPrepare: PREPARE name AS ….
	EffectSQLPrepare
	// EffectHoldCursor: DECLARE … WITH HOLD.
	EffectHoldCursor
	// EffectLoad: LOAD of a library.
	EffectLoad
	// EffectSequence: nextval or setval, after which currval and lastval answer.
	EffectSequence
	// EffectLargeObject: a large object's descriptor (ends with the transaction).
	EffectLargeObject
	// EffectUnknownState: whatever a DO block, a procedure or an unknown
	// function may have left.
	EffectUnknownState

	// EffectDDL: the schema changes.
	EffectDDL
	// EffectCatalog: functions, operators, casts, types, views or kinds of
	// relations may have changed: the classification catalogue is stale.
	EffectCatalog
	// EffectOutside: acts outside the database (files, other servers, the
	// node itself), so it must never be run twice.
	EffectOutside
	// EffectWrite: may write to the database.
	EffectWrite
	// EffectReadSequence: reads what nextval left on the server connection
	// (currval, lastval).
	EffectReadSequence
	// EffectNode: counts on the node where it runs and nowhere else: locks,
	// exported snapshots.
	EffectNode
)

// Misplaced are the effects that a standby would let happen without a word,
// on the wrong node or without protecting anything. What else a standby may
// not do it refuses.
const Misplaced = EffectAdvisoryLock | EffectSQLPrepare | EffectHoldCursor | EffectLoad |
	EffectLargeObject | EffectUnknownState | EffectOutside | EffectNode

// SessionState are the effects that stay on the server connection after the
// transaction has ended.
const SessionState = EffectSetting | EffectTempTable | EffectListen | EffectAdvisoryLock |
	EffectSQLPrepare | EffectHoldCursor | EffectLoad | EffectSequence | EffectUnknownState

var effectNames = [...]string{
	"setting", "temporary_table", "listen", "advisory_lock", "sql_prepare",
	"hold_cursor", "load", "sequence", "large_object", "unknown_state",
	"ddl", "catalog", "outside", "write", "read_sequence", "node",
}

// Has reports whether any of the effects in mask is present.
func (e Effects) Has(mask Effects) bool { return e&mask != 0 }

// String lists the names of the effects, comma separated; "none" for none.
func (e Effects) String() string { return bitNames(uint64(e), effectNames[:]) }

// bitNames joins the names of the bits that are set.
func bitNames(bits uint64, names []string) string {
	if bits == 0 {
		return "none"
	}
	var set []string
	for i, name := range names {
		if bits&(1<<i) != 0 {
			set = append(set, name)
		}
	}
	return strings.Join(set, ",")
}
