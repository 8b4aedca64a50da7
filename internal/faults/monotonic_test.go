package faults

import (
	"context"
	"fmt"
	"sync"
	"testing"

	"github.com/jackc/pgx/v5"

	"github.com/pgroute/pgroute/internal/cluster"
	"github.com/pgroute/pgroute/internal/lab"
	"github.com/pgroute/pgroute/internal/serve/servetest"
)

// sight is one event of a session's history of a counter that only grows:
// what it wrote, or what it read.
type sight struct {
	value int64
	wrote bool
}

// regress is where a history breaks a promise: a read gave less than the
// session had written (own) or read before.
type regress struct {
	at   int
	want int64
	own  bool
}

// regressions checks one session's history for read-your-writes and
// monotonic reads.
func regressions(history []sight) []regress {
	var found []regress
	var wrote, read int64
	for i, s := range history {
		switch {
		case s.wrote:
			wrote = max(wrote, s.value)
		case s.value < wrote:
			found = append(found, regress{i, wrote, true})
		case s.value < read:
			found = append(found, regress{i, read, false})
		}
		if !s.wrote {
			read = max(read, s.value)
		}
	}
	return found
}

func TestRegressionsFindsPlantedViolations(t *testing.T) {
	clean := []sight{{1, true}, {1, false}, {3, false}, {3, false}, {4, true}, {5, false}}
	if got := regressions(clean); len(got) > 0 {
		t.Errorf("a clean history: %v", got)
	}
	broken := append(append([]sight{}, clean...), sight{4, false}, sight{9, true}, sight{8, false}, sight{9, false})
	want := "[{6 5 false} {8 9 true}]"
	if got := fmt.Sprint(regressions(broken)); got != want {
		t.Errorf("found %s, want %s", got, want)
	}
}

// hop makes a session read on that node, if the node has what it must have.
func hop(node, consistency string) string {
	return "/* pgroute: node=" + node + " consistency=" + consistency + " */ SELECT n FROM counters WHERE client = 0"
}

// jumper reads a growing counter from both standbys in turn.
func jumper(t testing.TB, c *pgx.Conn, consistency string, rounds int) []sight {
	var history []sight
	for i := range rounds {
		var s sight
		sql := hop("standby"+itoa(1+i%2), consistency)
		if err := c.QueryRow(context.Background(), sql, pgx.QueryExecModeSimpleProtocol).Scan(&s.value); err != nil {
			t.Errorf("read: %v", err)
			return history
		}
		history = append(history, s)
	}
	return history
}

// delayed gives a cluster whose standby2 is always a bit behind, with a
// counter that grows until the test ends.
func delayed(t *testing.T) *rig {
	// Not from the primary, which may show a commit later than a standby does.
	r := start(t, lab.Options{Standbys: 2}, "routing.fence_wait=500ms", "routing.read_from_primary=never", "health.interval=100ms")
	r.setup(schema)
	r.at("standby2", "ALTER SYSTEM SET recovery_min_apply_delay = '30ms'")
	r.at("standby2", "SELECT pg_reload_conf()")
	counter := servetest.Connect(t, r.DSN(lab.Superuser, "postgres"))
	stop := make(chan struct{})
	var wg sync.WaitGroup
	wg.Go(func() {
		for {
			select {
			case <-stop:
				return
			default:
			}
			if _, err := ask(counter, "UPDATE counters SET n = n + 1 WHERE client = 0"); err != nil {
				t.Errorf("count: %v", err)
				return
			}
		}
	})
	t.Cleanup(func() { close(stop); wg.Wait() })
	return r
}

func TestReadsAreMonotonicOverStandbysOfDifferentAge(t *testing.T) {
	r := delayed(t)
	const sessions, rounds = 4, 60
	before1, before2 := r.answered("standby1"), r.answered("standby2")
	var wg sync.WaitGroup
	for range sessions {
		c := r.Connect(t)
		wg.Go(func() {
			for _, v := range regressions(jumper(t, c, "session", rounds)) {
				t.Errorf("read %d gave less than %d", v.at, v.want)
			}
		})
	}
	wg.Wait()
	prompt, late := r.answered("standby1")-before1, r.answered("standby2")-before2
	t.Logf("of %d reads standby1 carried %d, the delayed standby2 %d", sessions*rounds, prompt, late)
	if prompt == 0 || late == 0 {
		t.Error("not both standbys were read: this test shows nothing")
	}
	// Without the promise the same reads go back: the checker sees it.
	if v := regressions(jumper(t, r.Connect(t), "eventual", rounds)); len(v) == 0 {
		t.Error("eventual reads from a delayed standby never went back: this test shows nothing")
	}
}

// A session that writes and reads in turn sees its own writes, whichever
// standby answers.
func TestOwnWritesAreSeenOnADelayedStandby(t *testing.T) {
	r := delayed(t)
	c := r.Connect(t)
	must(t, c, "UPDATE counters SET n = 0 WHERE client = 1")
	var history []sight
	for i := range 60 {
		var s sight
		if i%3 == 0 {
			must(t, c, "UPDATE counters SET n = n + 1 WHERE client = 1")
			s = sight{int64(i/3 + 1), true}
		} else {
			sql := "/* pgroute: node=standby" + itoa(i%3) + " */ SELECT n FROM counters WHERE client = 1"
			if err := c.QueryRow(t.Context(), sql, pgx.QueryExecModeSimpleProtocol).Scan(&s.value); err != nil {
				t.Fatal(err)
			}
		}
		history = append(history, s)
	}
	for _, v := range regressions(history) {
		t.Errorf("event %d: less than %d, own write: %v", v.at, v.want, v.own)
	}
	r.awaitNode("standby2", cluster.Eligible)
}
