package proxy

import (
	"bytes"
	"fmt"
	"time"

	"github.com/pgroute/pgroute/internal/cluster"
	"github.com/pgroute/pgroute/internal/pg"
	"github.com/pgroute/pgroute/internal/wire"
	"github.com/pgroute/pgroute/router"
)

// explainColumns are those of EXPLAIN ROUTE.
var explainColumns = [...]string{"property", "value"}

// explainRoute decides about a statement as if the session had sent it now,
// and tells what came of it and why. Nothing is sent anywhere.
func (s *session) explainRoute(sc *router.Script, text []byte) ([][]string, *pg.Error) {
	st := sc.Single()
	body := append([]byte(nil), hinted(text, st.Body)...)
	if st.Body.Len() == 0 {
		return nil, pg.Errorf(pg.SyntaxError, "EXPLAIN ROUTE needs a statement").
			WithHint("For example: EXPLAIN ROUTE SELECT now().")
	}
	u := unit{Unit: router.Unit{Class: router.ClassRead, Reason: router.ReasonRead}, executes: true, end: wire.Query}
	outer := sc.Hint
	s.judgeText(&u, body)
	if outer.Present() {
		w := s.wish(&outer, text)
		u.Wish = u.Wish.Over(&w)
	}
	facts := s.facts
	s.bind(&facts)
	now := time.Now()
	view := s.w.load()
	e := router.Explain(&facts, &u.Unit, view, s.w.random(), now)
	rows := s.explainStatement(&u, body)
	rows = append(rows, explainDecision(&e, view)...)
	return append(rows, explainNodes(&e)...), nil
}

// hinted gives the statement with the comments between it and ROUTE, which
// may be a hint.
func hinted(text []byte, body router.Span) []byte {
	head := text[:body.Start]
	if at := bytes.LastIndex(head, []byte("/*")); at >= 0 && bytes.Contains(bytes.ToLower(head[:at]), []byte("route")) {
		return text[at:body.End]
	}
	return body.Of(text)
}

// bind notes in facts what keeps the session where it is.
func (s *session) bind(f *router.Facts) {
	switch {
	case s.link == nil:
		return
	case s.link.Tx() != wire.TxIdle:
		f.Bound = router.BoundTransaction
	case s.state.pins != 0 && s.onPrimary:
		f.Bound = router.BoundPin
	}
	f.BoundTo = s.node
}

// explainStatement tells what the statement was taken for.
func (s *session) explainStatement(u *unit, body []byte) [][]string {
	sc := s.classify(body)
	rows := [][]string{
		{"class", u.Class.String()},
		{"reason", u.Reason.String() + ": " + u.Reason.Text()},
	}
	if st := sc.Single(); st != nil && st.Cause.Len() > 0 {
		rows = append(rows, []string{"because of", string(st.Cause.Of(body))})
	}
	if wrong := sc.Hint.Wrong; wrong.Len() > 0 {
		rows = append(rows, []string{"hint", fmt.Sprintf("%q is not known and was passed over", wrong.Of(body))})
	}
	return rows
}

// explainDecision tells where the statement would go.
func explainDecision(e *router.Explanation, v *router.View) [][]string {
	d := &e.Decision
	rows := [][]string{{"action", d.Action.String()}, {"cause", d.Cause.String() + ": " + d.Cause.Text()}}
	if n := v.Snap.Node(d.Node); n != nil {
		rows = append(rows, []string{"node", n.Name})
	}
	if d.Action == router.ActionFence {
		rows = append(rows, []string{"otherwise", nodeAction(d.Otherwise, d.OtherwiseNode, v)})
	}
	if d.Cause == router.CauseShadow {
		rows = append(rows, []string{"without shadow mode", nodeAction(d.Would, d.WouldNode, v)})
	}
	fence := "none"
	switch {
	case e.Fence != pg.InvalidLSN:
		fence = e.Fence.String()
	case d.Action == router.ActionFence && d.Fence.LSN != pg.InvalidLSN:
		fence = d.Fence.LSN.String()
	case d.Action == router.ActionFence:
		fence = "asked of the primary"
	}
	return append(rows, []string{"fence", fence})
}

// nodeAction names an action and the node it leads to.
func nodeAction(a router.Action, id cluster.NodeID, v *router.View) string {
	if n := v.Snap.Node(id); n != nil {
		return a.String() + " " + n.Name
	}
	return a.String()
}

// explainNodes tells how each node stood.
func explainNodes(e *router.Explanation) [][]string {
	var rows [][]string
	for i := range e.Alternatives {
		n := &e.Alternatives[i]
		text := n.Role.String() + ", " + n.Standing.String()
		if n.Standing == router.StandingExcluded && n.Role == cluster.RoleStandby {
			text += " (" + n.Exclusion.String() + ")"
		}
		if n.Role == cluster.RoleStandby {
			text += fmt.Sprintf(", replayed %s, %d bytes behind", n.ReplayLSN, n.LagBytes)
		}
		rows = append(rows, []string{"candidate " + n.Name, text})
	}
	return rows
}
