package router

import "github.com/pgroute/pgroute/router/sqlscan"

// How a query is read
//
// The tokens are walked once, with a stack of levels, one for each open
// parenthesis or bracket. A level knows which clause it is in, and so what a
// name would be at this place: a relation, an alias, a column, a type or a
// call. Three things must hold, and parsercheck holds them against PostgreSQL's
// own parser:
//
//   - a name in front of a parenthesis is a call unless its place rules that
//     out; being a key word of some clause is not enough (see partOfClause);
//   - a name where FROM wants a relation is looked up unless a WITH query of
//     that name is in sight;
//   - a word that begins a writing statement, where a statement can begin,
//     makes the whole a write.
//
// Errors of syntax need not be found, for the server finds them; they may lead
// anywhere but to a read with effects.

// query reads a SELECT, VALUES, TABLE, WITH, or DML statement from the current
// token to its end and demotes the statement for what it finds. It follows
// only as much grammar as it takes to tell function calls, relations, types
// and aliases apart; a shape it does not know makes the statement unknown.
func (c *Classifier) query() {
	c.enter()
	for c.queryToken() {
		c.advance()
	}
}

// queryToken handles one token; false at the end of the query, or when it was
// given up on.
func (c *Classifier) queryToken() bool {
	l := c.top()
	first := l.first
	l.first = false
	switch c.tok.Kind {
	case sqlscan.Word:
		return c.word(l, first)
	case sqlscan.Quoted, sqlscan.UnicodeQuoted:
		return c.name(l)
	case sqlscan.LeftParen:
		return c.group(l)
	case sqlscan.RightParen:
		return c.pop(false)
	case sqlscan.LeftBracket:
		return c.push(levelBracket, stateExpr)
	case sqlscan.RightBracket:
		return c.pop(true)
	case sqlscan.Comma:
		return c.comma(l)
	case sqlscan.Dot:
		return c.field()
	case sqlscan.Typecast:
		return c.castTo(false)
	case sqlscan.Operator:
		c.operator(sqlscan.Token{}, c.tok)
	case sqlscan.EOF, sqlscan.Semicolon:
		if c.depth > 0 {
			c.unknown(ReasonUnterminated)
		}
		return false
	case sqlscan.Invalid:
		return false
	}
	return true
}

// group opens plain parentheses. In FROM they hold a join or a subquery, after
// an alias its columns.
func (c *Classifier) group(l *level) bool {
	switch l.state {
	case stateFrom:
		l.state = stateAlias
		if !c.push(levelGroup, stateFrom) {
			return false
		}
		c.top().inFrom = true
		return true
	case stateAlias, stateColumns:
		return c.push(levelColumns, stateColumns)
	}
	if c.prev.Keyword == sqlscan.KwOn && !l.inFrom {
		return c.push(levelOn, stateExpr)
	}
	return c.push(levelGroup, stateExpr)
}

// comma goes to the next relation of FROM, the next query of WITH, or the
// next element of anything else.
func (c *Classifier) comma(l *level) bool {
	switch {
	case l.state == stateWith:
		return c.withQuery(l)
	case l.inFrom:
		l.state = stateFrom
	}
	return true
}

// field is the name in (expression).name, which may be a call in disguise.
func (c *Classifier) field() bool {
	if !c.next.IsName() {
		return true
	}
	c.advance()
	if c.next.Kind == sqlscan.LeftParen {
		c.unknown(ReasonUnknownStatement)
		return false
	}
	c.attribute(c.tok)
	c.tok.Keyword = sqlscan.NoKeyword
	return true
}

// name reads a dotted name at the current token and decides what it is from
// its place and from what follows it.
func (c *Classifier) name(l *level) bool {
	before := c.prev
	var schema sqlscan.Token
	last, dotted := c.tok, false
	for {
		if last.Kind == sqlscan.UnicodeQuoted && c.next.Keyword == sqlscan.KwUescape {
			c.unknown(ReasonUnknownStatement) // spelt in a way nobody uses
			return false
		}
		if c.next.Kind != sqlscan.Dot {
			break
		}
		c.advance()
		dotted = true
		if !c.next.IsName() {
			return true // name.*
		}
		c.advance()
		schema, last = last, c.tok
		c.tok.Keyword = sqlscan.NoKeyword // any word may name a part
	}
	if !dotted && l.state == stateAlias {
		return c.alias()
	}
	// From here on the place has told all it can; what follows the name
	// decides. The order matters: the target of INSERT may have columns, and
	// a relation in FROM that has arguments is a function.
	switch {
	case l.state == stateTarget:
		l.state = stateAlias
		c.relation(schema, last)
	case c.next.Kind == sqlscan.LeftParen:
		return c.call(l, before, schema, last)
	case c.next.IsString():
		c.typeName(schema, last, last.Keyword != sqlscan.NoKeyword)
	case l.state == stateFrom:
		l.state = stateAlias
		c.relation(schema, last)
	case l.state == stateColumns:
		c.columnPart(l, before, schema, last)
	case dotted:
		c.attribute(last)
	}
	return true
}

// alias is a name after a relation, with or without columns.
func (c *Classifier) alias() bool {
	if c.next.Kind != sqlscan.LeftParen {
		return true
	}
	c.advance()
	return c.push(levelColumns, stateColumns)
}

// columnPart is a name in a column list: the column that begins an element,
// its type, or part of what XMLTABLE and JSON_TABLE may say of it.
func (c *Classifier) columnPart(l *level, before, schema, last sqlscan.Token) {
	switch {
	case before.Kind == sqlscan.LeftParen, before.Kind == sqlscan.Comma, before.Keyword == sqlscan.KwColumns:
		l.column = last.End
	case before.End == l.column:
		c.typeName(schema, last, last.Keyword != sqlscan.NoKeyword)
	}
}

// call is a name in front of a parenthesis.
func (c *Classifier) call(l *level, before, schema, last sqlscan.Token) bool {
	// x (a geometry(Point, 4326)): nothing is called, but the type is used.
	if l.state == stateColumns && before.End == l.column {
		c.typeName(schema, last, false) // with modifiers
		c.advance()
		return c.push(levelGroup, stateExpr)
	}
	c.function(schema, last)
	if l.state == stateFrom {
		l.state = stateAlias
	}
	c.advance()
	return c.push(levelCall, stateExpr)
}

// castTo checks the type named after the current token; tolerant is that of
// typeName. Types whose names are key words of the grammar are PostgreSQL's
// own.
func (c *Classifier) castTo(tolerant bool) bool {
	if !c.next.IsName() {
		return true
	}
	c.advance()
	switch cat := c.tok.Keyword.Category(); {
	case cat == sqlscan.ColumnName, cat == sqlscan.NewColumnName:
		return true
	case c.tok.Keyword == sqlscan.KwDouble && c.next.Keyword == sqlscan.KwPrecision:
		return true
	}
	var schema sqlscan.Token
	last := c.tok
	for c.next.Kind == sqlscan.Dot {
		c.advance()
		if !c.next.IsName() {
			c.unknown(ReasonUnknownStatement)
			return false
		}
		c.advance()
		schema, last = last, c.tok
	}
	c.typeName(schema, last, tolerant)
	if c.next.Kind == sqlscan.LeftParen {
		c.advance()
		return c.push(levelGroup, stateExpr)
	}
	return true
}
