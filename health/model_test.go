package health

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/pgroute/pgroute/internal/cluster"
	"github.com/pgroute/pgroute/internal/pg"
)

// The model is a cluster as PostgreSQL would behave in the hands of a careless
// operator: nodes crash, are promoted together or apart, come back writable,
// are rewound or replaced. It knows the truth that the judge has to find out.

// branch is one timeline as it really is; two may bear the same number.
type branch struct {
	number pg.TimelineID
	parent *branch
	end    pg.LSN // where it left its parent
	system uint64
}

// descends reports whether b is a or comes from it.
func (b *branch) descends(a *branch) bool {
	for ; b != nil; b = b.parent {
		if b == a {
			return true
		}
	}
	return false
}

func (b *branch) history() []cluster.Ancestor {
	if b.parent == nil {
		return nil
	}
	return append(b.parent.history(), cluster.Ancestor{Timeline: b.parent.number, End: b.end})
}

// modelNode is one server.
type modelNode struct {
	branch   *branch
	lsn      pg.LSN
	up       bool
	writable bool
	life     cluster.Life
}

type model struct {
	rnd   *rand.Rand
	nodes []modelNode
	lives cluster.Life
	log   []string
}

func newModel(rnd *rand.Rand) *model {
	m := &model{rnd: rnd, nodes: make([]modelNode, 2+rnd.IntN(3))}
	first := &branch{number: 1, system: 7}
	for i := range m.nodes {
		m.nodes[i] = modelNode{branch: first, lsn: 0x1000, up: true, writable: i == 0}
		m.begin(i)
	}
	return m
}

func (m *model) note(format string, args ...any) { m.log = append(m.log, fmt.Sprintf(format, args...)) }

func (m *model) begin(i int) {
	m.lives++
	m.nodes[i].life = m.lives
}

// step lets one thing happen to one node.
func (m *model) step() {
	i := m.rnd.IntN(len(m.nodes))
	n := &m.nodes[i]
	switch k := m.rnd.IntN(12); {
	case k < 4:
		m.write()
	case k == 4 && n.up:
		n.up = false
		m.note("%d dies", i)
	case k < 7 && !n.up:
		n.up = true
		m.begin(i)
		m.note("%d comes back writable=%v", i, n.writable)
	case k == 7 && n.up && !n.writable:
		m.promote(i)
	case k < 10:
		m.rejoin(i)
	case k == 10 && n.up:
		m.begin(i)
		m.note("%d begins a new life", i)
	case k == 11 && m.rnd.IntN(8) == 0:
		n.branch = &branch{number: n.branch.number + 3, system: 8 + uint64(len(m.log))}
		n.up, n.writable = true, true
		m.begin(i)
		m.note("%d is replaced by another cluster", i)
	}
}

// write moves writable nodes on and lets standbys of them follow.
func (m *model) write() {
	for i := range m.nodes {
		if n := &m.nodes[i]; n.up && n.writable {
			n.lsn += pg.LSN(1 + m.rnd.IntN(5000))
		}
	}
	for i := range m.nodes {
		s := &m.nodes[i]
		for j := range m.nodes {
			p := &m.nodes[j]
			if s.up && !s.writable && p.up && p.writable && p.branch == s.branch && m.rnd.IntN(2) == 0 {
				s.lsn = max(s.lsn, p.lsn-pg.LSN(m.rnd.IntN(2000)))
			}
		}
	}
}

// promote begins a timeline whose number is free as far as this node knows:
// without a shared archive others may take the same.
func (m *model) promote(i int) {
	n := &m.nodes[i]
	n.lsn += pg.LSN(m.rnd.IntN(3)) + m.unique()
	n.branch = &branch{number: n.branch.number + 1 + pg.TimelineID(m.rnd.IntN(3)/2), parent: n.branch, end: n.lsn, system: n.branch.system}
	n.writable = true
	m.note("%d promoted to %d at %x", i, n.branch.number, uint64(n.lsn))
}

// unique keeps switch LSNs apart: forks with equal numbers at equal LSNs look
// the same to everybody.
func (m *model) unique() pg.LSN { return pg.LSN(len(m.log)%97+1) * 16 }

// rejoin makes a node follow a writable one, as pg_rewind would.
func (m *model) rejoin(i int) {
	j := m.rnd.IntN(len(m.nodes))
	if i == j || !m.nodes[j].writable || !m.nodes[j].up {
		return
	}
	n := &m.nodes[i]
	n.branch, n.lsn, n.up, n.writable = m.nodes[j].branch, m.nodes[j].lsn-1, true, false
	m.begin(i)
	m.note("%d follows %d on %d", i, j, n.branch.number)
}

// observe is what a probe of one node would tell.
func (m *model) observe(i int, now time.Time) observation {
	n := &m.nodes[i]
	o := observation{node: cluster.NodeID(i), sentAt: now, at: now}
	if !n.up {
		o.err = "down"
		return o
	}
	o.life, o.systemID, o.version = n.life, n.branch.system, 150000
	o.segmentSize, o.timeline = pg.DefaultWALSegmentSize, n.branch.number
	o.inRecovery = !n.writable
	if !n.writable {
		o.replay, o.receive = n.lsn, n.lsn+pg.LSN(m.rnd.IntN(100))
		return o
	}
	o.insert, o.flush, o.replay = n.lsn, n.lsn, n.branch.end
	o.history = history{state: historyKnown, ancestors: n.branch.history()}
	if m.rnd.IntN(10) == 0 {
		o.history = history{state: historyPending}
	}
	return o
}

// TestJudgeNeverFollowsAFork lets random things happen and nodes be observed in
// random order, and checks after each observation what must always hold.
func TestJudgeNeverFollowsAFork(t *testing.T) {
	accepted, refused := 0, 0
	for seed := range uint64(2000) {
		m := newModel(rand.New(rand.NewPCG(seed, 1)))
		w := &modelCheck{t: t, model: m, seed: seed, seen: make([]*branch, len(m.nodes))}
		w.run()
		accepted += w.switches
		refused += w.refusals
	}
	t.Logf("%d switches followed, %d refusals", accepted, refused)
	if accepted < 1000 || refused < 500 {
		t.Error("the model is too tame to prove anything")
	}
}

// modelCheck runs one history.
type modelCheck struct {
	t        *testing.T
	model    *model
	seed     uint64
	judge    *judge
	seen     []*branch // what each node was on when last observed
	truth    *branch   // the accepted branch as it really is
	version  uint64
	switches int
	refusals int
}

func (c *modelCheck) run() {
	now := time.Unix(1e9, 0)
	nodes := make([]cluster.Node, len(c.model.nodes))
	for i := range nodes {
		nodes[i] = cluster.Node{ID: cluster.NodeID(i), Name: fmt.Sprint("n", i), Weight: 1}
	}
	c.judge = newJudge(nodes, limits{bytes: 1 << 20}, accepted{})
	for range 120 {
		now = now.Add(time.Duration(c.model.rnd.IntN(100)) * time.Millisecond)
		if c.model.rnd.IntN(3) == 0 {
			c.model.step()
		}
		if c.model.rnd.IntN(40) == 0 { // pgroute restarts with its state file
			c.judge, c.version = newJudge(nodes, limits{bytes: 1 << 20}, c.judge.acc), 0
		}
		i := c.model.rnd.IntN(len(nodes))
		o := c.model.observe(i, now)
		c.seen[i] = c.model.nodes[i].branch
		c.check(c.judge.observe(o, now))
	}
}

func (c *modelCheck) fail(s *cluster.Snapshot, format string, args ...any) {
	c.t.Helper()
	c.t.Fatalf("seed %d: %s\n%+v\n%s", c.seed, fmt.Sprintf(format, args...), s, strings.Join(c.model.log, "\n"))
}

func (c *modelCheck) check(s *cluster.Snapshot) {
	c.t.Helper()
	if s.Version <= c.version {
		c.fail(s, "version did not grow")
	}
	c.version = s.Version
	primaries := 0
	for i := range s.Nodes {
		n := &s.Nodes[i]
		if n.Role == cluster.RolePrimary {
			primaries++
		}
		if (n.Life == 0) == n.Up {
			c.fail(s, "%s: up %v with life %d", n.Name, n.Up, n.Life)
		}
		if n.Exclusion == cluster.Eligible && (!n.Up || n.Role != cluster.RoleStandby || n.Timeline != s.Timeline) {
			c.fail(s, "%s is eligible", n.Name)
		}
	}
	if primaries > 1 {
		c.fail(s, "two primaries")
	}
	c.checkPrimary(s)
}

// checkPrimary compares the accepted primary with the truth.
func (c *modelCheck) checkPrimary(s *cluster.Snapshot) {
	c.t.Helper()
	if s.Writes == cluster.WritesRefused {
		c.refusals++
	}
	p := s.PrimaryNode()
	if p == nil {
		if s.Writes == cluster.WritesOpen {
			c.fail(s, "writes open without a primary")
		}
		return
	}
	now := c.seen[p.ID]
	if !p.Up || p.Role != cluster.RolePrimary {
		c.fail(s, "primary %s is no primary", p.Name)
	}
	if c.truth != nil && !now.descends(c.truth) {
		c.fail(s, "%s on timeline %d does not descend from accepted %d", p.Name, now.number, c.truth.number)
	}
	if c.truth != now {
		c.switches++
	}
	c.truth = now
	if s.Writes == cluster.WritesOpen {
		c.checkRivals(s, p, now)
	}
}

// checkRivals makes sure that no writable node contradicts the primary while
// writes are open; one whose history was just not readable is forgiven.
func (c *modelCheck) checkRivals(s *cluster.Snapshot, p *cluster.Node, now *branch) {
	c.t.Helper()
	for i := range c.judge.obs {
		o := &c.judge.obs[i]
		if o.node == p.ID || !o.writable() || o.systemID != s.SystemID || o.history.state == historyPending {
			continue
		}
		if !now.descends(c.seen[i]) {
			c.fail(s, "%s is a rival on %d, writes are open", s.Nodes[i].Name, c.seen[i].number)
		}
	}
}
