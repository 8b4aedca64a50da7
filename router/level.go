package router

import "github.com/pgroute/pgroute/router/sqlscan"

// maxLevels bounds the nesting of parentheses and brackets that is followed.
// Frameworks that chain OR nest one pair for each condition; the bound is far
// beyond what they reach, and small enough to be part of the Classifier.
const maxLevels = 200

// levelKind says what opened a level.
type levelKind uint8

const (
	levelGroup   levelKind = iota // plain parentheses: expression, row, subquery, join
	levelCall                     // arguments
	levelCast                     // CAST(… AS type) and its like
	levelCTE                      // body of a WITH query
	levelColumns                  // names after an alias
	levelTable                    // XMLTABLE, JSON_TABLE and the latter's COLUMNS ( )
	levelRowsFrom
	levelOn // DISTINCT ON ( ), after which an expression begins
	levelBracket
)

// state says what an identifier at this place would be.
type state uint8

const (
	stateExpr    state = iota // part of an expression
	stateFrom                 // a relation or function in FROM
	stateAlias                // after one: an alias, or a key word that goes on
	stateTarget               // the target of INSERT, UPDATE, DELETE, MERGE
	stateWith                 // between the queries of a WITH list
	stateColumns              // column names, each perhaps followed by a type
)

// level is what is known between one pair of parentheses.
type level struct {
	kind  levelKind
	state state
	// query: a SELECT (or DELETE, …) stands here, so FROM begins its clause.
	query bool
	// inFrom: a comma at this level leads to another relation.
	inFrom bool
	// grouping: in GROUP BY, where CUBE and ROLLUP are no functions.
	grouping bool
	// dml: INSERT, UPDATE, DELETE or MERGE stands here.
	dml bool
	// first: nothing but the opening parenthesis has been read.
	first bool
	// recursive: WITH RECURSIVE, so names are known inside their own bodies.
	recursive bool
	ctes      uint8 // names known when the level was entered
	// column is where the name of the last column ended, in stateColumns.
	column uint32
	// self is the name of a levelCTE that is not known inside its own body.
	self sqlscan.Token
}

// top is the level being read.
func (c *Classifier) top() *level { return &c.levels[c.depth] }

// enter begins the outermost level of a query.
func (c *Classifier) enter() {
	c.depth = 0
	c.levels[0] = level{first: true}
}

// push opens a level; false when it is too deep to follow.
func (c *Classifier) push(kind levelKind, st state) bool {
	if c.depth+1 >= maxLevels {
		c.unknown(ReasonTooComplex)
		return false
	}
	c.depth++
	c.levels[c.depth] = level{kind: kind, state: st, first: true, ctes: uint8(c.nctes)}
	return true
}

// pop closes a level, with ) or, if bracket, with ]. A pair that does not
// match is a syntax error, and after it nothing can be told any more. The names its WITH made known are forgotten; the name of
// a WITH query itself becomes known to what follows it.
func (c *Classifier) pop(bracket bool) bool {
	l := c.top()
	if c.depth == 0 || (l.kind == levelBracket) != bracket {
		c.unknown(ReasonUnknownStatement)
		return false
	}
	c.nctes, c.popped = int(l.ctes), l.kind
	c.depth--
	if l.kind == levelCTE {
		c.know(l.self)
		c.top().state = stateWith
	}
	return true
}
