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
	c.traits.Hidden = b.hiddenVerdict()
	c.traits.AttributesHarmless = len(c.attributes.first) == 0
	c.traits.OperatorsHarmless = b.operatorsHarmless()
	return c
}

// gatherFunctions takes functions, and those among them that t.f may call.
func (b *builder) gatherFunctions(c *Live) {
	// The server at hand knows better than the list what is volatile, and
	// knows functions that came after the list.
	newer := b.d.version/10000 > b.builtins.Major()
	for i := range b.d.builtinFunctions {
		r := &b.d.builtinFunctions[i]
		if v := b.g.verdicts[b.functions[r.OID]]; newer || v.Kind != router.VerdictHarmless {
			c.functions.add(r.Schema, r.Name, v)
		}
	}
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

// hiddenVerdict is what a statement needs that reads a relation of users.
func (b *builder) hiddenVerdict() router.Verdict {
	v := b.g.verdicts[b.hidden]
	if v.Kind == router.VerdictPrimary {
		v.Reason = router.ReasonHiddenCall
	}
	return v
}
