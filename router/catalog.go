package router

// ObjectKind says what a looked-up name stands for.
type ObjectKind uint8

// Kinds of names the classifier looks up.
const (
	// KindFunction is name( or schema.name(: a function, aggregate, window
	// function, or a cast in functional notation (so the name of a type, too).
	// The verdict covers all overloads of the name in every schema in which
	// PostgreSQL would look, because argument types are not known.
	KindFunction ObjectKind = iota
	// KindRelation is a name in FROM: table, view, sequence, foreign table.
	// The first schema of the path that has the name decides, as in PostgreSQL.
	KindRelation
	// KindOperator is an operator token, or OPERATOR(schema.op); all overloads,
	// prefix and infix.
	KindOperator
	// KindType is the target of a cast or of a typed literal: its input
	// function, every cast to it, the checks of a domain.
	KindType
	// KindAttribute is the last part of a dotted column reference (schema is
	// nil, path irrelevant), which PostgreSQL takes as a function call when no
	// such column exists: t.f means f(t). Only functions that can be called
	// with one composite argument count; Harmless when there is none.
	KindAttribute
)

// VerdictKind is what the catalogue says of a name.
type VerdictKind uint8

// Verdicts. The zero value is the safe one.
const (
	VerdictUnknown VerdictKind = iota // not in the catalogue, or not known for sure
	VerdictHarmless
	VerdictPrimary // needs the primary, for Verdict.Reason
)

// Verdict is the catalogue's answer for one name. Reason is set for
// VerdictPrimary, and may be set for VerdictUnknown; Effects are what using
// the object leaves behind (nextval: EffectSequence; pg_advisory_lock:
// EffectAdvisoryLock; a user's volatile function: EffectUnknownState unless
// its body is known to leave nothing).
type Verdict struct {
	Kind    VerdictKind
	Reason  Reason
	Effects Effects
}

// Harmless is the verdict that lets a statement stay a read.
var harmless = Verdict{Kind: VerdictHarmless, Reason: ReasonRead}

// Traits are facts about a whole database that spare look-ups.
type Traits struct {
	// OperatorsHarmless: every operator of the database is harmless, so none
	// need be looked up by name.
	OperatorsHarmless bool
	// AttributesHarmless: KindAttribute would answer Harmless for every name.
	AttributesHarmless bool
	// Hidden is VerdictPrimary when a function that needs the primary can run
	// without being named in the text: an implicit cast, a type's output
	// function, an operator class, a domain. Every statement that reads a
	// relation of a user then needs the primary. VerdictHarmless otherwise;
	// VerdictUnknown is treated as VerdictPrimary with ReasonHiddenCall.
	Hidden Verdict
}

// Catalog answers what the objects of one database are. It is immutable: a
// refresh makes a new one with another Version. Names arrive as PostgreSQL
// would store them (folded, unquoted, cut to 63 bytes); the slices are valid
// during the call only. A nil schema means unqualified: resolve along path,
// pg_catalog first unless the path names it. A nil path is not known: the
// verdict must then hold for every schema.
type Catalog interface {
	Lookup(kind ObjectKind, schema, name []byte, path *SearchPath) Verdict
	Traits() Traits
	// Version differs between any two catalogues of one process; cached
	// classifications are kept per version.
	Version() uint64
}
