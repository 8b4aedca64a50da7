package router

import "github.com/pgroute/pgroute/router/sqlscan"

// dispatch reads one statement by its first word. It may stop before the
// statement's end; what follows is skipped.
func (c *Classifier) dispatch() {
	if c.tok.Kind == sqlscan.LeftParen {
		c.st.Verb = VerbSelect
		c.query()
		return
	}
	switch c.tok.Keyword {
	case sqlscan.KwSelect, sqlscan.KwWith, sqlscan.KwValues, sqlscan.KwTable:
		c.st.Verb = VerbSelect
		c.query()
	case sqlscan.KwInsert, sqlscan.KwUpdate, sqlscan.KwDelete, sqlscan.KwMerge:
		c.st.Verb = dmlVerb(c.tok.Keyword)
		c.query()
	case sqlscan.KwBegin, sqlscan.KwStart, sqlscan.KwCommit, sqlscan.KwEnd, sqlscan.KwRollback,
		sqlscan.KwAbort, sqlscan.KwSavepoint, sqlscan.KwRelease:
		c.transaction()
	case sqlscan.KwSet:
		c.set()
	case sqlscan.KwReset:
		c.reset()
	case sqlscan.KwShow:
		c.show()
	case sqlscan.KwExplain:
		c.explain()
	case sqlscan.KwCopy:
		c.copy()
	case sqlscan.KwPrepare:
		c.prepare()
	case sqlscan.KwExecute, sqlscan.KwDeallocate, sqlscan.KwDiscard, sqlscan.KwListen, sqlscan.KwUnlisten,
		sqlscan.KwNotify, sqlscan.KwDeclare, sqlscan.KwFetch, sqlscan.KwMove, sqlscan.KwClose, sqlscan.KwLoad:
		c.sessionCommand()
	case sqlscan.KwCreate, sqlscan.KwAlter, sqlscan.KwDrop:
		c.ddl()
	default:
		c.otherCommand()
	}
}

// otherCommand is a statement whose first word says enough.
func (c *Classifier) otherCommand() {
	const ddl = EffectWrite | EffectDDL
	switch c.tok.Keyword {
	case sqlscan.KwTruncate:
		c.is(VerbTruncate, ClassWrite, ReasonDML, EffectWrite)
	case sqlscan.KwLock:
		c.is(VerbLock, ClassWrite, ReasonTableLock, EffectNode)
	case sqlscan.KwCall:
		c.is(VerbCall, ClassWrite, ReasonProcedure, EffectWrite|EffectUnknownState)
	case sqlscan.KwDo:
		// A DO block often is a migration.
		c.is(VerbDo, ClassWrite, ReasonProcedure, ddl|EffectCatalog|EffectUnknownState)
	case sqlscan.KwComment, sqlscan.KwGrant, sqlscan.KwRevoke, sqlscan.KwSecurity:
		c.is(VerbDDL, ClassWrite, ReasonDDL, ddl)
	case sqlscan.KwImport, sqlscan.KwReassign:
		c.is(VerbDDL, ClassWrite, ReasonDDL, ddl|EffectCatalog)
	case sqlscan.KwRefresh:
		c.is(VerbMaintain, ClassWrite, ReasonMaintain, EffectWrite)
	case sqlscan.KwVacuum, sqlscan.KwAnalyze, sqlscan.KwAnalyse, sqlscan.KwCluster, sqlscan.KwReindex:
		c.is(VerbMaintain, ClassWrite, ReasonMaintain, EffectWrite)
	case sqlscan.KwCheckpoint:
		c.is(VerbMaintain, ClassWrite, ReasonMaintain, EffectOutside)
	default:
		c.unknown(ReasonUnknownStatement)
	}
}

// ddl is CREATE, ALTER or DROP.
func (c *Classifier) ddl() {
	alter := c.tok.Keyword == sqlscan.KwAlter
	create := c.tok.Keyword == sqlscan.KwCreate
	if alter && c.next.Keyword == sqlscan.KwSystem {
		c.is(VerbMaintain, ClassWrite, ReasonNodeControl, EffectOutside)
		return
	}
	c.is(VerbDDL, ClassWrite, ReasonDDL, EffectWrite|EffectDDL)
	c.advance()
	if create && c.tok.Keyword == sqlscan.KwOr {
		c.advance()
		c.advance()
	}
	// CREATE [OR REPLACE] [TEMP] [UNLOGGED] … object: the words before the
	// object's kind are passed, TEMP is kept in mind.
	temp := false
	for temporaryWord(c.tok.Keyword) {
		temp = temp || c.tok.Keyword == sqlscan.KwTemp || c.tok.Keyword == sqlscan.KwTemporary
		c.advance()
	}
	object := c.tok.Keyword
	switch {
	case !create:
	case object == sqlscan.KwFunction || object == sqlscan.KwProcedure:
		c.routineBody()
	case temp:
		c.createTemp()
		return
	case c.temporaryTarget():
		c.st.Verb = VerbCreateTemp
		c.st.Effects |= EffectTempTable
	}
	if !harmlessObject(object) {
		c.st.Effects |= EffectCatalog
	}
	// CREATE TABLE AS executes its query, which may leave state behind; the
	// query of a view is only stored.
	if object == sqlscan.KwTable || object == sqlscan.KwMaterialized {
		c.createAs()
	}
}

// temporaryWord reports the words that may stand between CREATE and TABLE.
func temporaryWord(k sqlscan.Keyword) bool {
	switch k {
	case sqlscan.KwTemp, sqlscan.KwTemporary, sqlscan.KwLocal, sqlscan.KwGlobal, sqlscan.KwUnlogged,
		sqlscan.KwUnique, sqlscan.KwTrusted, sqlscan.KwProcedural, sqlscan.KwConstraint, sqlscan.KwRecursive:
		return true
	}
	return false
}

// harmlessObject reports whether creating, changing or dropping such an object
// leaves the classification catalogue as it is.
func harmlessObject(k sqlscan.Keyword) bool {
	switch k {
	case sqlscan.KwIndex, sqlscan.KwRole, sqlscan.KwUser, sqlscan.KwGroup, sqlscan.KwDatabase,
		sqlscan.KwTablespace, sqlscan.KwPublication, sqlscan.KwSubscription, sqlscan.KwStatistics:
		return true
	}
	return false
}

// createTemp is CREATE TEMPORARY …; a table dropped at commit leaves nothing.
func (c *Classifier) createTemp() {
	c.st.Verb = VerbCreateTemp
	effect := EffectTempTable
	for c.tok.Kind != sqlscan.EOF && c.tok.Kind != sqlscan.Semicolon && c.tok.Kind != sqlscan.Invalid {
		if c.prev.Keyword == sqlscan.KwCommit && c.tok.Keyword == sqlscan.KwDrop {
			effect = 0
		}
		if c.tok.Keyword == sqlscan.KwAs && queryStart(c.next) {
			c.advance()
			c.query()
			break
		}
		c.advance()
	}
	c.st.Effects |= effect
}

// createAs reads the query of CREATE TABLE … AS for what it leaves behind.
func (c *Classifier) createAs() {
	depth := 0
	for c.tok.Kind != sqlscan.EOF && c.tok.Kind != sqlscan.Invalid {
		switch {
		case c.tok.Kind == sqlscan.Semicolon && depth == 0:
			return
		case c.tok.Kind == sqlscan.LeftParen:
			depth++
		case c.tok.Kind == sqlscan.RightParen:
			depth--
		case depth == 0 && c.tok.Keyword == sqlscan.KwAs && queryStart(c.next):
			c.advance()
			c.query()
			return
		}
		c.advance()
	}
}

// queryStart reports whether a query begins with the token.
func queryStart(t sqlscan.Token) bool {
	switch t.Keyword {
	case sqlscan.KwSelect, sqlscan.KwWith, sqlscan.KwValues, sqlscan.KwTable:
		return true
	}
	return t.Kind == sqlscan.LeftParen
}

// temporaryTarget reports whether an object is created in the temporary
// schema without the word TEMPORARY: by name, or because search_path begins
// with that schema. An unknown path does not count: its session is one whose
// settings could not be followed, which is pinned for that.
func (c *Classifier) temporaryTarget() bool {
	if c.path != nil && c.path.TempFirst() {
		return true
	}
	look, prev, tok := c.scan, c.tok, c.next
	for range 8 {
		if tok.Kind == sqlscan.Dot && prev.IsName() {
			name, ok := sqlscan.Name(c.text, prev, &c.nameBuf)
			return ok && temporary(name)
		}
		if !tok.IsName() && tok.Kind != sqlscan.Dot {
			return false
		}
		prev, tok = tok, look.Next()
	}
	return false
}

// routineBody passes CREATE FUNCTION or PROCEDURE with the semicolons that
// belong to BEGIN ATOMIC … END, in which CASE … END may nest.
func (c *Classifier) routineBody() {
	c.st.Effects |= EffectCatalog
	depth := 0
	for c.tok.Kind != sqlscan.EOF && c.tok.Kind != sqlscan.Invalid {
		if c.tok.Kind == sqlscan.Semicolon && depth == 0 {
			return
		}
		if c.prev.Keyword != sqlscan.KwAs && c.prev.Kind != sqlscan.Dot {
			switch {
			case c.tok.Keyword == sqlscan.KwBegin && c.next.Keyword == sqlscan.KwAtomic,
				c.tok.Keyword == sqlscan.KwCase && depth > 0:
				depth++
			case c.tok.Keyword == sqlscan.KwEnd && depth > 0:
				depth--
			}
		}
		c.advance()
	}
}
