package router

import "github.com/pgroute/pgroute/router/sqlscan"

// operator judges an operator token. Most databases have none that could do
// harm, and then nothing is looked up.
func (c *Classifier) operator(schema, op sqlscan.Token) {
	if c.traits.OperatorsHarmless || c.mode == modeExplain {
		return
	}
	var s []byte
	if schema.Kind != sqlscan.EOF {
		var ok bool
		if s, ok = sqlscan.Name(c.text, schema, &c.schemaBuf); !ok {
			c.unknown(ReasonOperator)
			return
		}
	}
	name := op.Of(c.text)
	if string(name) == "!=" {
		name = notEqual // scan.l rewrites it
	}
	c.judge(c.cat.Lookup(KindOperator, s, name, c.path), ReasonOperator, ReasonOperator, op)
}

var notEqual = []byte("<>")

// operatorName reads OPERATOR(schema.op).
func (c *Classifier) operatorName() bool {
	if c.next.Kind != sqlscan.LeftParen {
		return c.name(c.top())
	}
	c.advance()
	c.advance()
	var schema sqlscan.Token
	for c.tok.IsName() && c.next.Kind == sqlscan.Dot {
		schema = c.tok
		c.advance()
		c.advance()
	}
	if c.tok.Kind != sqlscan.Operator || c.next.Kind != sqlscan.RightParen {
		c.unknown(ReasonUnknownStatement)
		return false
	}
	c.operator(schema, c.tok)
	c.advance()
	c.popped = levelOn // an operand follows this parenthesis too
	return true
}

// The operators that key words stand for, as gram.y builds them; IN, BETWEEN,
// CASE, NULLIF, USING and IS DISTINCT FROM compare.
var (
	likeOperators    = []string{"~~", "~~*", "!~~", "!~~*", "~", "!~"}
	compareOperators = []string{"=", "<>", "<", "<=", ">", ">="}
)

// keywordOperator judges the operators behind a key word, in the rare database
// that has one of that name which needs the primary.
func (c *Classifier) keywordOperator() {
	if c.traits.OperatorsHarmless || c.mode == modeExplain {
		return
	}
	switch c.tok.Keyword {
	case sqlscan.KwLike, sqlscan.KwIlike, sqlscan.KwSimilar:
		c.operators(likeOperators)
	case sqlscan.KwBetween, sqlscan.KwIn, sqlscan.KwNullif, sqlscan.KwCase, sqlscan.KwUsing,
		sqlscan.KwNatural, sqlscan.KwDistinct, sqlscan.KwRow, sqlscan.KwGreatest, sqlscan.KwLeast:
		c.operators(compareOperators)
	}
}

// operators judges each of the names.
func (c *Classifier) operators(names []string) {
	for _, n := range names {
		v := c.cat.Lookup(KindOperator, nil, append(c.nameBuf[:0], n...), c.path)
		c.judge(v, ReasonOperator, ReasonOperator, c.tok)
	}
}
