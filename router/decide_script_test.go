package router

import (
	"fmt"
	"iter"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/pgroute/pgroute/internal/cluster"
	"github.com/pgroute/pgroute/internal/pg"
)

// story is a decision script being read: the world as the lines above made it.
type story struct {
	t     *testing.T
	where string
	now   time.Time
	snap  *cluster.Snapshot
	view  View
	pol   Policy
	facts Facts
	all   Knowledge
	rnd   uint32
}

// TestDecisionScripts runs testdata/decide: see reads.txt for the language.
func TestDecisionScripts(t *testing.T) {
	files, err := filepath.Glob("testdata/decide/*.txt")
	if err != nil || len(files) == 0 {
		t.Fatal("no scripts", err)
	}
	for _, file := range files {
		data, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		name := strings.TrimSuffix(filepath.Base(file), ".txt")
		t.Run(name, func(t *testing.T) { runStory(t, file, string(data)) })
	}
}

// runStory plays one file. A statement is followed by the decision on it.
func runStory(t *testing.T, file, data string) {
	s := &story{t: t}
	var sql string
	for i, line := range strings.Split(data, "\n") {
		s.where = fmt.Sprintf("%s:%d", file, i+1)
		switch {
		case strings.HasPrefix(line, "#") || strings.TrimSpace(line) == "":
		case strings.HasPrefix(line, "> "):
			sql = line[2:]
		case strings.HasPrefix(line, "= "):
			if got := s.decide(sql); got != line[2:] {
				t.Errorf("%s: %s\n got %s\nwant %s", s.where, sql, got, line[2:])
			}
		default:
			s.set(strings.Fields(line))
		}
	}
}

// words are the words of a line, key=value or just key, in their order.
type words []string

func (w words) all() iter.Seq2[string, string] {
	return func(yield func(k, v string) bool) {
		for _, a := range w {
			k, v, _ := strings.Cut(a, "=")
			if !yield(k, v) {
				return
			}
		}
	}
}

// set changes the world by one line.
func (s *story) set(w []string) {
	first := 1
	if w[0] == "node" || w[0] == "load" {
		first = 2
	}
	args := words(w[first:])
	switch w[0] {
	case "cluster":
		s.reset(args)
	case "node":
		s.node(w[1], args)
	case "load":
		s.load(w[1], args)
	case "policy":
		s.policy(args)
	case "session":
		s.facts = Facts{BoundTo: cluster.NoNode, Wish: Wish{Node: cluster.NoNode, Consistency: ConsistencySession}, Shared: &s.all}
		s.session(args)
	case "everybody":
		s.all = Knowledge{}
		s.knowledge(&s.all, args)
	case "random":
		n, err := strconv.ParseUint(w[1], 0, 32)
		s.check(err)
		s.rnd = uint32(n)
	default:
		s.t.Fatalf("%s: %q", s.where, w[0])
	}
}

func (s *story) check(err error) {
	if err != nil {
		s.t.Fatalf("%s: %v", s.where, err)
	}
}

// reset begins another world.
func (s *story) reset(args words) {
	*s = story{t: s.t, where: s.where, now: time.Unix(1e9, 0)}
	s.pol = Policy{FenceWait: 20 * time.Millisecond}
	s.snap = &cluster.Snapshot{SystemID: 7, Timeline: 1, Primary: cluster.NoNode, At: s.now}
	s.view = View{Snap: s.snap, Policy: &s.pol}
	s.facts = Facts{BoundTo: cluster.NoNode, Wish: Wish{Node: cluster.NoNode, Consistency: ConsistencySession}}
	s.change(args)
}

// change sets facts of the cluster.
func (s *story) change(args words) {
	for k, v := range args.all() {
		switch k {
		case "timeline":
			s.snap.Timeline = pg.TimelineID(s.number(v))
		case "ancestor": // timeline:end
			tl, end, _ := strings.Cut(v, ":")
			s.snap.History = []cluster.Ancestor{{Timeline: pg.TimelineID(s.number(tl)), End: pg.LSN(s.number(end))}}
		case "writes":
			s.snap.Writes = map[string]cluster.WriteState{
				"lost": cluster.WritesLost, "startup": cluster.WritesStartup, "refused": cluster.WritesRefused,
			}[v]
		case "catchup":
			s.view.CatchUp = s.duration(v)
		default:
			s.t.Fatalf("%s: %q", s.where, k)
		}
	}
}

// node adds a node, or changes one.
func (s *story) node(name string, args words) {
	n := s.snap.ByName(name)
	if n == nil {
		s.snap.Nodes = append(s.snap.Nodes, cluster.Node{
			ID: cluster.NodeID(len(s.snap.Nodes)), Name: name, Weight: 1, Up: true, Life: 1,
			Timeline: s.snap.Timeline, SampledAt: s.now, FreshAt: s.now,
		})
		n = s.snap.ByName(name)
	}
	for k, v := range args.all() {
		switch k {
		case "primary":
			n.Role, n.Exclusion, s.snap.Primary = cluster.RolePrimary, cluster.ExcludedNotStandby, n.ID
		case "standby":
			n.Role, n.Exclusion = cluster.RoleStandby, cluster.Eligible
			if s.snap.Primary == n.ID {
				s.snap.Primary = cluster.NoNode
			}
		case "gone":
			n.Up, n.Exclusion = false, cluster.ExcludedUnreachable
			if s.snap.Primary == n.ID {
				s.snap.Primary = cluster.NoNode
			}
		case "lagging":
			n.Exclusion = cluster.ExcludedLagBytes
		case "elsewhere":
			n.Exclusion = cluster.ExcludedTimeline
		case "insert":
			n.InsertLSN = pg.LSN(s.number(v))
			n.SafeLSN = n.InsertLSN
		case "safe": // after insert
			n.SafeLSN = pg.LSN(s.number(v))
		case "replay":
			n.ReplayLSN = pg.LSN(s.number(v))
			n.ReplayBound = max(n.ReplayBound, n.ReplayLSN)
		case "received":
			n.ReplayBound = pg.LSN(s.number(v))
		case "sampled":
			n.SampledAt = s.at(v)
		case "fresh":
			n.FreshAt = s.at(v)
		case "life":
			n.Life = cluster.Life(s.number(v))
		case "weight":
			n.Weight = s.number(v)
		case "zone":
			n.Zone = v
		default:
			s.t.Fatalf("%s: %q", s.where, k)
		}
	}
}

// load sets what the data path knows of a node.
func (s *story) load(name string, args words) {
	for len(s.view.Load) < len(s.snap.Nodes) {
		s.view.Load = append(s.view.Load, NodeLoad{})
	}
	l := &s.view.Load[s.snap.ByName(name).ID]
	for k, v := range args.all() {
		switch k {
		case "outstanding":
			l.Outstanding = int32(s.number(v))
		case "latency":
			l.Latency = s.duration(v)
		case "readable":
			l.ReadableSince = s.at(v)
		default:
			s.t.Fatalf("%s: %q", s.where, k)
		}
	}
}

// policy sets the configuration.
func (s *story) policy(args words) {
	for k, v := range args.all() {
		switch k {
		case "shadow":
			s.pol.Shadow = true
		case "read_from_primary":
			s.pol.PrimaryReads = map[string]PrimaryReads{"always": PrimaryAlways, "never": PrimaryNever}[v]
		case "prefer":
			s.pol.Prefer = v
		case "warm_up":
			s.pol.WarmUp = s.duration(v)
		default:
			s.t.Fatalf("%s: %q", s.where, k)
		}
	}
}

// session sets the facts of the session that the statements come from.
func (s *story) session(args words) {
	f := &s.facts
	for k, v := range args.all() {
		switch k {
		case "consistency":
			f.Wish.Consistency = consistencyNamed(v)
		case "role":
			f.Wish.Target = map[string]Target{"primary": TargetPrimary, "standby": TargetStandby}[v]
		case "max_staleness":
			f.Wish.HasStaleness, f.Wish.MaxStaleness = true, s.duration(v)
		case "min_lsn":
			f.Wish.MinLSN = s.position(v)
		case "bound":
			f.BoundTo = s.snap.ByName(v).ID
			f.Bound = max(f.Bound, BoundPin)
		case "by":
			f.Bound = map[string]Bound{"transaction": BoundTransaction, "batch": BoundBatch, "pin": BoundPin}[v]
		case "read_only":
			f.ReadOnly = true
		case "serializable":
			f.Serializable = true
		case "behind":
			f.BehindReads = uint8(s.number(v))
		case "fence", "dirty", "reached", "sticky", "read":
		default:
			s.t.Fatalf("%s: %q", s.where, k)
		}
	}
	s.knowledge(&f.Session, args)
}

// knowledge sets what a session, or everybody, has seen.
func (s *story) knowledge(k *Knowledge, args words) {
	for key, v := range args.all() {
		switch key {
		case "fence":
			k.Fence = s.position(v)
		case "dirty":
			k.DirtySince = s.at(v)
		case "sticky": // name/life
			name, life, _ := strings.Cut(v, "/")
			k.Sticky, k.StickyLife = s.snap.ByName(name).ID, cluster.Life(s.number(life))
		case "reached": // name/life
			name, life, _ := strings.Cut(v, "/")
			k.Reached, k.ReachedLife = s.snap.ByName(name).ID, cluster.Life(s.number(life))
		case "read":
			k.ReadAt = s.at(v)
		}
	}
}

// consistencyNamed finds a level.
func consistencyNamed(name string) Consistency {
	for i, n := range consistencyNames {
		if n == name {
			return Consistency(i)
		}
	}
	return ConsistencyUnset
}

func (s *story) number(v string) int {
	n, err := strconv.Atoi(v)
	s.check(err)
	return n
}

func (s *story) duration(v string) time.Duration {
	d, err := time.ParseDuration(v)
	s.check(err)
	return d
}

// at reads a time relative to now; "never" is no time.
func (s *story) at(v string) time.Time {
	if v == "never" {
		return time.Time{}
	}
	return s.now.Add(s.duration(v))
}

// position reads timeline:LSN, in this cluster.
func (s *story) position(v string) pg.Position {
	tl, lsn, _ := strings.Cut(v, ":")
	return pg.Position{SystemID: 7, Timeline: pg.TimelineID(s.number(tl)), LSN: pg.LSN(s.number(lsn))}
}

// decide classifies a statement, decides and prints the decision by names.
func (s *story) decide(sql string) string {
	text := []byte(sql)
	sc := Classify(text, Builtin(17).Assuming(), DefaultSearchPath("app"), &Options{})
	u := Unit{Class: sc.Class, Reason: sc.Reason, Wish: Wish{
		Target: sc.Hint.Target, Consistency: sc.Hint.Consistency, Node: cluster.NoNode,
		HasStaleness: sc.Hint.HasStaleness, MaxStaleness: sc.Hint.MaxStaleness,
	}}
	if n := s.snap.ByName(string(sc.Hint.Node.Of(text))); n != nil {
		u.Wish.Node = n.ID
	}
	if st := sc.Single(); st != nil && st.Verb == VerbBegin {
		u.Block, u.Isolated = BlockDefault, st.Flags&FlagIsolation != 0
		if st.Flags&FlagReadOnly != 0 {
			u.Block = BlockReadOnly
		}
		if st.Flags&(FlagReadWrite|FlagSerializable|FlagDeferrable) != 0 {
			u.Block = BlockPrimary
		}
	}
	return s.print(Decide(&s.facts, &u, &s.view, s.rnd, s.now))
}

// print gives a decision with the nodes' names.
func (s *story) print(d Decision) string {
	w := []string{d.Action.String()}
	if n := s.snap.Node(d.Node); n != nil {
		w = append(w, n.Name)
	}
	w = append(w, d.Cause.String())
	if d.Action == ActionFence {
		fence := "ask"
		if d.Fence.LSN != 0 {
			fence = fmt.Sprintf("%d:%d", d.Fence.Timeline, d.Fence.LSN)
		}
		w = append(w, "fence="+fence, "among="+s.names(d.Standbys), "else="+d.Otherwise.String())
		if n := s.snap.Node(d.OtherwiseNode); n != nil {
			w[len(w)-1] += ":" + n.Name
		}
		if at := d.Since(&s.facts); !at.IsZero() {
			w = append(w, "since="+at.Sub(s.now).String())
		}
	}
	if d.Cause == CauseShadow {
		w = append(w, "would="+d.Would.String())
	}
	return strings.Join(w, " ")
}

func (s *story) names(set NodeSet) string {
	var names []string
	for i := range s.snap.Nodes {
		if set.Has(cluster.NodeID(i)) {
			names = append(names, s.snap.Nodes[i].Name)
		}
	}
	return strings.Join(names, ",")
}
