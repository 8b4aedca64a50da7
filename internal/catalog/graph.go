package catalog

import (
	"slices"

	"github.com/pgroute/pgroute/router"
)

// kind is what a node of the graph stands for.
type kind uint8

const (
	kindFunction kind = iota
	kindOperator
	kindType
	kindRelation
)

// graph holds the verdict of every object and who depends on whom, so that
// what a function needs reaches every view, operator and type over it.
type graph struct {
	kinds    []kind
	verdicts []router.Verdict
	users    [][]int32 // by node, the nodes that depend on it
}

// add makes a node.
func (g *graph) add(k kind, v router.Verdict) int32 {
	g.kinds = append(g.kinds, k)
	g.verdicts = append(g.verdicts, v)
	g.users = append(g.users, nil)
	return int32(len(g.kinds) - 1)
}

// depend notes that user needs what on needs.
func (g *graph) depend(user, on int32) {
	if user != on {
		g.users[on] = append(g.users[on], user)
	}
}

// settle lets every verdict reach the users of its object until nothing
// changes. Verdicts only get worse and effects only more, so it ends.
func (g *graph) settle() {
	work := make([]int32, 0, len(g.kinds))
	for n, v := range g.verdicts {
		if v.Kind != router.VerdictHarmless {
			work = append(work, int32(n))
		}
	}
	for len(work) > 0 {
		n := work[len(work)-1]
		work = work[:len(work)-1]
		for _, u := range g.users[n] {
			worse := g.verdicts[u].Worse(inherited(g.kinds[u], g.kinds[n], g.verdicts[n]))
			if worse != g.verdicts[u] {
				g.verdicts[u] = worse
				work = append(work, u)
			}
		}
	}
}

// inherited is a verdict as it reaches a user of the object: the reason tells
// what was named in the statement, so a view over a volatile function is a
// matter of the view. A relation passes its own reason on to a view.
//
// Which settings a function sets inside cannot be told from the statement, so
// they count as unknown state there.
func inherited(user, on kind, v router.Verdict) router.Verdict {
	if v.Effects.Has(router.EffectSetting) {
		v.Effects = v.Effects&^router.EffectSetting | router.EffectUnknownState
	}
	if v.Kind != router.VerdictPrimary || user == on {
		return v
	}
	switch user {
	case kindRelation:
		v.Reason = router.ReasonView
	case kindOperator:
		v.Reason = router.ReasonOperator
	case kindType:
		v.Reason = router.ReasonType
	}
	return v
}

// find gives the nodes of OIDs that an object refers to; OIDs that the map
// lacks are counted as missing.
func find(in map[uint32]int32, oids []uint32) (nodes []int32, missing int) {
	for _, o := range oids {
		if n, ok := in[o]; ok {
			nodes = append(nodes, n)
		} else if o != 0 {
			missing++
		}
	}
	return slices.Compact(nodes), missing
}
