package catalog

import (
	"hash/fnv"

	"github.com/pgroute/pgroute/router"
)

// object is one name in one schema, all overloads together.
type object struct {
	schema  string
	verdict router.Verdict
	next    int32 // the same name in another schema; 0 ends
}

// names finds objects of one kind by name.
type names struct {
	first   map[string]int32
	objects []object // from 1
}

func newNames(size int) names {
	return names{first: make(map[string]int32, size), objects: make([]object, 1, size+1)}
}

// add notes an object; one with the same name and schema shares its verdict.
func (s *names) add(schema, name string, v router.Verdict) {
	head := s.first[name]
	for i := head; i != 0; i = s.objects[i].next {
		if s.objects[i].schema == schema {
			s.objects[i].verdict = s.objects[i].verdict.Worse(v)
			return
		}
	}
	s.first[name] = int32(len(s.objects))
	s.objects = append(s.objects, object{schema: schema, verdict: v, next: head})
}

// find gives the worst verdict of the objects that a name can stand for: in
// the schema given, else anywhere along the path, because a schema whose use
// is forbidden to the role is passed over; everywhere when the path is not
// known.
func (s *names) find(schema, name []byte, path *router.SearchPath) (router.Verdict, bool) {
	v, found := harmless(), false
	for i := s.first[string(name)]; i != 0; i = s.objects[i].next {
		o := &s.objects[i]
		if matches(o.schema, schema, path) {
			v, found = v.Worse(o.verdict), true
		}
	}
	return v, found
}

// matches reports whether a name given with schema, or along path, can mean
// an object of the schema in.
func matches(in string, schema []byte, path *router.SearchPath) bool {
	if schema != nil {
		return in == string(schema)
	}
	if path == nil {
		return true
	}
	for _, s := range path.Schemas() {
		if s == in {
			return true
		}
	}
	return false
}

// Live is the catalogue of one database as it was loaded. It is immutable and
// implements router.Catalog; look-ups allocate nothing.
type Live struct {
	builtins  *router.Builtins
	overrides *overrides
	version   uint64
	traits    router.Traits

	functions, relations, operators, types names
	// attributes are the functions that t.f may call and that are not harmless.
	attributes names
	// rowTypes is the verdict of a composite type by the name of a relation:
	// not harmless when there is a domain that is not, which may be a column's.
	rowTypes router.Verdict
	// counts is how many objects of users there are, for reports.
	counts Counts
}

// Counts tells the size of a database's catalogue, objects of users only.
type Counts struct{ Functions, Relations, Operators, Types int }

// Version implements router.Catalog.
func (c *Live) Version() uint64 { return c.version }

// Traits implements router.Catalog.
func (c *Live) Traits() router.Traits { return c.traits }

// Counts tells how many objects of users there are.
func (c *Live) Counts() Counts { return c.counts }

// Lookup implements router.Catalog: the verdict of the built-in object and of
// every object of users that the name can stand for, the worst of them.
func (c *Live) Lookup(kind router.ObjectKind, schema, name []byte, path *router.SearchPath) router.Verdict {
	switch kind {
	case router.KindAttribute:
		v, _ := c.attributes.find(nil, name, nil)
		return v
	case router.KindFunction:
		if v, ok := c.overrides.lookup(schema, name); ok {
			return v
		}
	}
	v, found := c.builtins.Find(kind, schema, name, path)
	if !found {
		v = harmless()
	}
	u, too := c.findUser(kind, schema, name, path)
	if too {
		return v.Worse(u)
	}
	if found {
		return v
	}
	return router.Verdict{Reason: unknownReason(kind)}
}

// findUser looks among the objects of users. A type's name in front of a
// parenthesis is a cast, and a relation's name is that of its row type.
func (c *Live) findUser(kind router.ObjectKind, schema, name []byte, path *router.SearchPath) (router.Verdict, bool) {
	switch kind {
	case router.KindFunction:
		v, found := c.functions.find(schema, name, path)
		t, too := c.types.find(schema, name, path)
		if too {
			return v.Worse(t), true
		}
		return v, found
	case router.KindRelation:
		return c.relations.find(schema, name, path)
	case router.KindOperator:
		return c.operators.find(schema, name, path)
	case router.KindType:
		if v, ok := c.types.find(schema, name, path); ok {
			return v, true
		}
		_, row := c.relations.find(schema, name, path)
		return c.rowTypes, row
	}
	return router.Verdict{}, false
}

// unknownReason is the reason to give for a name that was not found.
func unknownReason(kind router.ObjectKind) router.Reason {
	switch kind {
	case router.KindFunction:
		return router.ReasonUnknownFunction
	case router.KindRelation:
		return router.ReasonUnknownRelation
	case router.KindOperator:
		return router.ReasonOperator
	}
	return router.ReasonType
}

// fingerprint is equal for catalogues that answer every look-up alike, so
// that a reload which changed nothing keeps the version and with it every
// cached classification.
func (c *Live) fingerprint() uint64 {
	h := fnv.New64a()
	var sum uint64
	for i, s := range []*names{&c.functions, &c.relations, &c.operators, &c.types, &c.attributes} {
		for name, at := range s.first {
			for ; at != 0; at = s.objects[at].next {
				o := &s.objects[at]
				h.Reset()
				h.Write([]byte{byte(i)})
				h.Write([]byte(o.schema))
				h.Write([]byte{0})
				h.Write([]byte(name))
				writeVerdict(h.Write, o.verdict)
				sum += h.Sum64() // no order: a map has none
			}
		}
	}
	h.Reset()
	writeVerdict(h.Write, c.rowTypes)
	writeVerdict(h.Write, c.traits.Hidden)
	return sum + h.Sum64() + uint64(c.builtins.Major())
}

// writeVerdict feeds a verdict to a hash.
func writeVerdict(write func([]byte) (int, error), v router.Verdict) {
	e := uint32(v.Effects)
	write([]byte{byte(v.Kind), byte(v.Reason), byte(e), byte(e >> 8), byte(e >> 16), byte(e >> 24)})
}
