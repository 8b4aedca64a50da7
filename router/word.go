package router

import "github.com/pgroute/pgroute/router/sqlscan"

// word handles an unquoted word in a query: a key word by its meaning here, or
// a name. first says that it opens its level.
func (c *Classifier) word(l *level, first bool) bool {
	switch c.tok.Keyword {
	case sqlscan.NoKeyword:
		return c.name(l)
	case sqlscan.KwSelect:
		// Only a level with SELECT has a FROM clause; in EXTRACT(year FROM x)
		// the word is part of the arguments.
		l.query, l.inFrom, l.state = true, false, stateExpr
	case sqlscan.KwFrom:
		c.from(l)
	case sqlscan.KwDistinct:
		c.distinct()
	case sqlscan.KwNot:
		c.behind = c.operandBefore()
	case sqlscan.KwAs:
		return c.as(l)
	case sqlscan.KwWhere, sqlscan.KwHaving, sqlscan.KwWindow, sqlscan.KwOrder, sqlscan.KwLimit,
		sqlscan.KwOffset, sqlscan.KwFetch, sqlscan.KwUnion, sqlscan.KwIntersect, sqlscan.KwExcept,
		sqlscan.KwReturning, sqlscan.KwGroup:
		return c.clause(l)
	case sqlscan.KwJoin:
		if c.next.Kind == sqlscan.LeftParen && !c.joins(l) {
			return c.name(l)
		}
		l.state, l.inFrom = stateFrom, true
	case sqlscan.KwOn:
		if l.inFrom { // the condition of a join; DISTINCT ON comes before FROM
			l.state = stateExpr
		}
	case sqlscan.KwUsing:
		return c.using(l)
	case sqlscan.KwTable:
		l.state = stateFrom
	case sqlscan.KwWith:
		// Elsewhere it belongs to WITH ORDINALITY, WITH TIES, WITH TIME ZONE.
		if first {
			return c.with(l)
		}
	case sqlscan.KwFor:
		c.locking(l)
	case sqlscan.KwInto:
		c.into(l)
	case sqlscan.KwInsert, sqlscan.KwUpdate, sqlscan.KwDelete, sqlscan.KwMerge:
		return c.dml(l, first)
	case sqlscan.KwOperator:
		return c.operatorName()
	case sqlscan.KwCast:
		if c.next.Kind == sqlscan.LeftParen {
			c.advance()
			return c.push(levelCast, stateExpr)
		}
	default:
		return c.otherWord(l)
	}
	return true
}

// clause ends FROM. WITHIN GROUP does not; it stands inside an expression.
func (c *Classifier) clause(l *level) bool {
	if c.tok.Keyword == sqlscan.KwGroup && c.prev.Keyword == sqlscan.KwWithin {
		return c.arguments()
	}
	l.grouping = c.tok.Keyword == sqlscan.KwGroup
	if c.tok.Keyword == sqlscan.KwReturning && l.kind != levelGroup && l.kind != levelCTE {
		return c.castTo(true) // JSON_VALUE(… RETURNING type)
	}
	l.inFrom, l.state = false, stateExpr
	return true
}

// from begins the FROM clause, unless it belongs to EXTRACT(… FROM …) and the
// like, whose level holds no SELECT.
func (c *Classifier) from(l *level) {
	if l.query {
		l.state, l.inFrom = stateFrom, true
	}
}

// distinct passes the FROM of IS [NOT] DISTINCT FROM. The word may also be a
// label, and FROM then begins its clause.
func (c *Classifier) distinct() {
	c.keywordOperator()
	if k := c.prev.Keyword; (k == sqlscan.KwIs || k == sqlscan.KwNot) && c.next.Keyword == sqlscan.KwFrom {
		c.advance()
	}
}

// as names a column, a relation or the type of a cast. Any word may follow it
// as a label, so the word is passed unread.
func (c *Classifier) as(l *level) bool {
	if l.kind == levelCast {
		return c.castTo(false)
	}
	if l.kind == levelRowsFrom && c.next.Kind == sqlscan.LeftParen {
		c.advance()
		return c.push(levelColumns, stateColumns)
	}
	if !c.next.IsName() {
		return true
	}
	c.advance()
	c.tok.Keyword = sqlscan.NoKeyword // any word may be a label
	if l.state == stateAlias {
		return c.alias()
	}
	return true
}

// using belongs to a join, or begins the second relation of DELETE and MERGE.
func (c *Classifier) using(l *level) bool {
	c.keywordOperator()
	switch {
	case l.dml:
		l.state, l.inFrom = stateFrom, true
	case l.inFrom && c.next.Kind == sqlscan.LeftParen:
		l.state = stateAlias
	}
	return true
}

// locking finds FOR UPDATE and its kin. FOR in substring(a FROM b FOR c) is
// followed by an expression; where that begins with one of these words, the
// mistake is on the safe side.
func (c *Classifier) locking(l *level) {
	switch c.next.Keyword {
	case sqlscan.KwUpdate, sqlscan.KwNo, sqlscan.KwShare, sqlscan.KwKey:
		if c.mode == modePlain {
			c.demote(ClassWrite, ReasonRowLock, Span{c.tok.Start, c.next.End})
		}
		if c.next.Keyword == sqlscan.KwUpdate {
			c.advance()
		}
		l.inFrom, l.state = false, stateExpr
	}
}

// into makes a table of SELECT, or names the target of INSERT and MERGE.
func (c *Classifier) into(l *level) {
	if l.dml {
		l.state = stateTarget
		return
	}
	if c.mode == modePlain {
		c.demote(ClassWrite, ReasonSelectInto, spanOf(c.tok))
		c.st.Effects |= EffectWrite | EffectDDL | EffectCatalog
		if c.next.Keyword == sqlscan.KwTemp || c.next.Keyword == sqlscan.KwTemporary || c.path.TempFirst() {
			c.st.Effects |= EffectTempTable
		}
	}
	if c.depth == 0 {
		c.st.Verb = VerbSelectInto
	}
}

// dml handles the four verbs that write, at any depth. They are not reserved,
// and so may also name a column or a function; statements begin with them only
// where writes looks for them.
func (c *Classifier) dml(l *level, first bool) bool {
	switch {
	case c.prev.Keyword == sqlscan.KwKey && c.tok.Keyword == sqlscan.KwUpdate:
		return true // FOR NO KEY UPDATE, judged already
	case c.next.Kind == sqlscan.LeftParen && c.prev.Keyword == sqlscan.KwThen:
		return true // MERGE … THEN INSERT (columns)
	case !c.writes(l, first):
		return c.name(l)
	}
	// EXPLAIN without ANALYZE plans a write and leaves it at that.
	verb := c.tok.Keyword
	if c.mode == modePlain {
		c.st.Effects |= EffectWrite
		c.demote(ClassWrite, dmlReason(c.depth), spanOf(c.tok))
	}
	if c.depth == 0 && c.st.Verb == VerbSelect && !l.dml {
		c.st.Verb = dmlVerb(verb)
	}
	l.dml, l.query = true, true
	if verb == sqlscan.KwUpdate && c.prev.Keyword != sqlscan.KwDo && c.prev.Keyword != sqlscan.KwThen {
		l.state = stateTarget
	}
	return true
}

// writes reports whether one of the four verbs begins a statement here: first
// of all, first in the body of a WITH query, after a WITH list, or as part of
// ON CONFLICT and MERGE. What looks like a statement elsewhere is taken for
// one, in case a later PostgreSQL allows it.
func (c *Classifier) writes(l *level, first bool) bool {
	switch {
	case first && (c.depth == 0 || l.kind == levelCTE || c.next.IsName()):
		return true
	case l.state == stateWith, c.next.Keyword == sqlscan.KwInto:
		return true
	}
	return l.dml && (c.prev.Keyword == sqlscan.KwDo || c.prev.Keyword == sqlscan.KwThen)
}

// dmlReason tells a writing statement from a writing WITH query.
func dmlReason(depth int) Reason {
	if depth == 0 {
		return ReasonDML
	}
	return ReasonCTEWrite
}

// dmlVerb maps the four key words.
func dmlVerb(k sqlscan.Keyword) Verb {
	switch k {
	case sqlscan.KwInsert:
		return VerbInsert
	case sqlscan.KwUpdate:
		return VerbUpdate
	case sqlscan.KwDelete:
		return VerbDelete
	}
	return VerbMerge
}

// otherWord handles the key words that need no rule of their own, by category.
func (c *Classifier) otherWord(l *level) bool {
	switch c.tok.Keyword.Category() {
	case sqlscan.Reserved:
		c.keywordOperator()
		return true
	case sqlscan.ColumnName, sqlscan.NewColumnName:
		return c.columnWord(l)
	case sqlscan.FunctionOrType:
		return c.functionWord(l)
	}
	return c.plainWord(l)
}

// functionWord is a word such as left or like: part of a join or an operator,
// or the name of a function.
func (c *Classifier) functionWord(l *level) bool {
	switch {
	case c.tok.Keyword == sqlscan.KwTablesample && l.state == stateAlias:
		return c.tablesample()
	case c.next.Kind == sqlscan.Dot:
		return c.name(l)
	case c.next.Kind == sqlscan.LeftParen && l.state != stateAlias && !c.partOfClause(l):
		return c.call(l, c.prev, sqlscan.Token{}, c.tok)
	}
	c.keywordOperator()
	return true
}

// tablesample looks up the sampling method, whose arguments follow.
func (c *Classifier) tablesample() bool {
	if !c.next.IsName() {
		return true
	}
	c.advance()
	if c.next.Kind == sqlscan.Dot || !c.spells(c.tok, "system") && !c.spells(c.tok, "bernoulli") {
		c.nameAsMethod()
	}
	return c.arguments()
}

// arguments enters the parentheses that follow, if any.
func (c *Classifier) arguments() bool {
	if c.next.Kind != sqlscan.LeftParen {
		return true
	}
	c.advance()
	return c.push(levelCall, stateExpr)
}

// nameAsMethod checks a sampling method that is not one of PostgreSQL's.
func (c *Classifier) nameAsMethod() {
	var schema sqlscan.Token
	last := c.tok
	for c.next.Kind == sqlscan.Dot {
		c.advance()
		if !c.next.IsName() {
			return
		}
		c.advance()
		schema, last = last, c.tok
	}
	c.function(schema, last)
}

// plainWord is an unreserved key word: mostly a name, and in a few places part
// of a clause.
func (c *Classifier) plainWord(l *level) bool {
	switch c.tok.Keyword {
	case sqlscan.KwRows:
		if l.state == stateFrom && c.next.Keyword == sqlscan.KwFrom {
			return c.rowsFrom(l)
		}
	case sqlscan.KwOrdinality:
		if c.prev.Keyword == sqlscan.KwWith {
			return true
		}
	case sqlscan.KwRepeatable:
		if l.state == stateAlias {
			return c.arguments()
		}
	case sqlscan.KwSearch, sqlscan.KwCycle:
		if l.state == stateWith {
			return c.searchOrCycle()
		}
	case sqlscan.KwSet:
		if l.dml {
			l.state, l.inFrom = stateExpr, false
			return true
		}
	case sqlscan.KwColumns:
		if l.kind == levelTable {
			return c.columns(l)
		}
	}
	if c.next.Kind == sqlscan.LeftParen && l.state != stateAlias && c.partOfClause(l) {
		return c.clauseGroup()
	}
	return c.name(l)
}

// columns begins the columns of XMLTABLE, or those of JSON_TABLE, which have
// parentheses and always follow a path or a label.
func (c *Classifier) columns(l *level) bool {
	switch {
	case c.next.Kind != sqlscan.LeftParen:
		l.state = stateColumns
		return true
	case !c.operandBefore():
		return c.name(l)
	}
	c.advance()
	return c.push(levelTable, stateColumns)
}

// rowsFrom enters ROWS FROM ( function calls ).
func (c *Classifier) rowsFrom(l *level) bool {
	c.advance()
	if c.next.Kind != sqlscan.LeftParen {
		return true
	}
	l.state = stateAlias
	c.advance()
	return c.push(levelRowsFrom, stateExpr)
}

// columnWord is a word such as coalesce, cast or numeric, which cannot name a
// function of a user, except where the grammar says so.
func (c *Classifier) columnWord(l *level) bool {
	if c.next.Kind != sqlscan.LeftParen {
		switch {
		case l.state == stateColumns:
			c.columnPart(l, c.prev, sqlscan.Token{}, c.tok)
		case c.next.Kind == sqlscan.Dot, l.state == stateFrom, l.state == stateAlias, l.state == stateTarget:
			return c.name(l)
		}
		c.keywordOperator()
		return true
	}
	kind := levelCall
	switch c.tok.Keyword {
	case sqlscan.KwValues:
		l.inFrom, l.state = false, stateExpr
		return true
	case sqlscan.KwXmlserialize:
		kind = levelCast
	case sqlscan.KwXmltable:
		kind = levelTable
	case sqlscan.KwJsonTable:
		kind = levelTable
		c.function(sqlscan.Token{}, c.tok) // a plain name before PostgreSQL 17
	case sqlscan.KwTreat:
		// TREAT(x AS t) calls pg_catalog.t(x), whatever t is.
		c.unknown(ReasonUnknownFunction)
	case sqlscan.KwOverlay, sqlscan.KwSubstring:
		// With plain arguments these are ordinary calls, found along
		// search_path (gram.y, func_expr_common_subexpr).
		c.function(sqlscan.Token{}, c.tok)
	default:
		if c.tok.Keyword.Category() == sqlscan.NewColumnName {
			c.function(sqlscan.Token{}, c.tok)
		}
		c.keywordOperator()
	}
	if l.state == stateFrom {
		l.state = stateAlias
	}
	c.advance()
	return c.push(kind, stateExpr)
}
