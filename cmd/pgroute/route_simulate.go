package main

import (
	"time"

	"github.com/pgroute/pgroute/internal/cluster"
	"github.com/pgroute/pgroute/router"
)

// simulator decides as a session of pgroute would, without any server. It
// follows transactions; settings that statements change are not followed, and
// standbys are taken to have replayed everything.
type simulator struct {
	classifier router.Classifier
	cat        router.Catalog
	path       *router.SearchPath
	view       router.View
	facts      router.Facts
}

func newSimulator(cat router.Catalog, path *router.SearchPath, snap *cluster.Snapshot) *simulator {
	s := &simulator{cat: cat, path: path, view: router.View{Snap: snap, Policy: &router.Policy{}}}
	s.newSession()
	return s
}

// newSession forgets what the statements so far have begun.
func (s *simulator) newSession() {
	s.facts = router.Facts{Wish: router.Wish{Node: cluster.NoNode, Consistency: router.ConsistencyEventual}}
	s.facts.Session.Sticky = cluster.NoNode
}

// routed is one statement and where it goes.
type routed struct {
	Class      string `json:"class"`
	Verb       string `json:"verb"`
	Reason     string `json:"reason"`
	Trigger    string `json:"trigger,omitempty"` // the token that decided
	Target     string `json:"target"`            // primary, standby, or what else would be done
	Node       string `json:"node,omitempty"`
	Cause      string `json:"cause"`
	Explained  string `json:"explained"`
	Effects    string `json:"effects"`
	Hint       string `json:"wrong_hint,omitempty"` // the first word of a hint that is not understood
	InBlock    bool   `json:"in_transaction"`
	OfStandbys bool   `json:"standby_could"` // standbys could carry it
	Statement  string `json:"statement"`
}

// route decides about one query string and gives its statements.
func (s *simulator) route(text []byte) []routed {
	var sc router.Script
	s.classifier.Classify(&sc, text, s.cat, s.path, nil)
	u := s.unit(&sc, text)
	d := router.Decide(&s.facts, &u, &s.view, 0, time.Time{})
	inBlock := s.facts.Bound == router.BoundTransaction
	var out []routed
	for i := range sc.Len() {
		st := sc.Statement(i)
		out = append(out, s.row(&sc, st, &d, text, inBlock))
		s.follow(st, &d)
	}
	return out
}

// unit is what Decide must know of the query string.
func (s *simulator) unit(sc *router.Script, text []byte) router.Unit {
	u := router.Unit{Class: sc.Class, Reason: sc.Reason, Wish: router.Wish{
		Target: sc.Hint.Target, Consistency: sc.Hint.Consistency, Node: cluster.NoNode,
		HasStaleness: sc.Hint.HasStaleness, MaxStaleness: sc.Hint.MaxStaleness,
	}}
	if sc.Hint.Target == router.TargetNode {
		if n := s.view.Snap.ByName(string(sc.Hint.Node.Of(text))); n != nil {
			u.Wish.Node = n.ID
		}
	}
	if st := sc.Single(); st != nil && st.Verb == router.VerbBegin {
		u.Block, u.Isolated = blockOf(st.Flags), st.Flags&router.FlagIsolation != 0
	}
	return u
}

// blockOf tells what kind of transaction a BEGIN opens.
func blockOf(f router.Flags) router.Block {
	switch {
	case f&(router.FlagReadWrite|router.FlagSerializable|router.FlagDeferrable) != 0:
		return router.BlockPrimary
	case f&router.FlagReadOnly != 0:
		return router.BlockReadOnly
	}
	return router.BlockDefault
}

// row describes one statement.
func (s *simulator) row(sc *router.Script, st *router.Statement, d *router.Decision, text []byte, inBlock bool) routed {
	r := routed{
		Class: st.Class.String(), Verb: st.Verb.String(), Reason: st.Reason.String(), Trigger: string(st.Cause.Of(text)),
		Cause: d.Cause.String(), Explained: d.Cause.Text(), Effects: st.Effects.String(),
		Hint: string(sc.Hint.Wrong.Of(text)), InBlock: inBlock, Statement: string(st.Span.Of(text)),
	}
	r.Target = d.Action.String()
	if n := s.view.Snap.Node(d.Node); n != nil {
		r.Target, r.Node = n.Role.String(), n.Name
		r.OfStandbys = n.Role == cluster.RoleStandby
	}
	return r
}

// follow brings the session's transaction up to date.
func (s *simulator) follow(st *router.Statement, d *router.Decision) {
	switch st.Verb {
	case router.VerbBegin:
		if s.facts.Bound == router.BoundNone && d.Node != cluster.NoNode {
			s.facts.Bound, s.facts.BoundTo = router.BoundTransaction, d.Node
		}
	case router.VerbCommit, router.VerbRollback, router.VerbPrepareTransaction:
		if st.Flags&router.FlagChain == 0 {
			s.facts.Bound, s.facts.BoundTo = router.BoundNone, cluster.NoNode
		}
	}
}
