package router

import "strconv"

// Reason says why a statement has its class. It is enumerated, so that it can
// label a metric; the words for people are in Explain.
type Reason uint8

// Reasons. The comment names the trigger.
const (
	ReasonNone Reason = iota // not judged yet

	// A standby may answer.
	ReasonRead  // nothing in it needs the primary
	ReasonEmpty // no statement at all

	// It was not understood.
	ReasonUnknownStatement // verb or shape not recognised
	ReasonUnterminated     // string, comment, identifier or parenthesis left open
	ReasonBadByte          // NUL byte, or a byte no token can begin with
	ReasonEncoding         // invalid UTF-8, or a client encoding that hides ASCII bytes
	ReasonTooComplex       // nested deeper than the classifier follows
	ReasonMixed            // several statements, not all of them reads

	// It writes or locks.
	ReasonDML        // INSERT, UPDATE, DELETE, MERGE, TRUNCATE
	ReasonCTEWrite   // one of those inside WITH
	ReasonRowLock    // FOR UPDATE and its kin
	ReasonTableLock  // LOCK
	ReasonSelectInto // SELECT INTO
	ReasonDDL        // CREATE, ALTER, DROP, GRANT, COMMENT, …
	ReasonMaintain   // VACUUM, ANALYZE, REINDEX, CHECKPOINT, ALTER SYSTEM, …
	ReasonCopyFrom   // COPY … FROM
	ReasonServerFile // COPY to a file or program of the server
	ReasonProcedure  // CALL, DO
	ReasonNotify     // NOTIFY, pg_notify
	ReasonTwoPhase   // PREPARE TRANSACTION, COMMIT PREPARED, ROLLBACK PREPARED

	// It calls or touches something that needs the primary.
	ReasonUnknownFunction  // not in the catalogue
	ReasonVolatileFunction // volatile and not on the harmless list
	ReasonSequence         // nextval, currval, a sequence read as a table
	ReasonAdvisoryLock     // advisory locks are local to a node
	ReasonTransactionID    // assigns or reads transaction IDs
	ReasonSnapshot         // exports or imports a snapshot
	ReasonLargeObject      // lo_…
	ReasonOutside          // dblink, files, programs: effects outside the database
	ReasonNodeControl      // replay control, slots, signals, reload
	ReasonNodeLocal        // answers differ from node to node: pg_stat_…, SHOW ALL
	ReasonRoleProbe        // asks whether this is a primary, for target_session_attrs
	ReasonOverride         // configured to need the primary, or learned from a refusal

	// It names a relation, operator or type that needs the primary.
	ReasonUnknownRelation
	ReasonTemporary  // temporary table or pg_temp
	ReasonUnlogged   // unlogged table
	ReasonForeign    // foreign table
	ReasonView       // view or policy that calls such a function
	ReasonOperator   // operator whose function needs the primary
	ReasonType       // cast, domain or type whose functions need the primary
	ReasonHiddenCall // the database runs such a function without it being named

	// It concerns the session.
	ReasonSetting  // SET, RESET, set_config
	ReasonListen   // LISTEN, UNLISTEN
	ReasonPrepared // PREPARE, EXECUTE, DEALLOCATE on SQL level
	ReasonCursor   // DECLARE, FETCH, MOVE, CLOSE
	ReasonDiscard  // DISCARD
	ReasonLoad     // LOAD
	ReasonProxy    // pgroute.* settings and EXPLAIN ROUTE, answered by pgroute

	// It concerns the transaction.
	ReasonTransaction         // BEGIN, COMMIT, SAVEPOINT, …
	ReasonReadOnlyTransaction // BEGIN READ ONLY and what amounts to it
	ReasonIsolation           // SERIALIZABLE or DEFERRABLE, which standbys refuse
	reasons
)

var reasonNames = [reasons]string{
	ReasonNone:                "none",
	ReasonRead:                "read",
	ReasonEmpty:               "empty",
	ReasonUnknownStatement:    "unknown_statement",
	ReasonUnterminated:        "unterminated",
	ReasonBadByte:             "bad_byte",
	ReasonEncoding:            "encoding",
	ReasonTooComplex:          "too_complex",
	ReasonMixed:               "mixed_statements",
	ReasonDML:                 "dml",
	ReasonCTEWrite:            "cte_write",
	ReasonRowLock:             "row_lock",
	ReasonTableLock:           "table_lock",
	ReasonSelectInto:          "select_into",
	ReasonDDL:                 "ddl",
	ReasonMaintain:            "maintenance",
	ReasonCopyFrom:            "copy_from",
	ReasonServerFile:          "server_file",
	ReasonProcedure:           "procedure",
	ReasonNotify:              "notify",
	ReasonTwoPhase:            "two_phase",
	ReasonUnknownFunction:     "unknown_function",
	ReasonVolatileFunction:    "volatile_function",
	ReasonSequence:            "sequence",
	ReasonAdvisoryLock:        "advisory_lock",
	ReasonTransactionID:       "transaction_id",
	ReasonSnapshot:            "snapshot",
	ReasonLargeObject:         "large_object",
	ReasonOutside:             "outside_effect",
	ReasonNodeControl:         "node_control",
	ReasonNodeLocal:           "node_local",
	ReasonRoleProbe:           "role_probe",
	ReasonOverride:            "override",
	ReasonUnknownRelation:     "unknown_relation",
	ReasonTemporary:           "temporary_table",
	ReasonUnlogged:            "unlogged_table",
	ReasonForeign:             "foreign_table",
	ReasonView:                "view",
	ReasonOperator:            "operator",
	ReasonType:                "type",
	ReasonHiddenCall:          "hidden_call",
	ReasonSetting:             "setting",
	ReasonListen:              "listen",
	ReasonPrepared:            "prepared",
	ReasonCursor:              "cursor",
	ReasonDiscard:             "discard",
	ReasonLoad:                "load",
	ReasonProxy:               "proxy",
	ReasonTransaction:         "transaction",
	ReasonReadOnlyTransaction: "read_only_transaction",
	ReasonIsolation:           "isolation",
}

// String gives the label used in metrics and explanations.
func (r Reason) String() string {
	if r < reasons {
		return reasonNames[r]
	}
	return "reason " + strconv.Itoa(int(r))
}

// Reasons lists every reason, for metrics that start at zero.
func Reasons() []Reason {
	all := make([]Reason, reasons)
	for i := range all {
		all[i] = Reason(i)
	}
	return all
}
