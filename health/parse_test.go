package health

import (
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgconn"

	"github.com/pgroute/pgroute/internal/cluster"
)

func TestHistoryFileIsRead(t *testing.T) {
	text := "1\t0/5000060\tno recovery target specified\n\n# a comment\n3\t1/A0\tbefore 2000-01-01 # why\n"
	got, err := parseHistory([]byte(text), 4)
	want := []cluster.Ancestor{{Timeline: 1, End: 0x5000060}, {Timeline: 3, End: 0x1000000A0}}
	if err != nil || !sameHistory(got, want) {
		t.Errorf("%+v, %v", got, err)
	}
	for _, bad := range []string{"1", "x\t0/1", "1\tzz", "2\t0/1\n1\t0/2", "4\t0/1", "1\t0/1\n1\t0/2"} {
		if h, err := parseHistory([]byte(bad), 4); err == nil {
			t.Errorf("%q was read as %+v", bad, h)
		}
	}
}

func FuzzHistoryFile(f *testing.F) {
	f.Add("1\t0/5000060\tno recovery target specified\n", uint32(2))
	f.Fuzz(func(t *testing.T, text string, of uint32) {
		hist, err := parseHistory([]byte(text), 7)
		for i := range hist {
			if err == nil && (hist[i].Timeline >= 7 || i > 0 && hist[i].Timeline <= hist[i-1].Timeline) {
				t.Fatalf("accepted %+v", hist)
			}
		}
	})
}

// row makes a probe row from text, "-" for NULL.
func row(text string) [][]byte {
	var r [][]byte
	for _, w := range strings.Fields(text) {
		if w == "-" {
			r = append(r, nil)
		} else {
			r = append(r, []byte(w))
		}
	}
	return r
}

func TestProbeRowOfAPrimary(t *testing.T) {
	// Inserted up to a page boundary: 24 bytes of header are not a record.
	s, err := parseProbe(row("f 000000030000000000000005 0/5002018 0/400 - 77 2 0 16777216 150012 - - - - - - 0/5001010 200 f"))
	want := walState{insert: 0x5002000, flush: 0x5001010, window: 600 * time.Millisecond}
	if err != nil || s.walState != want || s.inRecovery || s.timeline != 3 || s.insert != 0x5002000 || s.systemID != 77 || s.version != 150012 {
		t.Errorf("%+v, %v", s, err)
	}
}

func TestProbeRowOfAStandby(t *testing.T) {
	s, err := parseProbe(row("t - - 0/4000 0/5000 77 1 2 16777216 150012 99 streaming 3 10.0.0.1 5432 slot1 - 200 -"))
	if err != nil || !s.inRecovery || s.timeline != 3 || s.replay != 0x4000 || s.receive != 0x5000 {
		t.Errorf("%+v, %v", s, err)
	}
	want := receiver{visible: true, status: "streaming", sender: "10.0.0.1:5432", slot: "slot1"}
	if s.receiver != want {
		t.Errorf("%+v", s.receiver)
	}
	// Without pg_monitor the receiver's row is there, but empty.
	s, err = parseProbe(row("t - - 0/4000 0/5000 77 1 2 16777216 150012 99 - - - - - - 200 -"))
	if err != nil || s.timeline != 2 || s.receiver.visible {
		t.Errorf("%+v, %v", s, err)
	}
}

func TestMalformedProbeRowsAreErrors(t *testing.T) {
	for _, bad := range []string{
		"f - 0/1 - - 77 1 0 16777216 150012 - - - - - - 0/1 200 f",                       // primary without WAL file
		"f 000000030000000000000005 zz - - 77 1 0 16777216 150012 - - - - - - 0/1 200 f", // no LSN
		"f 000000030000000000000005 0/1 - - - 1 0 16777216 150012 - - - - - - 0/1 200 f", // no system identifier
		"f 000000030000000000000005 0/1 - - 77 1 0 - 150012 - - - - - - 0/1 200 f",       // no segment size
		"f 000000030000000000000005 0/1 - - 77 1 0 16777216 150012 - - - - - - 0/1 -5 f", // negative delay
		"t - - 0/4000 0/5000 77 -1 2 16777216 150012 99 streaming 3 h 5432 slot - 200 -", // negative
	} {
		if s, err := parseProbe(row(bad)); err == nil {
			t.Errorf("%q was read as %+v", bad, s)
		}
	}
}

func TestConninfoTakesTheMonitorRole(t *testing.T) {
	c := Config{User: "mon", Password: `it's \ "secret"`, Database: "db"}.withDefaults()
	for _, info := range []string{
		"host=10.0.0.1 port=5433 sslmode=require",
		"postgres://someone:else@10.0.0.1:5433/other?sslmode=require",
		"host=10.0.0.1 port=5433 user=someone password=else dbname=other sslmode=require",
	} {
		cc, err := c.connConfig(info)
		if err != nil {
			t.Fatal(err)
		}
		if cc.User != "mon" || cc.Password != c.Password || cc.Database != "db" || cc.Host != "10.0.0.1" || cc.Port != 5433 || cc.TLSConfig == nil {
			t.Errorf("%s: %+v", info, cc)
		}
	}
}

func TestBadConfigurationIsRefusedWithoutSecrets(t *testing.T) {
	node := func(info ...string) (ns []NodeConfig) {
		for _, i := range info {
			ns = append(ns, NodeConfig{Conninfo: i})
		}
		return ns
	}
	for _, c := range []Config{
		{},
		{Nodes: node("host=a", "host=a")},
		{Nodes: node("host=a,b port=1,2")},
		{Nodes: node("host=a port=nonsense"), Password: "hunter2"},
		{Nodes: node("postgres://mon:hunter2@%zz/")},
		{Nodes: make([]NodeConfig, 65)},
	} {
		_, err := New(c, nil)
		if err == nil {
			t.Errorf("accepted %+v", c)
		} else if strings.Contains(err.Error(), "hunter2") {
			t.Errorf("secret in %v", err)
		}
	}
}

func TestDescribeKeepsServerErrorsShort(t *testing.T) {
	err := &pgconn.PgError{Severity: "FATAL", Code: "28P01", Message: "password authentication failed"}
	if got := describe(err); got != "password authentication failed (SQLSTATE 28P01)" || !denied(err) {
		t.Error(got)
	}
}

func TestRepeatedEventsAreThrottledInTheLog(t *testing.T) {
	var out strings.Builder
	l := newEventLog(slog.New(slog.NewTextHandler(&out, nil)))
	now := time.Unix(1e9, 0)
	for i := range 1000 {
		l.write(Event{At: now.Add(time.Duration(i) * time.Millisecond), Kind: EventNodeDown, Node: 1, Name: "b"})
	}
	l.write(Event{At: now, Kind: EventNodeDown, Node: 2, Name: "c"})
	if n := strings.Count(out.String(), "\n"); n != logBurst+1 {
		t.Errorf("%d lines", n)
	}
	l.write(Event{At: now.Add(logSpacing), Kind: EventNodeDown, Node: 1, Name: "b"})
	if want := "repeated=995"; !strings.Contains(out.String(), want) {
		t.Errorf("no %s in the last line of %s", want, out.String())
	}
}
