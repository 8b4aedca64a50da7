package health

import (
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/pgroute/pgroute/internal/cluster"
	"github.com/pgroute/pgroute/internal/pg"
)

// TestJudgeScripts runs the stories of testdata/judge. A line is an
// observation ("a primary tl=1 lsn=1000 hist=1@900", LSNs in hexadecimal), a
// step of time ("+500ms"), or what must hold now ("=> open primary=a
// b=standby:eligible b.lag=80").
func TestJudgeScripts(t *testing.T) {
	files, err := filepath.Glob("testdata/judge/*.txt")
	if err != nil || len(files) == 0 {
		t.Fatal("no scripts", err)
	}
	for _, f := range files {
		t.Run(strings.TrimSuffix(filepath.Base(f), ".txt"), func(t *testing.T) {
			text, err := os.ReadFile(f)
			if err != nil {
				t.Fatal(err)
			}
			s := &script{t: t, now: time.Unix(1e9, 0)}
			for i, line := range strings.Split(string(text), "\n") {
				s.line = fmt.Sprintf("%s:%d", f, i+1)
				s.run(strings.TrimSpace(line))
			}
		})
	}
}

// script is one story's state.
type script struct {
	t      *testing.T
	line   string
	now    time.Time
	limits limits
	acc    accepted
	nodes  []cluster.Node
	lives  []cluster.Life
	next   cluster.Life
	judge  *judge
	snap   *cluster.Snapshot
}

func (s *script) fail(format string, args ...any) {
	s.t.Helper()
	s.t.Fatalf("%s: %s", s.line, fmt.Sprintf(format, args...))
}

func (s *script) run(line string) {
	words := strings.Fields(line)
	switch {
	case len(words) == 0 || words[0][0] == '#':
	case words[0] == "limits":
		kv := s.pairs(words[1:])
		s.limits.bytes, _ = strconv.ParseUint(kv["bytes"], 10, 64)
		s.limits.time, _ = time.ParseDuration(kv["time"])
	case words[0] == "nodes":
		for i, n := range words[1:] {
			s.nodes = append(s.nodes, cluster.Node{ID: cluster.NodeID(i), Name: n, Weight: 1})
		}
		s.lives = make([]cluster.Life, len(s.nodes))
	case words[0] == "remember":
		kv := s.pairs(words[1:])
		s.acc = accepted{systemID: s.dec(kv["sys"]), timeline: pg.TimelineID(s.dec(kv["tl"])),
			history: s.hist(kv["history"]), complete: true}
	case words[0][0] == '+':
		d, err := time.ParseDuration(words[0][1:])
		if err != nil {
			s.fail("%v", err)
		}
		s.now = s.now.Add(d)
	case words[0] == "=>":
		s.expect(words[1:])
	default:
		s.observe(words)
	}
}

func (s *script) dec(v string) uint64 {
	n, err := strconv.ParseUint(v, 10, 64)
	if err != nil {
		s.fail("%v", err)
	}
	return n
}

func (s *script) lsn(v string) pg.LSN {
	if v == "" {
		return 0
	}
	n, err := strconv.ParseUint(v, 16, 64)
	if err != nil {
		s.fail("%v", err)
	}
	return pg.LSN(n)
}

func (s *script) hist(v string) []cluster.Ancestor {
	var h []cluster.Ancestor
	for _, part := range strings.Split(v, ",") {
		tl, end, ok := strings.Cut(part, "@")
		if ok {
			h = append(h, cluster.Ancestor{Timeline: pg.TimelineID(s.dec(tl)), End: s.lsn(end)})
		}
	}
	return h
}

func (s *script) pairs(words []string) map[string]string {
	kv := map[string]string{}
	for _, w := range words {
		k, v, _ := strings.Cut(w, "=")
		kv[k] = v
	}
	return kv
}

func (s *script) node(name string) int {
	for i := range s.nodes {
		if s.nodes[i].Name == name {
			return i
		}
	}
	s.fail("no node %q", name)
	return -1
}

// observe turns "a standby tl=1 lsn=1000 …" into an observation.
func (s *script) observe(words []string) {
	if s.judge == nil {
		s.judge = newJudge(s.nodes, s.limits, s.acc)
	}
	i, kv := s.node(words[0]), s.pairs(words[2:])
	o := observation{node: cluster.NodeID(i), sentAt: s.now, at: s.now}
	if words[1] == "down" {
		o.err = "connection refused"
		s.lives[i] = 0
	} else {
		if s.lives[i] == 0 || kv["life"] == "new" {
			s.next++
			s.lives[i] = s.next
		}
		o.life = s.lives[i]
		s.fill(&o, words[1] == "standby", kv)
	}
	s.snap = s.judge.observe(o, s.now)
}

func (s *script) fill(o *observation, standby bool, kv map[string]string) {
	o.systemID, o.version, o.segmentSize = 7, 150000, pg.DefaultWALSegmentSize
	if kv["sys"] != "" {
		o.systemID = s.dec(kv["sys"])
	}
	o.inRecovery, o.timeline = standby, pg.TimelineID(s.dec(kv["tl"]))
	o.receiver.status = kv["receiver"]
	if standby {
		o.replay, o.receive = s.lsn(kv["lsn"]), s.lsn(kv["receive"])
		return
	}
	o.insert, o.replay = s.lsn(kv["lsn"]), s.lsn(kv["replay"])
	o.flush, o.window, o.stalled = o.insert, fakeWindow, kv["stalled"] != ""
	if kv["flush"] != "" {
		o.flush = s.lsn(kv["flush"])
	}
	switch kv["hist"] {
	case "pending":
		o.history.state = historyPending
	case "unreadable":
		o.history.state = historyUnreadable
	default:
		o.history = history{state: historyKnown, ancestors: s.hist(kv["hist"])}
	}
}

var writeWords = map[string]cluster.WriteState{
	"open": cluster.WritesOpen, "startup": cluster.WritesStartup,
	"lost": cluster.WritesLost, "refused": cluster.WritesRefused,
}

// expect checks what a "=>" line says.
func (s *script) expect(words []string) {
	s.t.Helper()
	for _, w := range words {
		key, want, pair := strings.Cut(w, "=")
		if !pair {
			if s.snap.Writes != writeWords[w] {
				s.fail("writes are %v (%v: %s), want %s", s.snap.Writes, s.judge.verdict.reason, s.snap.WritesWhy, w)
			}
			continue
		}
		if got := s.actual(key, want); got != want {
			s.fail("%s is %s, want %s", key, got, want)
		}
	}
	if (s.snap.WritesWhy == "") != (s.snap.Writes == cluster.WritesOpen) {
		s.fail("writes %v explained by %q", s.snap.Writes, s.snap.WritesWhy)
	}
}

// actual renders what a key stands for, as the expectation would write it.
func (s *script) actual(key, want string) string {
	switch key {
	case "primary":
		if n := s.snap.PrimaryNode(); n != nil {
			return n.Name
		}
		return "none"
	case "reason":
		return s.judge.verdict.reason.String()
	case "tl":
		return strconv.Itoa(int(s.snap.Timeline))
	case "history":
		var parts []string
		for _, a := range s.snap.History {
			parts = append(parts, fmt.Sprintf("%d@%x", a.Timeline, uint64(a.End)))
		}
		return strings.Join(parts, ",")
	}
	name, field, _ := strings.Cut(key, ".")
	return nodeActual(&s.snap.Nodes[s.node(name)], field, want)
}

func nodeActual(n *cluster.Node, field, want string) string {
	switch field {
	case "lag":
		return strconv.FormatUint(n.LagBytes, 10)
	case "late":
		if d, _ := time.ParseDuration(want); d == n.LagTime {
			return want
		}
		return n.LagTime.String()
	case "replay":
		return strconv.FormatUint(uint64(n.ReplayLSN), 16)
	case "safe":
		return strconv.FormatUint(uint64(n.SafeLSN), 16)
	case "bound":
		return strconv.FormatUint(uint64(n.ReplayBound), 16)
	}
	if !strings.Contains(want, ":") {
		return n.Role.String()
	}
	return n.Role.String() + ":" + n.Exclusion.String()
}
