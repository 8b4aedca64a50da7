package router

import "github.com/pgroute/pgroute/router/sqlscan"

// sessionCommand is a statement about the session's own objects.
func (c *Classifier) sessionCommand() {
	switch c.tok.Keyword {
	case sqlscan.KwExecute:
		c.is(VerbExecute, ClassSession, ReasonPrepared, EffectWrite)
		c.named()
	case sqlscan.KwDeallocate:
		c.deallocate()
	case sqlscan.KwDiscard:
		c.is(VerbDiscard, ClassSession, ReasonDiscard, 0)
		if c.next.Keyword == sqlscan.KwAll {
			c.st.Verb = VerbDiscardAll
		}
	case sqlscan.KwListen:
		c.is(VerbListen, ClassSession, ReasonListen, EffectListen)
		c.named()
	case sqlscan.KwUnlisten:
		c.is(VerbUnlisten, ClassSession, ReasonListen, 0)
		if c.next.Kind == sqlscan.Operator {
			c.st.Verb = VerbUnlistenAll
		}
		c.named()
	case sqlscan.KwNotify:
		c.is(VerbNotify, ClassWrite, ReasonNotify, EffectWrite)
		c.named()
	case sqlscan.KwLoad:
		c.is(VerbLoad, ClassSession, ReasonLoad, EffectLoad)
	case sqlscan.KwDeclare:
		c.declare()
	case sqlscan.KwFetch, sqlscan.KwMove:
		c.fetch()
	case sqlscan.KwClose:
		c.is(VerbClose, ClassSession, ReasonCursor, 0)
		if c.next.Keyword == sqlscan.KwAll {
			c.st.Verb = VerbCloseAll
		}
		c.named()
	}
}

// named moves to the name that follows and keeps its place.
func (c *Classifier) named() {
	if c.next.IsName() {
		c.advance()
		c.st.Name = spanOf(c.tok)
	}
}

// deallocate is DEALLOCATE [PREPARE] name or ALL.
func (c *Classifier) deallocate() {
	c.is(VerbDeallocate, ClassSession, ReasonPrepared, 0)
	if c.next.Keyword == sqlscan.KwPrepare {
		c.advance()
		if !c.next.IsName() {
			c.st.Name = spanOf(c.tok) // a statement that is called prepare
			return
		}
	}
	if c.next.Keyword == sqlscan.KwAll {
		c.st.Verb = VerbDeallocateAll
		return
	}
	c.named()
}

// prepare is PREPARE name [(types)] AS statement, or PREPARE TRANSACTION.
func (c *Classifier) prepare() {
	if c.next.Keyword == sqlscan.KwTransaction {
		c.advance()
		if c.next.IsString() {
			c.is(VerbPrepareTransaction, ClassTransaction, ReasonTwoPhase, EffectWrite)
			return
		}
		c.st.Name = spanOf(c.tok)
	} else {
		c.named()
	}
	c.is(VerbPrepare, ClassSession, ReasonPrepared, EffectSQLPrepare)
	for c.tok.Keyword != sqlscan.KwAs {
		if c.tok.Kind == sqlscan.EOF || c.tok.Kind == sqlscan.Semicolon || c.tok.Kind == sqlscan.Invalid {
			return
		}
		c.advance()
	}
	c.advance()
	c.body(modePlain)
}

// body reads the statement inside another. Its class is not that of the outer
// one; what it may leave behind when it is executed later counts as unknown.
func (c *Classifier) body(m mode) {
	outer, start := c.st, c.tok.Start
	c.mode = m
	c.st = Statement{Class: ClassRead, Reason: ReasonRead}
	c.st.firstSetting = outer.firstSetting
	if queryStart(c.tok) || dmlStart(c.tok.Keyword) {
		c.st.Verb = VerbSelect
		c.query()
	}
	// The body is not executed now, so of what it does only the settings it
	// names and the doubt it leaves are kept.
	inner := c.st
	for c.tok.Kind != sqlscan.EOF && c.tok.Kind != sqlscan.Semicolon && c.tok.Kind != sqlscan.Invalid {
		c.advance()
	}
	c.st = outer
	c.st.settingCount = inner.settingCount
	c.endBody(start)
	if inner.Effects.Has(SessionState &^ EffectSequence) {
		c.st.Effects |= EffectUnknownState
	}
	c.st.Effects |= inner.Effects & EffectSequence
}

// dmlStart reports the four verbs.
func dmlStart(k sqlscan.Keyword) bool {
	switch k {
	case sqlscan.KwInsert, sqlscan.KwUpdate, sqlscan.KwDelete, sqlscan.KwMerge:
		return true
	}
	return false
}

// declare is DECLARE name … CURSOR [WITH HOLD] FOR query. It is a read when
// its query is; only a cursor held beyond its transaction is the session's.
func (c *Classifier) declare() {
	c.st.Verb = VerbDeclare
	c.named()
	for c.tok.Keyword != sqlscan.KwFor {
		switch {
		case c.tok.Kind == sqlscan.EOF, c.tok.Kind == sqlscan.Semicolon, c.tok.Kind == sqlscan.Invalid:
			c.unknown(ReasonUnknownStatement)
			return
		case c.tok.Keyword == sqlscan.KwHold && c.prev.Keyword == sqlscan.KwWith:
			c.st.Flags |= FlagHold
			c.st.Effects |= EffectHoldCursor
			c.demote(ClassSession, ReasonCursor, spanOf(c.tok))
		case c.tok.Keyword == sqlscan.KwBinary:
			c.st.Flags |= FlagBinary
		}
		c.advance()
	}
	c.advance()
	if !queryStart(c.tok) {
		c.unknown(ReasonUnknownStatement)
		return
	}
	start := c.tok.Start
	c.query()
	c.endBody(start)
}

// endBody sets the span of an inner statement that ends before the current
// token; a missing one has none.
func (c *Classifier) endBody(start uint32) {
	if c.prev.End > start {
		c.st.Body = Span{start, c.prev.End}
	}
}

// fetch is FETCH or MOVE: the cursor's name is the last word.
func (c *Classifier) fetch() {
	c.is(VerbFetch, ClassSession, ReasonCursor, 0)
	for c.tok.Kind != sqlscan.EOF && c.tok.Kind != sqlscan.Semicolon && c.tok.Kind != sqlscan.Invalid {
		if c.tok.IsName() {
			c.st.Name = spanOf(c.tok)
		}
		c.advance()
	}
}

// explain is EXPLAIN [(options)] [ANALYZE] [VERBOSE] statement. Without
// ANALYZE nothing is executed, and only the relations matter: a standby cannot
// even plan a query on an unlogged table.
func (c *Classifier) explain() {
	c.st.Verb = VerbExplain
	c.advance()
	if c.tok.Kind == sqlscan.Word && c.tok.Keyword == sqlscan.NoKeyword && c.spells(c.tok, "route") {
		c.explainRoute()
		return
	}
	if c.tok.Kind == sqlscan.LeftParen && !queryStart(c.next) && c.next.Kind != sqlscan.LeftParen {
		c.explainOptions()
	}
	for c.tok.Keyword == sqlscan.KwAnalyze || c.tok.Keyword == sqlscan.KwAnalyse || c.tok.Keyword == sqlscan.KwVerbose {
		if c.tok.Keyword != sqlscan.KwVerbose {
			c.st.Flags |= FlagAnalyze
		}
		c.advance()
	}
	if c.st.Flags&FlagAnalyze == 0 {
		c.mode = modeExplain
	}
	if !queryStart(c.tok) && !dmlStart(c.tok.Keyword) {
		// EXECUTE, DECLARE, CREATE TABLE AS, REFRESH: planned by way of the
		// session, or executed, and then nobody knows.
		c.demote(ClassUnknown, ReasonUnknownStatement, spanOf(c.tok))
		if c.mode == modePlain {
			c.st.Effects |= EffectUnknownState | EffectWrite
		}
		return
	}
	start := c.tok.Start
	c.query()
	c.endBody(start)
}

// explainOptions passes the options in parentheses. Any mention of ANALYZE
// counts, even ANALYZE false: planning only is the exception.
func (c *Classifier) explainOptions() {
	for c.tok.Kind != sqlscan.RightParen && c.tok.Kind != sqlscan.EOF && c.tok.Kind != sqlscan.Invalid {
		if c.tok.IsName() && (c.spells(c.tok, "analyze") || c.spells(c.tok, "analyse")) {
			c.st.Flags |= FlagAnalyze
		}
		c.advance()
	}
	if c.tok.Kind == sqlscan.RightParen {
		c.advance()
	}
}

// explainRoute is pgroute's own statement.
func (c *Classifier) explainRoute() {
	c.is(VerbExplainRoute, ClassSession, ReasonProxy, 0)
	c.advance()
	start := c.tok.Start
	for c.tok.Kind != sqlscan.EOF && c.tok.Kind != sqlscan.Semicolon && c.tok.Kind != sqlscan.Invalid {
		c.advance()
	}
	c.endBody(start)
}

// copy is COPY relation [(columns)] FROM or TO, or COPY (query) TO.
func (c *Classifier) copy() {
	c.st.Verb = VerbCopyOut
	c.advance()
	if c.tok.Keyword == sqlscan.KwBinary {
		c.advance()
	}
	if c.tok.Kind == sqlscan.LeftParen {
		c.copyQuery()
	} else {
		c.copyRelation()
	}
	switch c.tok.Keyword {
	case sqlscan.KwTo:
	case sqlscan.KwFrom:
		c.st.Verb = VerbCopyIn
		c.st.Effects |= EffectWrite
		c.demote(ClassWrite, ReasonCopyFrom, spanOf(c.tok))
	default:
		c.unknown(ReasonUnknownStatement)
		return
	}
	// STDIN and STDOUT are the client; anything else is a file or program of
	// the server the statement runs on.
	if n := c.next.Keyword; n != sqlscan.KwStdin && n != sqlscan.KwStdout {
		c.st.Verb = VerbCopyFile
		c.st.Effects |= EffectOutside
		c.demote(ClassWrite, ReasonServerFile, spanOf(c.next))
	}
}

// copyQuery reads the query in parentheses and stops at the word after it.
func (c *Classifier) copyQuery() {
	c.advance()
	c.enter()
	for c.tok.Kind != sqlscan.RightParen || c.depth > 0 {
		if !c.queryToken() {
			c.unknown(ReasonUnknownStatement)
			return
		}
		c.advance()
	}
	if c.st.Class == ClassWrite && c.st.Reason == ReasonDML {
		c.st.Reason = ReasonCTEWrite
	}
	c.st.Verb = VerbCopyOut
	c.advance()
}

// copyRelation reads the relation and its columns and stops at FROM or TO.
func (c *Classifier) copyRelation() {
	var schema, last = c.tok, c.tok
	schema.Kind = 0
	for c.next.Kind == sqlscan.Dot {
		c.advance()
		c.advance()
		schema, last = last, c.tok
	}
	if !last.IsName() {
		c.unknown(ReasonUnknownStatement)
		return
	}
	c.nctes = 0
	if c.tokenAfterColumns(); c.tok.Keyword == sqlscan.KwTo {
		c.relation(schema, last)
	}
}

// tokenAfterColumns moves past the name and a list of columns.
func (c *Classifier) tokenAfterColumns() {
	c.advance()
	if c.tok.Kind != sqlscan.LeftParen {
		return
	}
	for c.tok.Kind != sqlscan.RightParen && c.tok.Kind != sqlscan.EOF && c.tok.Kind != sqlscan.Semicolon {
		c.advance()
	}
	c.advance()
}
