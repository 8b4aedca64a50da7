package catalog

import (
	"strings"

	"github.com/pgroute/pgroute/router"
)

// overrides are the functions that configuration judges: by schema, then by
// name, as PostgreSQL stores them; the schema "" is for unqualified entries.
type overrides struct {
	verdicts map[string]map[string]router.Verdict
}

// newOverrides takes the lists of the configuration; a name in both needs the
// primary.
func newOverrides(harmlessNames, primaryNames []string) *overrides {
	o := &overrides{verdicts: map[string]map[string]router.Verdict{}}
	for _, n := range harmlessNames {
		o.add(n, harmless())
	}
	for _, n := range primaryNames {
		o.add(n, needsPrimary(router.ReasonOverride, router.EffectUnknownState))
	}
	return o
}

// add notes one entry, "name" or "schema.name".
func (o *overrides) add(entry string, v router.Verdict) {
	schema, name := splitName(entry)
	if o.verdicts[schema] == nil {
		o.verdicts[schema] = map[string]router.Verdict{}
	}
	o.verdicts[schema][name] = v
}

// function gives the verdict of one function, the qualified entry first.
func (o *overrides) function(schema, name string) (router.Verdict, bool) {
	if v, ok := o.verdicts[schema][name]; ok {
		return v, true
	}
	v, ok := o.verdicts[""][name]
	return v, ok
}

// lookup gives the verdict that a name in a statement has whatever it stands
// for. A qualified entry is not for an unqualified name: other schemas of the
// path may have it too, so there the objects' own verdicts decide.
func (o *overrides) lookup(schema, name []byte) (router.Verdict, bool) {
	if schema != nil {
		if v, ok := o.verdicts[string(schema)][string(name)]; ok {
			return v, true
		}
	}
	v, ok := o.verdicts[""][string(name)]
	return v, ok
}

// splitName takes "schema.name" apart as SQL would: folded to lower case
// unless quoted. Dots within quotes are not supported; a schema may be left out.
func splitName(s string) (schema, name string) {
	if before, after, ok := strings.Cut(s, "."); ok {
		return fold(before), fold(after)
	}
	return "", fold(s)
}

// fold turns one identifier as written into one as PostgreSQL stores it.
func fold(s string) string {
	if len(s) >= 2 && s[0] == '"' && s[len(s)-1] == '"' {
		return s[1 : len(s)-1]
	}
	return strings.ToLower(s)
}
