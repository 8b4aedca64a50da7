package catalog

import "github.com/pgroute/pgroute/router"

// live gathers the settled verdicts by name.
func (b *builder) live() *Live {
	c := &Live{
		builtins: b.builtins, overrides: b.overrides,
		functions:  newNames(len(b.d.functions)),
		relations:  newNames(len(b.d.relations)),
		operators:  newNames(len(b.d.operators)),
		types:      newNames(len(b.d.types)),
		attributes: newNames(0),
		rowTypes:   harmless(),
		counts: Counts{
			Functions: len(b.d.functions), Relations: len(b.d.relations),
			Operators: len(b.d.operators), Types: len(b.d.types),
		},
	}
	b.gatherFunctions(c)
	b.gatherTypes(c)
	c.traits.Hidden = b.hidden()
	c.traits.AttributesHarmless = len(c.attributes.first) == 0
	c.traits.OperatorsHarmless = b.operatorsHarmless()
	return c
}

// gatherFunctions takes functions, and those among them that t.f may call.
func (b *builder) gatherFunctions(c *Live) {
	for i := range b.d.functions {
		r := &b.d.functions[i]
		v := b.g.verdicts[b.functions[r.OID]]
		c.functions.add(r.Schema, r.Name, v)
		if r.OneComposite && v.Kind != router.VerdictHarmless {
			c.attributes.add(r.Schema, r.Name, v)
		}
	}
}

// gatherTypes takes relations, operators and types.
func (b *builder) gatherTypes(c *Live) {
	for i := range b.d.relations {
		r := &b.d.relations[i]
		c.relations.add(r.Schema, r.Name, b.g.verdicts[b.relations[r.OID]])
	}
	for i := range b.d.operators {
		r := &b.d.operators[i]
		c.operators.add(r.Schema, r.Name, b.g.verdicts[b.operators[r.OID]])
	}
	for i := range b.d.types {
		r := &b.d.types[i]
		v := b.g.verdicts[b.types[r.OID]]
		c.types.add(r.Schema, r.Name, v)
		if r.Kind == "d" {
			c.rowTypes = c.rowTypes.Worse(v)
		}
	}
}

// operatorsHarmless reports whether no operator of users needs looking up.
func (b *builder) operatorsHarmless() bool {
	for _, n := range b.operators {
		if b.g.verdicts[n].Kind != router.VerdictHarmless {
			return false
		}
	}
	return true
}

// hidden is the worst verdict of what runs without being named: implicit
// casts, and casts to built-in types, which share their name with harmless
// ones; the functions of base types; operator classes; operators that
// keywords stand for. Domains are left out: their checks run where a cast or a
// function names them.
func (b *builder) hidden() router.Verdict {
	v := harmless()
	add := func(in map[uint32]int32, oid uint32) {
		if n, ok := in[oid]; ok {
			v = v.Worse(b.g.verdicts[n])
		}
	}
	for _, r := range b.d.casts {
		if _, ours := b.types[r.Target]; r.Context == "i" || !ours {
			add(b.functions, r.Function)
		}
	}
	for i := range b.d.types {
		if r := &b.d.types[i]; r.Kind != "d" {
			for _, f := range r.Functions {
				add(b.functions, f)
			}
		}
	}
	for _, f := range b.d.support {
		add(b.functions, f)
	}
	for _, o := range b.d.strategies {
		add(b.operators, o)
	}
	for i := range b.d.operators {
		if r := &b.d.operators[i]; keywordOperator(r.Name) {
			add(b.operators, r.OID)
		}
	}
	if v.Kind == router.VerdictPrimary {
		v.Reason = router.ReasonHiddenCall
	}
	return v
}

// keywordOperator reports whether a keyword (IN, BETWEEN, LIKE, DISTINCT,
// SIMILAR, ORDER BY) may run the operator without its being written.
func keywordOperator(name string) bool {
	switch name {
	case "=", "<>", "<", ">", "<=", ">=", "~", "!~", "~~", "!~~", "~~*", "!~~*":
		return true
	}
	return false
}
