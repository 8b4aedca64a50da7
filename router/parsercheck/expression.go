package main

// expr writes an expression.
func (g *generator) expr() {
	if !g.deep() {
		g.leaf()
		return
	}
	switch g.rand.IntN(20) {
	case 0, 1:
		g.call()
		g.window()
	case 2, 3:
		g.operation()
	case 4:
		g.parens(g.query)
	case 5:
		g.predicate()
	case 6:
		g.cast()
	case 7:
		g.special()
	case 8:
		g.t("case")
		if g.chance(2) {
			g.leaf()
		}
		g.t("when")
		g.expr()
		g.t("then")
		g.expr()
		g.t("else")
		g.expr()
		g.t("end")
	case 9:
		g.t("array", "[")
		g.list(g.expr)
		g.t("]")
	case 10:
		g.t(one(g, "array", "exists"))
		g.parens(g.query)
	case 11:
		g.t(one(g, "row", ""))
		g.parens(func() { g.expr(); g.t(","); g.expr() })
	case 12:
		g.t("(", "x", ")", ".", one(g, "a", "b", "a", "b", "a", "writes"))
	case 13:
		g.t("a", "[")
		g.expr()
		g.t("]")
	default:
		g.leaf()
	}
}

// leaf writes a constant, a column or a parameter.
func (g *generator) leaf() {
	g.t(one(g, "1", "1.5", ".5", "1e3", "0x1f", "1_000", "'x'", "'it''s'", `E'it\'s'`, "$$insert into t$$",
		"$q$ ' $q$", "U&'d\\0061t'", "B'01'", "X'ff'", "N'x'", "$1", "null", "true", "a", "x.a", "public.t.a", `"T"."b"`,
		"x.*", "current_date", "current_user", "value", "key", `"update"`, "x.delete", "x.is", "x.distinct", "a is distinct from b", "date '2020-01-01'",
		"interval '1' day", "float8 '1'", "current_timestamp(3)", "count(*)"))
}

// window writes what may follow a call.
func (g *generator) window() {
	switch g.rand.IntN(10) {
	case 0:
		g.t("over")
		g.parens(func() {
			g.t("partition", "by")
			g.expr()
			g.t("order", "by")
			g.expr()
			g.t(one(g, "", "rows between 1 preceding and current row"))
		})
	case 1:
		g.t("filter")
		g.parens(func() { g.t("where"); g.expr() })
	case 2:
		g.t("over", "w")
	}
}

// operation writes an operator with its operands.
func (g *generator) operation() {
	if g.chance(8) {
		g.t(one(g, "not", "-", "@", "~"))
		g.parens(g.expr)
		return
	}
	g.parens(g.expr)
	if g.chance(25) {
		g.t(one(g, "<=>", "operator(public.<=>)"))
	} else {
		g.t(one(g, "+", "-", "*", "=", "<>", "!=", "<=", "||", "->>", "@>", "~*", "and", "or", "===",
			"operator(pg_catalog.+)", "collate \"C\" ||", "at time zone", "is distinct from", "like", "not ilike", "overlaps", "%"))
	}
	g.parens(g.expr)
}

// predicate writes the tests that have their own syntax.
func (g *generator) predicate() {
	g.parens(g.expr)
	switch g.rand.IntN(8) {
	case 0:
		g.t(one(g, "in", "not in"))
		g.parens(func() { g.list(g.expr) })
	case 1:
		g.t("in")
		g.parens(g.query)
	case 2:
		g.t("between")
		g.parens(g.expr)
		g.t("and")
		g.parens(g.expr)
	case 3:
		g.t("=", one(g, "any", "all"))
		g.parens(g.query)
	case 4:
		g.t("is", one(g, "null", "not null", "true", "unknown", "json", "document"))
	case 5:
		g.t("like")
		g.parens(g.expr)
		g.t("escape", "'!'")
	case 6:
		g.t("similar", "to")
		g.parens(g.expr)
	default:
		g.t(one(g, "isnull", "notnull"))
	}
}

// cast writes a cast in one of its forms.
func (g *generator) cast() {
	if g.chance(2) {
		g.t("cast", "(")
		g.expr()
		g.t("as", g.typeName(), ")")
		return
	}
	g.parens(g.expr)
	g.t("::", g.typeName())
}

// special writes the functions that have a syntax of their own.
func (g *generator) special() {
	switch g.rand.IntN(12) {
	case 0:
		g.t("extract", "(", one(g, "year", "'epoch'", "dow"), "from")
	case 1:
		g.t("trim", "(", one(g, "both", "leading", "trailing"), "'x'", "from")
	case 2:
		g.t("substring", "(", "a", "from")
		g.expr()
		g.t("for")
	case 3:
		g.t("overlay", "(", "a", "placing", "b", "from")
	case 4:
		g.t("position", "(", "'x'", "in", "(")
		g.expr()
		g.t(")")
		g.t(")")
		return
	case 5:
		g.t(one(g, "coalesce", "greatest", "least"), "(")
		g.expr()
		g.t(",")
	case 6:
		g.t("nullif", "(")
		g.expr()
		g.t(",")
	case 7:
		g.t("json_value", "(", "'{}'", ",", "'$'", "returning", g.typeName(), "default")
		g.expr()
		g.t("on", "empty", ")")
		return
	case 8:
		g.t("json_object", "(", "'a'", ":")
	case 9:
		g.t("xmlelement", "(", "name", "foo", ",", "xmlattributes", "(", "a", "as", "b", ")", ",")
	case 10:
		g.t("percentile_cont", "(", "0.5", ")", "within", "group", "(", "order", "by")
	default:
		g.t("string_agg", "(", "a", ",", "','", "order", "by")
	}
	g.expr()
	g.t(")")
}
