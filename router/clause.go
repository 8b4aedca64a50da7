package router

import "github.com/pgroute/pgroute/router/sqlscan"

// partOfClause reports whether the current word, which stands in front of a
// parenthesis and is not reserved, belongs to a clause there. Each could name
// a function too; only its place tells, and where that leaves a doubt it is a
// function.
func (c *Classifier) partOfClause(l *level) bool {
	switch c.tok.Keyword {
	case sqlscan.KwOver, sqlscan.KwFilter:
		return c.prev.Kind == sqlscan.RightParen && c.popped == levelCall
	case sqlscan.KwBy:
		k := c.prev.Keyword
		return k == sqlscan.KwOrder || k == sqlscan.KwGroup || k == sqlscan.KwPartition && c.depth > 0
	case sqlscan.KwCube, sqlscan.KwRollup:
		return l.grouping
	case sqlscan.KwSets:
		return c.prev.Keyword == sqlscan.KwGrouping && l.grouping
	case sqlscan.KwZone:
		return c.prev.Keyword == sqlscan.KwTime
	case sqlscan.KwFirst, sqlscan.KwNext:
		return c.prev.Keyword == sqlscan.KwFetch
	case sqlscan.KwSecond:
		k := c.prev.Keyword
		return k == sqlscan.KwInterval || k == sqlscan.KwTo || c.operandBefore()
	case sqlscan.KwConflict:
		return l.dml && c.prev.Keyword == sqlscan.KwOn
	case sqlscan.KwEscape, sqlscan.KwPassing, sqlscan.KwPath, sqlscan.KwValue, sqlscan.KwRows, sqlscan.KwRange,
		sqlscan.KwGroups, sqlscan.KwOverlaps:
		return c.operandBefore()
	case sqlscan.KwLike, sqlscan.KwIlike:
		// In a NOT LIKE (…) it is an operator; in WHERE NOT like(…) a call.
		return c.prev.Keyword == sqlscan.KwNot && c.behind || c.operandBefore()
	}
	return false
}

// clauseGroup enters the parentheses of a clause. Those of FILTER count as
// arguments, because OVER may follow; those of GROUPING SETS as GROUP BY.
func (c *Classifier) clauseGroup() bool {
	switch c.tok.Keyword {
	case sqlscan.KwFilter:
		return c.arguments()
	case sqlscan.KwSets:
		c.advance()
		if !c.push(levelGroup, stateExpr) {
			return false
		}
		c.top().grouping = true
	}
	return true
}

// joins reports whether JOIN in front of a parenthesis is the key word and not
// a function, which it may name: it follows a relation, one of the words that
// go with it, or the condition of another join.
func (c *Classifier) joins(l *level) bool {
	if l.state == stateAlias {
		return true
	}
	switch c.prev.Keyword {
	case sqlscan.KwLeft, sqlscan.KwRight, sqlscan.KwFull, sqlscan.KwInner, sqlscan.KwCross, sqlscan.KwNatural,
		sqlscan.KwOuter, sqlscan.KwTrue, sqlscan.KwFalse, sqlscan.KwNull, sqlscan.KwEnd:
		return l.inFrom
	}
	return l.inFrom && c.operandBefore()
}

// operandBefore reports whether the token before the current one ends an
// operand, so that no call can begin here.
func (c *Classifier) operandBefore() bool {
	switch t := c.prev; t.Kind {
	case sqlscan.RightParen:
		return c.popped != levelOn
	case sqlscan.RightBracket, sqlscan.Quoted, sqlscan.Integer, sqlscan.Float, sqlscan.Param,
		sqlscan.BitString, sqlscan.NationalString:
		return true
	case sqlscan.Word:
		return t.Keyword == sqlscan.NoKeyword
	default:
		return t.IsString()
	}
}
