package router

import "github.com/pgroute/pgroute/router/sqlscan"

// with begins a WITH list at the start of its level.
func (c *Classifier) with(l *level) bool {
	l.state, l.recursive = stateWith, false
	if c.next.Keyword == sqlscan.KwRecursive {
		c.advance()
		if c.next.Keyword == sqlscan.KwAs || c.next.Kind == sqlscan.LeftParen {
			return c.withHead(l) // a query that is called recursive
		}
		l.recursive = true
	}
	return c.withQuery(l)
}

// withQuery reads the next WITH query, whose name follows the current token.
func (c *Classifier) withQuery(l *level) bool {
	if !c.next.IsName() {
		c.unknown(ReasonUnknownStatement)
		return false
	}
	c.advance()
	return c.withHead(l)
}

// withHead reads the rest of "name (columns) AS [NOT] MATERIALIZED (" after
// the name, which is the current token, and enters the body.
func (c *Classifier) withHead(l *level) bool {
	name := c.tok
	c.advance()
	if c.tok.Kind == sqlscan.LeftParen {
		for c.tok.Kind != sqlscan.RightParen {
			if !c.tok.IsName() && c.tok.Kind != sqlscan.LeftParen && c.tok.Kind != sqlscan.Comma {
				c.unknown(ReasonUnknownStatement)
				return false
			}
			c.advance()
		}
		c.advance()
	}
	if c.tok.Keyword != sqlscan.KwAs {
		c.unknown(ReasonUnknownStatement)
		return false
	}
	c.advance()
	for c.tok.Keyword == sqlscan.KwNot || c.tok.Keyword == sqlscan.KwMaterialized {
		c.advance()
	}
	if c.tok.Kind != sqlscan.LeftParen {
		c.unknown(ReasonUnknownStatement)
		return false
	}
	// A recursive query knows itself. One that is not sees, inside its own
	// body, the table of that name.
	if l.recursive {
		c.know(name)
		name = sqlscan.Token{}
	}
	if !c.push(levelCTE, stateExpr) {
		return false
	}
	c.top().self = name
	return true
}

// searchOrCycle passes a SEARCH or CYCLE clause, which holds column names and
// constants only, up to its last key word.
func (c *Classifier) searchOrCycle() bool {
	last := sqlscan.KwSet
	if c.tok.Keyword == sqlscan.KwCycle {
		last = sqlscan.KwUsing
	}
	for c.tok.Keyword != last {
		if !c.tok.IsName() && c.tok.Kind != sqlscan.Comma && !c.tok.IsString() && c.tok.Kind != sqlscan.Integer {
			c.unknown(ReasonUnknownStatement)
			return false
		}
		c.advance()
	}
	if c.next.IsName() {
		c.advance() // the column it sets
	}
	return true
}

// know remembers the name of a WITH query. Beyond the bound it is forgotten,
// which makes its uses unknown relations.
func (c *Classifier) know(name sqlscan.Token) {
	if name.Kind != sqlscan.EOF && c.nctes < maxCTEs {
		c.ctes[c.nctes] = name
		c.nctes++
	}
}

// isCTE reports whether an unqualified name is that of a WITH query in sight.
func (c *Classifier) isCTE(name []byte) bool {
	for i := c.nctes - 1; i >= 0; i-- {
		known, ok := sqlscan.Name(c.text, c.ctes[i], &c.cteBuf)
		if ok && string(known) == string(name) {
			return true
		}
	}
	return false
}
