package catalog

import "github.com/pgroute/pgroute/router"

// unloaded is the catalogue of a database of which nothing is known, or not
// any more. System relations and types are found first by every usual path,
// so they are known; an unqualified function or operator may be an overload
// that a user made.
type unloaded struct {
	builtins *router.Builtins
	version  uint64
}

// Version implements router.Catalog.
func (u *unloaded) Version() uint64 { return u.version }

// Traits implements router.Catalog: nothing is promised.
func (u *unloaded) Traits() router.Traits { return router.Traits{} }

// Lookup implements router.Catalog.
func (u *unloaded) Lookup(kind router.ObjectKind, schema, name []byte, path *router.SearchPath) router.Verdict {
	switch {
	case schema != nil:
	case kind != router.KindRelation && kind != router.KindType:
		return router.Verdict{Reason: unknownReason(kind)}
	case !systemFirst(path):
		return router.Verdict{Reason: unknownReason(kind)}
	}
	if kind == router.KindAttribute {
		return router.Verdict{Reason: router.ReasonUnknownFunction}
	}
	v, found := u.builtins.Find(kind, schema, name, path)
	if !found {
		return router.Verdict{Reason: unknownReason(kind)}
	}
	return v
}

// systemFirst reports whether pg_catalog comes before what users may write to.
func systemFirst(path *router.SearchPath) bool {
	schemas := path.Schemas()
	return len(schemas) > 0 && schemas[0] == "pg_catalog"
}

// Loaded reports whether a catalogue is that of a database, and not what stands
// for it while it is read or may be out of date.
func Loaded(c router.Catalog) bool {
	_, unloaded := c.(*unloaded)
	return !unloaded
}
