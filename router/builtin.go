package router

import (
	_ "embed" // the generated list
	"fmt"
	"strings"
	"unsafe"
)

//go:generate go run ../internal/catalog/gen -o builtin_data.txt

// builtinData lists the built-in objects of the versions below, as described
// in its head and in internal/catalog/gen.
//
//go:embed builtin_data.txt
var builtinData string

// The versions of builtinData, oldest first.
const (
	builtinOldest = 13
	builtinNewest = 18
)

// Builtins is the catalogue of a database in which nobody has made anything:
// the objects of one version of PostgreSQL with our judgement of them. It is
// immutable and may be shared by any number of catalogues.
type Builtins struct {
	major int
	// assume: what is not built in is taken for an ordinary table or type.
	assume    bool
	functions map[string]Verdict
	relations map[string]Verdict
	operators map[string]Verdict
	types     map[string]Verdict
}

// Builtin gives the built-in objects of a major version, or of the server
// whose server_version_num is given. A version that is newer than the list
// gets the newest: what it added is unknown. It takes about a millisecond.
func Builtin(version int) *Builtins {
	if version >= 10000 {
		version /= 10000
	}
	b := &Builtins{
		major:     max(builtinOldest, min(version, builtinNewest)),
		functions: make(map[string]Verdict, 3000),
		relations: make(map[string]Verdict, 256),
		operators: make(map[string]Verdict, 128),
		types:     make(map[string]Verdict, 128),
	}
	for line := range strings.Lines(builtinData) {
		b.parse(strings.TrimSuffix(line, "\n"))
	}
	return b
}

// Assuming gives the same catalogue with every relation and type it does not
// know taken for an ordinary one, for use where no server can be asked.
// Functions stay unknown.
func (b *Builtins) Assuming() *Builtins {
	c := *b
	c.assume = true
	return &c
}

// parse takes one line: kind, name, volatility per version, functions.
func (b *Builtins) parse(line string) {
	if strings.HasPrefix(line, "#") || line == "" {
		return
	}
	kind, rest, _ := strings.Cut(line, " ")
	name, rest, _ := strings.Cut(rest, " ")
	volatility, functions, _ := strings.Cut(rest, " ")
	at := b.major - builtinOldest
	if at >= len(volatility) {
		panic(fmt.Sprintf("router: malformed line in the list of built-in objects: %q", line))
	}
	if volatility[at] == '-' {
		return
	}
	switch kind {
	case "f":
		b.functions[name] = verdictOf(name, volatility[at])
	case "o":
		b.operators[name] = verdictOf("", volatility[at])
	case "t":
		b.types[name] = verdictOf("", volatility[at])
	case "r":
		b.relations[name] = harmless
	case "v":
		b.relations[name] = viewVerdict(functions)
	}
}

// verdictOf is the review's verdict of a function or, where it has none, that
// of the volatility.
func verdictOf(name string, volatility byte) Verdict {
	if v, ok := judged(name); ok {
		return v
	}
	if volatility == 'v' {
		return primary(ReasonVolatileFunction, EffectUnknownState)
	}
	return harmless
}

// viewVerdict is the worst verdict of the functions that a system view
// reaches, told with the reason of that function: the views have no others.
func viewVerdict(functions string) Verdict {
	v := harmless
	for name := range strings.FieldsSeq(functions) {
		if f, ok := judged(name); ok {
			v = v.Worse(f)
		}
	}
	return v
}

// Worse combines the verdicts of two objects of which either may be meant:
// the primary before unknown before harmless, the effects of both.
func (v Verdict) Worse(o Verdict) Verdict {
	effects := v.Effects | o.Effects
	if rank(o.Kind) > rank(v.Kind) {
		v = o
	}
	v.Effects = effects
	return v
}

// rank orders verdicts from the mildest.
func rank(k VerdictKind) int {
	switch k {
	case VerdictHarmless:
		return 0
	case VerdictUnknown:
		return 1
	}
	return 2
}

// Major is the version of PostgreSQL whose objects these are.
func (b *Builtins) Major() int { return b.major }

// Version identifies the catalogue; see Catalog.
func (b *Builtins) Version() uint64 {
	v := builtinVersions | uint64(b.major)<<1
	if b.assume {
		v |= 1
	}
	return v
}

// builtinVersions marks versions that no live catalogue has; those count from 1.
const builtinVersions = 1 << 63

// Traits tells that no built-in operator, cast or type runs anything that
// needs the primary; a test of the generated list holds that.
func (b *Builtins) Traits() Traits {
	return Traits{OperatorsHarmless: true, AttributesHarmless: true, Hidden: harmless}
}

// Lookup implements Catalog. It allocates nothing.
func (b *Builtins) Lookup(kind ObjectKind, schema, name []byte, path *SearchPath) Verdict {
	v, found := b.find(kind, schema, name, path)
	if found {
		return v
	}
	switch {
	case kind == KindAttribute:
		return harmless
	case b.assume && (kind == KindRelation || kind == KindType):
		return harmless
	case kind == KindFunction:
		return Verdict{Reason: ReasonUnknownFunction}
	case kind == KindRelation:
		return Verdict{Reason: ReasonUnknownRelation}
	}
	return Verdict{}
}

// Find gives the verdict of a built-in object, and false when the name can
// not stand for one.
func (b *Builtins) Find(kind ObjectKind, schema, name []byte, path *SearchPath) (Verdict, bool) {
	return b.find(kind, schema, name, path)
}

func (b *Builtins) find(kind ObjectKind, schema, name []byte, path *SearchPath) (Verdict, bool) {
	if schema != nil {
		return b.findIn(kind, viewOf(schema), name)
	}
	v, found := b.findIn(kind, "pg_catalog", name)
	if path != nil && !path.has(informationSchema) {
		return v, found
	}
	w, too := b.findIn(kind, informationSchema, name)
	switch {
	case !too:
		return v, found
	case !found:
		return w, true
	}
	return v.Worse(w), true
}

const informationSchema = "information_schema"

// has reports whether the path names a schema.
func (p *SearchPath) has(schema string) bool {
	for _, s := range p.schemas {
		if s == schema {
			return true
		}
	}
	return false
}

// viewOf gives bytes as a string without copying, for look-ups that end
// before the bytes change.
func viewOf(b []byte) string { return unsafe.String(unsafe.SliceData(b), len(b)) }

// findIn looks in one schema.
func (b *Builtins) findIn(kind ObjectKind, schema string, name []byte) (Verdict, bool) {
	switch {
	case schema == "pg_catalog":
		return b.inCatalog(kind, viewOf(name))
	case schema == informationSchema:
		return b.inInformationSchema(kind, name)
	case kind == KindRelation && strings.HasPrefix(schema, "pg_temp"):
		return primary(ReasonTemporary, 0), true
	case kind == KindRelation && schema == "pg_toast":
		return harmless, true
	}
	return Verdict{}, false
}

// inCatalog looks in pg_catalog, where the grammar's own names live too. A
// relation's name is also that of its row type, and a type's name also that
// of the function that casts to it.
func (b *Builtins) inCatalog(kind ObjectKind, name string) (Verdict, bool) {
	switch kind {
	case KindFunction:
		if v, ok := b.functions[name]; ok {
			return v, true
		}
		if grammarFunction(name) {
			return harmless, true
		}
		return b.inCatalog(KindType, name)
	case KindRelation:
		v, ok := b.relations[name]
		return v, ok
	case KindOperator:
		v, ok := b.operators[name]
		return v, ok
	case KindType:
		if v, ok := b.types[name]; ok {
			return v, true
		}
		_, row := b.relations[name]
		if row || grammarType(name) {
			return harmless, true
		}
		if len(name) > 1 && name[0] == '_' { // an array
			return b.inCatalog(KindType, name[1:])
		}
	}
	return Verdict{}, false
}

// inInformationSchema looks there; the list keeps its names qualified.
func (b *Builtins) inInformationSchema(kind ObjectKind, name []byte) (Verdict, bool) {
	var key [len(informationSchema) + 1 + maxIdentifier]byte
	if len(name) > maxIdentifier {
		return Verdict{}, false
	}
	n := copy(key[:], informationSchema+".")
	n += copy(key[n:], name)
	switch kind {
	case KindFunction:
		v, ok := b.functions[string(key[:n])]
		return v, ok
	case KindRelation:
		v, ok := b.relations[string(key[:n])]
		return v, ok
	case KindType:
		if v, ok := b.types[string(key[:n])]; ok {
			return v, true
		}
		_, row := b.relations[string(key[:n])]
		return harmless, row
	}
	return Verdict{}, false
}
