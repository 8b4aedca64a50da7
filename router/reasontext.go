package router

// reasonTexts say in plain words what the labels stand for.
var reasonTexts = [reasons]string{
	ReasonNone:                "it was not judged",
	ReasonRead:                "nothing in it needs the primary",
	ReasonEmpty:               "it has no statement",
	ReasonUnknownStatement:    "the statement was not understood",
	ReasonUnterminated:        "a string, comment, identifier or parenthesis is left open",
	ReasonBadByte:             "it has a byte that no SQL can have",
	ReasonEncoding:            "its bytes cannot be read for sure in the client's encoding",
	ReasonTooComplex:          "it is too long or too deeply nested to be judged",
	ReasonMixed:               "it has several statements, not all of them reads",
	ReasonDML:                 "it changes rows",
	ReasonCTEWrite:            "it changes rows inside WITH",
	ReasonRowLock:             "it locks rows",
	ReasonTableLock:           "it locks a table",
	ReasonSelectInto:          "SELECT INTO makes a table",
	ReasonDDL:                 "it changes the schema",
	ReasonMaintain:            "it maintains tables or the server",
	ReasonCopyFrom:            "COPY FROM writes",
	ReasonServerFile:          "it uses a file or program of the server",
	ReasonProcedure:           "CALL and DO may do anything",
	ReasonNotify:              "it notifies, which only the primary can",
	ReasonTwoPhase:            "it is part of a two-phase commit",
	ReasonUnknownFunction:     "it calls a function that the catalogue does not know",
	ReasonVolatileFunction:    "it calls a volatile function, which may write",
	ReasonSequence:            "it uses a sequence",
	ReasonAdvisoryLock:        "advisory locks exclude nobody on another node",
	ReasonTransactionID:       "it has to do with transaction IDs, which standbys do not assign",
	ReasonSnapshot:            "it exports or imports a snapshot, which is a node's own",
	ReasonLargeObject:         "it uses large objects",
	ReasonOutside:             "it may have effects outside the database",
	ReasonNodeControl:         "it controls the node it runs on",
	ReasonNodeLocal:           "its answer is not the same on every node",
	ReasonRoleProbe:           "it asks whether this is a primary, and sessions see one",
	ReasonOverride:            "it was configured to go to the primary, or a standby has refused it",
	ReasonUnknownRelation:     "it names a relation that the catalogue does not know",
	ReasonTemporary:           "it uses a temporary table",
	ReasonUnlogged:            "it uses an unlogged table, which standbys do not have",
	ReasonForeign:             "it uses a foreign table",
	ReasonView:                "it uses a view or policy that calls such a function",
	ReasonOperator:            "it uses an operator whose function needs the primary",
	ReasonType:                "it uses a type or cast whose function needs the primary",
	ReasonHiddenCall:          "the database itself would call such a function",
	ReasonSetting:             "it changes a setting of the session",
	ReasonListen:              "it listens for notifications",
	ReasonPrepared:            "it uses a statement prepared in SQL",
	ReasonCursor:              "it uses a cursor outside of a read-only transaction",
	ReasonDiscard:             "it discards session state",
	ReasonLoad:                "it loads a library",
	ReasonProxy:               "pgroute answers it",
	ReasonTransaction:         "it controls a transaction",
	ReasonReadOnlyTransaction: "it begins a transaction that only reads",
	ReasonIsolation:           "standbys refuse this isolation level",
}

// Text gives one clause in plain words, for explanations.
func (r Reason) Text() string {
	if r < reasons {
		return reasonTexts[r]
	}
	return r.String()
}
