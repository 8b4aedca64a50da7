package main

import "github.com/pgroute/pgroute/router"

// catalog is PostgreSQL's own catalogue with the objects that generated
// queries use: some harmless, some not. Relations and types it does not know
// are taken for ordinary ones, functions are not.
type catalog struct {
	*router.Builtins
	objects map[router.ObjectKind]map[string]router.Verdict
}

// newCatalog makes the catalogue both sides ask.
func newCatalog() *catalog {
	fine := router.Verdict{Kind: router.VerdictHarmless, Reason: router.ReasonRead}
	bad := func(r router.Reason) router.Verdict {
		return router.Verdict{Kind: router.VerdictPrimary, Reason: r}
	}
	function := bad(router.ReasonVolatileFunction)
	return &catalog{
		Builtins: router.Builtin(17).Assuming(),
		objects: map[router.ObjectKind]map[string]router.Verdict{
			router.KindFunction:  {"pure": fine, "Pure": fine, "writes": function, "Writes": function, "wtype": function},
			router.KindRelation:  {"wview": bad(router.ReasonView), "seq": bad(router.ReasonSequence)},
			router.KindOperator:  {"<=>": bad(router.ReasonOperator), "===": fine},
			router.KindType:      {"wtype": bad(router.ReasonType)},
			router.KindAttribute: {"writes": function},
		},
	}
}

// Traits makes the router look operators and attributes up.
func (c *catalog) Traits() router.Traits {
	return router.Traits{Hidden: router.Verdict{Kind: router.VerdictHarmless}}
}

// Lookup prefers the objects added.
func (c *catalog) Lookup(kind router.ObjectKind, schema, name []byte, path *router.SearchPath) router.Verdict {
	if string(schema) != "pg_catalog" {
		if v, ok := c.objects[kind][string(name)]; ok {
			return v
		}
	}
	if kind == router.KindAttribute || kind == router.KindOperator {
		return router.Verdict{Kind: router.VerdictHarmless, Reason: router.ReasonRead}
	}
	return c.Builtins.Lookup(kind, schema, name, path)
}
