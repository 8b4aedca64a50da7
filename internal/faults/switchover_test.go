package faults

import (
	"testing"

	"github.com/jackc/pgx/v5"

	"github.com/pgroute/pgroute/internal/cluster"
	"github.com/pgroute/pgroute/internal/lab"
)

func TestPlannedSwitchoverIsSeenOnlyByOpenTransactions(t *testing.T) {
	r := start(t, lab.Options{Standbys: 2})
	var resting []*pgx.Conn
	for range 8 {
		c := r.Connect(t)
		must(t, c, "SELECT 1")
		resting = append(resting, c)
	}
	l := r.begin(16, autocommit, transaction, read, simple)
	promoted := r.promotion("standby1")
	r.do(r.lab.StopNode, "primary")
	var held []<-chan answer
	for i, c := range resting {
		held = append(held, async(t, c, "INSERT INTO tokens VALUES (-"+itoa(i+1)+", -1, false)"))
	}
	r.do(r.lab.Promote, "standby1")
	at := <-promoted
	l.awaitRounds(5)
	for _, h := range held {
		if a := await(t, h); a.err != nil {
			t.Errorf("a session between transactions was told %v", a.err)
		}
	}
	f := l.audit(r.direct("standby1"))
	t.Logf("%s", &f)
	f.check(t)
	r.reportGap(l, at)
	for _, c := range l.clients {
		if c.id%4 != 1 && len(c.ledger.states) > 0 { // the others do one transaction per statement
			t.Errorf("client %d was told %v", c.id, c.ledger.states)
		}
	}
}

func TestReadsGoOnWhileThereIsNoPrimary(t *testing.T) {
	r := start(t, lab.Options{Standbys: 2})
	r.setup("CREATE TABLE kept AS SELECT 7 AS a")
	reader, writer := r.Connect(t), r.Connect(t)
	r.awaitReader(reader)
	must(t, writer, "INSERT INTO kept VALUES (8)")
	r.do(r.lab.Kill, "primary")
	r.awaitLost()
	for range 200 {
		if got := must(t, reader, "SELECT min(a) FROM kept"); got != "7" {
			t.Fatalf("read %s", got)
		}
	}
	if got := must(t, r.Connect(t), "SELECT min(a) FROM kept"); got != "7" {
		t.Errorf("a new session read %s", got)
	}
	// What the writer has seen, nobody can tell now: its read waits for that.
	late := async(t, writer, "SELECT count(*) FROM kept WHERE a = 8")
	r.awaitPhase("held", 1, late)
	r.do(r.lab.Promote, "standby1")
	if a := await(t, late); a.err != nil {
		t.Errorf("the read that waited: %v", a.err)
	}
	r.awaitNode("standby2", cluster.Eligible)
}
