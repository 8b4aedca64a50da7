package main

import (
	"math/rand/v2"
	"strings"
)

// generate makes queries at random: valid most of the time, nested, with odd
// names and odd spacing, and here and there something that needs the primary.
func generate(count int, seed uint64) []string {
	g := &generator{rand: rand.New(rand.NewPCG(seed, 1))}
	all := make([]string, 0, count)
	for range count {
		g.out.Reset()
		g.budget = 40
		g.statement()
		all = append(all, g.out.String())
	}
	return all
}

// generator writes tokens. budget bounds the size of a query: when it is used
// up, only leaves are made.
type generator struct {
	rand   *rand.Rand
	out    strings.Builder
	budget int
}

// one chooses among alternatives.
func one[T any](g *generator, all ...T) T { return all[g.rand.IntN(len(all))] }

// chance is true in one of n cases.
func (g *generator) chance(n int) bool { return g.rand.IntN(n) == 0 }

// deep reports whether more may be nested.
func (g *generator) deep() bool {
	g.budget--
	return g.budget > 0
}

// t writes tokens with something between them that separates.
func (g *generator) t(tokens ...string) {
	for _, token := range tokens {
		if g.chance(20) {
			token = strings.ToUpper(token)
		}
		g.out.WriteString(token)
		g.out.WriteString(one(g, " ", " ", " ", " ", " ", " ", "\n", "\t ", " /* insert ' */ ", " -- update \"\n"))
	}
}

// list writes n elements with commas.
func (g *generator) list(element func()) {
	for i := range 1 + g.rand.IntN(3) {
		if i > 0 {
			g.t(",")
		}
		element()
	}
}

// parens writes something in parentheses.
func (g *generator) parens(inside func()) {
	g.t("(")
	inside()
	g.t(")")
}

// statement is a query, or something that holds one.
func (g *generator) statement() {
	switch g.rand.IntN(24) {
	case 0:
		g.t("explain")
		if g.chance(2) {
			g.t("(", one(g, "analyze", "costs off", "verbose"), ")")
		}
	case 1:
		g.t("copy")
		g.parens(g.query)
		g.t("to", "stdout")
		return
	case 2:
		g.t("declare", "c", "cursor", "for")
	case 3:
		g.t("insert", "into", "t")
	}
	g.query()
}

// query is SELECT, VALUES, TABLE, a set operation or WITH of one.
func (g *generator) query() {
	if g.deep() && g.chance(6) {
		g.with()
	}
	switch {
	case g.deep() && g.chance(8):
		g.parens(g.query)
		g.t(one(g, "union", "union all", "intersect", "except"))
		g.parens(g.query)
	case g.chance(12):
		g.t("values")
		g.list(func() { g.parens(g.expr) })
	case g.chance(15):
		g.t("table", g.relation())
	default:
		g.selects()
	}
	if g.chance(8) {
		g.t("limit")
		g.expr()
	}
}

// with writes a WITH list; in one of several cases with a query that writes.
func (g *generator) with() {
	g.t("with")
	if g.chance(4) {
		g.t("recursive")
	}
	g.list(func() {
		g.t(one(g, "wview", "nowhere", "c1", "C2", `"c3"`, "seq"))
		if g.chance(4) {
			g.t("(", "a", ",", "b", ")")
		}
		g.t("as")
		if g.chance(5) {
			g.t(one(g, "materialized", "not materialized"))
		}
		g.parens(func() {
			if g.chance(12) {
				g.t(one(g, "insert into t values (1) returning *", "update t set a = 1 returning a", "delete from t"))
				return
			}
			g.query()
		})
	})
}

// selects writes a SELECT with its clauses.
func (g *generator) selects() {
	g.t("select")
	switch g.rand.IntN(10) {
	case 0:
		g.t("distinct")
	case 1:
		g.t("distinct", "on")
		g.parens(g.expr)
	}
	g.list(func() {
		g.expr()
		if g.chance(4) {
			g.t("as", g.label())
		}
	})
	if g.chance(25) {
		g.t("into", one(g, "n", "temp n", "table n"))
	}
	if !g.chance(5) {
		g.t("from")
		g.list(g.from)
	}
	g.clause("where", g.expr)
	g.clause("group by", g.grouping)
	g.clause("having", g.expr)
	g.clause("window w as", func() { g.parens(func() { g.t("partition", "by"); g.expr() }) })
	g.clause("order by", func() { g.expr(); g.t(one(g, "", "desc", "nulls last", "using <")) })
	if g.chance(20) {
		g.t("for", one(g, "update", "no key update", "share", "key share"))
		g.t(one(g, "", "nowait", "skip locked"))
	}
}

// clause writes a clause in some cases.
func (g *generator) clause(words string, inside func()) {
	if g.chance(4) {
		g.t(strings.Fields(words)...)
		inside()
	}
}

// grouping writes an element of GROUP BY.
func (g *generator) grouping() {
	switch g.rand.IntN(5) {
	case 0:
		g.t(one(g, "rollup", "cube"))
		g.parens(g.expr)
	case 1:
		g.t("grouping", "sets", "(", "(", "a", ")", ",", "(", ")", ")")
	default:
		g.expr()
	}
}

// relation names a relation, mostly a harmless one.
func (g *generator) relation() string {
	if g.chance(20) {
		return one(g, "wview", "public . wview", `"wview"`, "seq", "pg_temp.t", "pg_stat_activity")
	}
	return one(g, "t", "public.t", `"T"`, `"select"`, "orders", "value", "c1", "c2", "pg_class", "pg_catalog.pg_type", `U&"t\0061"`)
}

// alias writes an alias in some cases, with columns in fewer.
func (g *generator) alias(needed bool) {
	if !needed && g.chance(2) {
		return
	}
	if g.chance(2) {
		g.t("as")
	}
	g.t(one(g, "x", "y1", `"Z"`, "key", "path", "writes", "pure"))
	if g.chance(3) {
		g.t("(", "a", ",", one(g, "b", "writes", `"c"`), ")")
	}
}

// from writes one element of FROM.
func (g *generator) from() {
	if !g.deep() {
		g.t(g.relation())
		return
	}
	switch g.rand.IntN(13) {
	case 0, 1:
		if g.chance(3) {
			g.t("lateral")
		}
		g.parens(g.query)
		g.alias(true)
	case 2:
		g.from()
		g.t(one(g, "join", "left join", "right outer join", "full join", "inner join"))
		g.from()
		g.joined()
	case 3:
		g.from()
		g.t(one(g, "cross join", "natural join"))
		g.from()
	case 4:
		g.call()
		if g.chance(3) {
			g.t("with", "ordinality")
		}
		g.alias(false)
	case 5:
		g.t("rows", "from")
		g.parens(func() { g.list(g.call) })
		g.alias(false)
	case 6:
		g.parens(func() { g.from(); g.t("cross", "join"); g.from() })
	case 7:
		g.t("json_to_recordset", "(", "'[]'", ")", "as", "r", "(", "a", g.typeName(), ",", "b", "int", ")")
	case 10:
		g.table()
	case 8:
		g.t("only", g.relation())
		g.alias(false)
	case 9:
		g.t("t", "tablesample", one(g, "bernoulli", "system"))
		g.parens(g.expr)
		g.t(one(g, "", "repeatable (1)"))
	default:
		g.t(g.relation())
		g.alias(false)
	}
}

// table writes XMLTABLE or JSON_TABLE.
func (g *generator) table() {
	xml := g.chance(2)
	if xml {
		g.t("xmltable", "(", "'/a'", "passing")
		g.parens(g.expr)
		g.t("columns")
	} else {
		g.t("json_table", "(", "'{}'", ",", "'$'", "columns", "(")
	}
	g.list(func() {
		g.t(one(g, "a", "writes", "key"), g.typeName())
		if g.chance(2) {
			g.t("path", "'$.a'")
		}
		if g.chance(2) {
			g.t("default")
			g.leaf()
			if !xml {
				g.t("on", "empty")
			}
		} else if xml && g.chance(2) {
			g.t("path")
			g.call()
		}
	})
	g.t(")")
	if !xml {
		g.t(")")
	}
	g.alias(true)
}

// joined writes the condition of a join.
func (g *generator) joined() {
	if g.chance(3) {
		g.t("using", "(", "id", ")")
		return
	}
	g.t("on")
	g.expr()
}

// label is any word after AS.
func (g *generator) label() string {
	return one(g, "a", "distinct", "is", "insert", "update", "into", "from", `"b"`, "for", "select", "writes", "end")
}

// typeName names a type, mostly a harmless one.
func (g *generator) typeName() string {
	if g.chance(30) {
		return one(g, "wtype", "public.wtype", `"wtype"`, "wtype[]")
	}
	return one(g, "int", "text", "numeric(10,2)", "timestamp with time zone", "double precision", "pg_catalog.int4",
		"interval", "text[]", "character varying(10)", "jsonb", "uuid", "orders")
}

// name is a function, mostly a harmless one.
func (g *generator) function() string {
	if g.chance(30) {
		return one(g, "writes", "public.writes", `"Writes"`, "nextval", "pg_advisory_lock", "nofunction", "wtype", `U&"wr\0069tes"`)
	}
	return one(g, "pure", "public.pure", `"Pure"`, "lower", "pg_catalog.abs", "count", "left", "right", "max", "now", "random", "version")
}

// call writes a function call.
func (g *generator) call() {
	g.t(g.function())
	g.parens(func() { g.list(g.expr) })
}
