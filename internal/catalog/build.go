package catalog

import (
	"strings"

	"github.com/pgroute/pgroute/internal/catalog/nodetree"
	"github.com/pgroute/pgroute/router"
)

// builder turns the contents of a database into verdicts.
type builder struct {
	d         *contents
	builtins  *router.Builtins
	overrides *overrides
	g         graph

	functions, operators, types, relations map[uint32]int32
	// named are the objects a word in a function's source may stand for.
	named map[string][]int32
	// nothing, unknown and hidden are nodes that many objects refer to:
	// built-in objects that are harmless, what could not be found, and what
	// runs without being named.
	nothing, unknown, hidden int32
}

// build judges everything in a database.
func build(d *contents, builtins *router.Builtins, o *overrides) *Live {
	b := &builder{
		d: d, builtins: builtins, overrides: o,
		functions: make(map[uint32]int32, len(d.functions)+len(d.builtinFunctions)),
		operators: make(map[uint32]int32, len(d.operators)),
		types:     make(map[uint32]int32, len(d.types)),
		relations: make(map[uint32]int32, len(d.relations)+len(d.builtinRelations)),
		named:     map[string][]int32{},
	}
	b.nothing = b.g.add(kindFunction, harmless())
	b.unknown = b.g.add(kindFunction, router.Verdict{Reason: router.ReasonUnknownFunction})
	b.hidden = b.g.add(kindType, harmless())
	b.addBuiltins()
	b.addObjects()
	b.linkFunctions()
	b.linkTypes()
	b.linkRelations()
	b.linkHidden()
	b.g.settle()
	return b.live()
}

// addBuiltins makes nodes for built-in objects; those that are harmless share
// one.
func (b *builder) addBuiltins() {
	for _, r := range b.d.builtinFunctions {
		v := router.Judge(r.Name, r.Volatility)
		if o, ok := b.overrides.function(r.Schema, r.Name); ok {
			v = o
		}
		b.functions[r.OID] = b.addBuiltin(kindFunction, r.Name, v)
	}
	for _, r := range b.d.builtinRelations {
		v, ok := b.builtins.Find(router.KindRelation, []byte(r.Schema), []byte(r.Name), nil)
		if !ok {
			v = router.Verdict{Reason: router.ReasonUnknownRelation}
		}
		b.relations[r.OID] = b.addBuiltin(kindRelation, r.Name, v)
	}
}

// addBuiltin makes a node that a function's source can name, unless the
// object is harmless.
func (b *builder) addBuiltin(k kind, name string, v router.Verdict) int32 {
	if v.Kind == router.VerdictHarmless {
		return b.nothing
	}
	n := b.g.add(k, v)
	b.named[name] = append(b.named[name], n)
	return n
}

// addObjects makes nodes for the objects of users with the verdicts they have
// by themselves.
func (b *builder) addObjects() {
	for i := range b.d.functions {
		r := &b.d.functions[i]
		b.functions[r.OID] = b.addNamed(kindFunction, r.Name, b.functionVerdict(r))
	}
	for i := range b.d.operators {
		b.operators[b.d.operators[i].OID] = b.g.add(kindOperator, harmless())
	}
	for i := range b.d.types {
		b.types[b.d.types[i].OID] = b.addNamed(kindType, b.d.types[i].Name, harmless())
	}
	for i := range b.d.relations {
		r := &b.d.relations[i]
		b.relations[r.OID] = b.addNamed(kindRelation, r.Name, relationVerdict(r))
	}
}

// addNamed makes a node that a function's source can name.
func (b *builder) addNamed(k kind, name string, v router.Verdict) int32 {
	n := b.g.add(k, v)
	b.named[name] = append(b.named[name], n)
	return n
}

// functionVerdict is what configuration, review and volatility say, in this
// order. What the function calls comes later.
func (b *builder) functionVerdict(r *functionRow) router.Verdict {
	if v, ok := b.overrides.function(r.Schema, r.Name); ok {
		return v
	}
	if v, ok := judgedExtension(r.Extension, r.Name); ok {
		return v
	}
	switch {
	case r.Kind == "p":
		return needsPrimary(router.ReasonProcedure, router.EffectUnknownState|router.EffectWrite)
	case r.Volatility != "v":
		return harmless()
	case plainLanguage(r.Language):
		return needsPrimary(router.ReasonVolatileFunction, bodyEffects(r.Source))
	}
	return needsPrimary(router.ReasonVolatileFunction, router.EffectUnknownState|router.EffectWrite)
}

// relationVerdict is what the kind of a relation says.
func relationVerdict(r *relationRow) router.Verdict {
	switch {
	case r.Kind == "S":
		return needsPrimary(router.ReasonSequence, 0)
	case r.Kind == "f":
		return needsPrimary(router.ReasonForeign, router.EffectOutside)
	case r.Persistence == "u":
		return needsPrimary(router.ReasonUnlogged, 0)
	case r.Persistence != "p":
		return needsPrimary(router.ReasonTemporary, 0)
	}
	return harmless()
}

// linkFunctions lets functions depend on what they run. A function that
// configuration or review has judged is left alone.
func (b *builder) linkFunctions() {
	operators := b.sourceOperators()
	for i := range b.d.functions {
		r := &b.d.functions[i]
		if b.isJudged(r) {
			continue
		}
		n := b.functions[r.OID]
		b.dependAll(n, b.types, r.Types, false)
		b.dependOnTree(n, nodetree.Scan(r.Body))
		b.dependOnTree(n, nodetree.Scan(r.Defaults))
		if !compiledLanguage(r.Language) {
			b.dependOnSource(n, r.Source, operators)
		}
	}
	for _, r := range b.d.aggregates {
		b.dependAll(b.functions[r.From], b.functions, []uint32{r.To}, true)
	}
}

// sourceOperators gives the operators of users whose functions can be read,
// which are few: those of extensions are compiled.
func (b *builder) sourceOperators() []operatorRow {
	readable := map[uint32]bool{}
	for i := range b.d.functions {
		r := &b.d.functions[i]
		readable[r.OID] = !compiledLanguage(r.Language)
	}
	var list []operatorRow
	for _, o := range b.d.operators {
		if readable[o.Function] {
			list = append(list, o)
		}
	}
	return list
}

// dependOnSource lets a function depend on all that its source may mean, by
// word or by sign, and on what runs without being named.
func (b *builder) dependOnSource(n int32, source string, operators []operatorRow) {
	b.g.depend(n, b.hidden)
	words(source, func(word string, _ bool) {
		for _, on := range b.named[word] {
			b.g.depend(n, on)
		}
	})
	for i := range operators {
		if strings.Contains(source, operators[i].Name) {
			b.g.depend(n, b.operators[operators[i].OID])
		}
	}
}

// isJudged reports whether a function's verdict is final.
func (b *builder) isJudged(r *functionRow) bool {
	if _, ok := b.overrides.function(r.Schema, r.Name); ok {
		return true
	}
	_, ok := judgedExtension(r.Extension, r.Name)
	return ok
}

// linkTypes lets operators depend on their functions, and types on theirs, on
// the casts to them and on the checks of domains.
func (b *builder) linkTypes() {
	for i := range b.d.operators {
		r := &b.d.operators[i]
		b.dependAll(b.operators[r.OID], b.functions, []uint32{r.Function}, true)
	}
	for i := range b.d.types {
		r := &b.d.types[i]
		n := b.types[r.OID]
		b.dependAll(n, b.functions, r.Functions, true)
		b.dependAll(n, b.types, []uint32{r.Base, r.Element}, false)
	}
	for _, r := range b.d.casts {
		if n, ok := b.types[r.Target]; ok {
			b.dependAll(n, b.functions, []uint32{r.Function}, true)
		}
	}
	for _, r := range b.d.domainChecks {
		if n, ok := b.types[r.OID]; ok {
			b.dependOnTree(n, nodetree.Scan(r.Tree))
		}
	}
}

// linkRelations lets views depend on what their queries refer to, tables on
// their partitions and children and, under row security, on their policies.
func (b *builder) linkRelations() {
	for _, r := range b.d.rules {
		if n, ok := b.relations[r.OID]; ok {
			b.dependOnTree(n, nodetree.Scan(r.Tree))
		}
	}
	for _, r := range b.d.inherits {
		if n, ok := b.relations[r.From]; ok {
			b.dependAll(n, b.relations, []uint32{r.To}, false)
		}
	}
	secured := map[uint32]bool{}
	for i := range b.d.relations {
		secured[b.d.relations[i].OID] = b.d.relations[i].RowSecurity
	}
	for _, r := range b.d.policies {
		if n, ok := b.relations[r.OID]; ok && secured[r.OID] {
			b.dependOnTree(n, nodetree.Scan(r.Tree))
		}
	}
}

// linkHidden lets the hidden node depend on what runs without being named:
// implicit casts, and casts to built-in types, which share their name with
// harmless ones; the functions of base types; operator classes; operators that
// keywords stand for. Domains are left out: their checks run where a cast or a
// function names them.
func (b *builder) linkHidden() {
	for _, r := range b.d.casts {
		if _, ours := b.types[r.Target]; r.Context == "i" || !ours {
			b.dependAll(b.hidden, b.functions, []uint32{r.Function}, true)
		}
	}
	for i := range b.d.types {
		if r := &b.d.types[i]; r.Kind != "d" {
			b.dependAll(b.hidden, b.functions, r.Functions, true)
		}
	}
	b.dependAll(b.hidden, b.functions, b.d.support, true)
	b.dependAll(b.hidden, b.operators, b.d.strategies, false)
	for i := range b.d.operators {
		if r := &b.d.operators[i]; keywordOperator(r.Name) {
			b.dependAll(b.hidden, b.operators, []uint32{r.OID}, true)
		}
	}
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

// dependOnTree lets a node depend on all that an expression refers to.
// Operators come with their functions in stored trees; those named here are
// users' and known by their own nodes as well.
func (b *builder) dependOnTree(n int32, refs nodetree.Refs) {
	b.dependAll(n, b.functions, refs.Functions, true)
	b.dependAll(n, b.operators, refs.Operators, false)
	b.dependAll(n, b.types, refs.Types, false)
	b.dependAll(n, b.relations, refs.Relations, true)
	if refs.Locks {
		b.g.verdicts[n] = b.g.verdicts[n].Worse(needsPrimary(router.ReasonRowLock, router.EffectWrite))
	}
}

// dependAll lets a node depend on the objects of some OIDs. Where every
// object should be known, one that is not makes the node unknown.
func (b *builder) dependAll(n int32, in map[uint32]int32, oids []uint32, complete bool) {
	nodes, missing := find(in, oids)
	for _, on := range nodes {
		if on != b.nothing {
			b.g.depend(n, on)
		}
	}
	if complete && missing > 0 {
		b.g.depend(n, b.unknown)
	}
}
