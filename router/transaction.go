package router

import "github.com/pgroute/pgroute/router/sqlscan"

// transaction is BEGIN, COMMIT, ROLLBACK, SAVEPOINT and their kin.
func (c *Classifier) transaction() {
	switch c.tok.Keyword {
	case sqlscan.KwBegin, sqlscan.KwStart:
		c.is(VerbBegin, ClassTransaction, ReasonTransaction, 0)
		c.advance()
		c.transactionModes()
	case sqlscan.KwCommit, sqlscan.KwEnd:
		c.ending(VerbCommit, VerbCommitPrepared)
	case sqlscan.KwRollback, sqlscan.KwAbort:
		c.ending(VerbRollback, VerbRollbackPrepared)
	case sqlscan.KwSavepoint:
		c.is(VerbSavepoint, ClassTransaction, ReasonTransaction, 0)
		c.named()
	case sqlscan.KwRelease:
		c.is(VerbRelease, ClassTransaction, ReasonTransaction, 0)
		c.savepointName()
	}
}

// savepointName reads [SAVEPOINT] name after the current token.
func (c *Classifier) savepointName() {
	c.named()
	if c.tok.Keyword == sqlscan.KwSavepoint && c.next.IsName() {
		c.named()
	}
}

// ending is COMMIT or ROLLBACK in all forms.
func (c *Classifier) ending(plain, prepared Verb) {
	c.is(plain, ClassTransaction, ReasonTransaction, 0)
	if c.next.Keyword == sqlscan.KwPrepared {
		c.st.Verb, c.st.Reason = prepared, ReasonTwoPhase
		c.st.Effects |= EffectWrite
		return
	}
	if c.next.Keyword == sqlscan.KwWork || c.next.Keyword == sqlscan.KwTransaction {
		c.advance()
	}
	switch c.next.Keyword {
	case sqlscan.KwTo:
		c.st.Verb = VerbRollbackTo
		c.advance()
		c.savepointName()
	case sqlscan.KwAnd:
		c.advance()
		c.st.Flags |= FlagChain
		if c.next.Keyword == sqlscan.KwNo {
			c.st.Flags ^= FlagChain | FlagNoChain
		}
	}
}

// transactionModes reads the list of modes up to the end of the statement and
// sets flags and reason. Later modes win over earlier ones, as in PostgreSQL.
func (c *Classifier) transactionModes() {
	for c.tok.Kind != sqlscan.EOF && c.tok.Kind != sqlscan.Semicolon && c.tok.Kind != sqlscan.Invalid {
		switch c.tok.Keyword {
		case sqlscan.KwOnly:
			c.exclusive(FlagReadOnly, FlagReadWrite)
		case sqlscan.KwWrite:
			c.exclusive(FlagReadWrite, FlagReadOnly)
		case sqlscan.KwSerializable:
			c.exclusive(FlagSerializable, FlagIsolation)
		case sqlscan.KwRepeatable:
			c.exclusive(FlagRepeatableRead, FlagIsolation)
		case sqlscan.KwCommitted, sqlscan.KwUncommitted:
			c.exclusive(FlagReadCommitted, FlagIsolation)
		case sqlscan.KwDeferrable:
			if c.prev.Keyword == sqlscan.KwNot {
				c.exclusive(FlagNotDeferrable, FlagDeferrable)
			} else {
				c.exclusive(FlagDeferrable, FlagNotDeferrable)
			}
		case sqlscan.KwSnapshot:
			c.st.Flags |= FlagSnapshot
		}
		c.advance()
	}
	c.st.Reason = modesReason(c.st.Flags)
}

// exclusive sets a flag and clears its rivals.
func (c *Classifier) exclusive(set, clear Flags) { c.st.Flags = c.st.Flags&^clear | set }

// modesReason tells what the modes of a transaction mean for its node: a
// standby runs READ ONLY ones, but refuses SERIALIZABLE.
func modesReason(f Flags) Reason {
	switch {
	case f&(FlagSerializable|FlagDeferrable) != 0:
		return ReasonIsolation
	case f&FlagSnapshot != 0:
		return ReasonSnapshot
	case f&FlagReadOnly != 0:
		return ReasonReadOnlyTransaction
	}
	return ReasonTransaction
}
