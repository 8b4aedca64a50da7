package router

import "strconv"

// Verb is what a statement does, as far as the session cares.
type Verb uint8

// Verbs.
const (
	VerbUnknown Verb = iota
	VerbSelect       // SELECT, VALUES, TABLE, WITH of those
	VerbSelectInto
	VerbInsert
	VerbUpdate
	VerbDelete
	VerbMerge
	VerbTruncate
	VerbExplain
	VerbExplainRoute // EXPLAIN ROUTE: answered by pgroute; Body is the statement
	VerbCopyIn       // COPY … FROM STDIN
	VerbCopyOut      // COPY … TO STDOUT
	VerbCopyFile     // COPY from or to a file or program of the server

	VerbBegin // BEGIN, START TRANSACTION; flags tell the modes
	VerbCommit
	VerbRollback
	VerbSavepoint
	VerbRollbackTo
	VerbRelease
	VerbPrepareTransaction
	VerbCommitPrepared
	VerbRollbackPrepared
	VerbSetTransaction // SET TRANSACTION, SET LOCAL transaction_read_only, …
	VerbSetConstraints

	VerbSet // SET [SESSION]; Settings tell what
	VerbSetLocal
	VerbReset
	VerbResetAll
	VerbShow
	VerbSetProxy   // SET pgroute.…: answered by pgroute
	VerbResetProxy // RESET pgroute.…
	VerbShowProxy  // SHOW pgroute.…

	VerbPrepare
	VerbExecute
	VerbDeallocate
	VerbDeallocateAll
	VerbDiscardAll
	VerbDiscard // PLANS, SEQUENCES, TEMP
	VerbListen
	VerbUnlisten
	VerbUnlistenAll
	VerbNotify
	VerbDeclare
	VerbFetch // FETCH, MOVE
	VerbClose
	VerbCloseAll
	VerbLock
	VerbLoad
	VerbCall
	VerbDo
	VerbDDL
	VerbCreateTemp // CREATE TEMPORARY …
	VerbMaintain   // VACUUM, ANALYZE, REINDEX, CHECKPOINT, ALTER SYSTEM, …
	verbs
)

var verbNames = [verbs]string{
	"unknown", "select", "select_into", "insert", "update", "delete", "merge", "truncate",
	"explain", "explain_route", "copy_in", "copy_out", "copy_file",
	"begin", "commit", "rollback", "savepoint", "rollback_to", "release",
	"prepare_transaction", "commit_prepared", "rollback_prepared", "set_transaction", "set_constraints",
	"set", "set_local", "reset", "reset_all", "show", "set_proxy", "reset_proxy", "show_proxy",
	"prepare", "execute", "deallocate", "deallocate_all", "discard_all", "discard",
	"listen", "unlisten", "unlisten_all", "notify", "declare", "fetch", "close", "close_all",
	"lock", "load", "call", "do", "ddl", "create_temp", "maintain",
}

// String gives the verb in lower case, words joined by underscores.
func (v Verb) String() string {
	if v < verbs {
		return verbNames[v]
	}
	return "verb " + strconv.Itoa(int(v))
}

// Flags are further facts about a statement.
type Flags uint16

// Flags of BEGIN, SET TRANSACTION, COMMIT and friends.
const (
	FlagReadOnly Flags = 1 << iota
	FlagReadWrite
	FlagReadCommitted // READ UNCOMMITTED too, which is the same to PostgreSQL
	FlagRepeatableRead
	FlagSerializable
	FlagDeferrable
	FlagNotDeferrable
	FlagSnapshot // SET TRANSACTION SNAPSHOT
	FlagChain    // COMMIT AND CHAIN
	FlagNoChain

	// FlagDefaults: SET SESSION CHARACTERISTICS, modes of later transactions.
	FlagDefaults
	// FlagAnalyze: EXPLAIN ANALYZE, which executes.
	FlagAnalyze
	// FlagBinary: DECLARE or COPY in binary, FETCH is not told.
	FlagBinary
	// FlagHold: DECLARE … WITH HOLD.
	FlagHold
)

var flagNames = [...]string{
	"read_only", "read_write", "read_committed", "repeatable_read", "serializable", "deferrable",
	"not_deferrable", "snapshot", "chain", "no_chain", "defaults", "analyze", "binary", "hold",
}

// String lists the names of the flags, comma separated; "none" for none.
func (f Flags) String() string { return bitNames(uint64(f), flagNames[:]) }

// FlagPrimary are the modes of a transaction that a standby refuses.
const FlagPrimary = FlagReadWrite | FlagSerializable | FlagDeferrable

// FlagIsolation are the flags that name an isolation level.
const FlagIsolation = FlagReadCommitted | FlagRepeatableRead | FlagSerializable
