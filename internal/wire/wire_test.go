package wire

import (
	"bytes"
	"testing"

	"github.com/jackc/pgproto3/v2"

	"github.com/pgroute/pgroute/internal/pg"
)

func TestAppendedMessagesDecodeAsMeant(t *testing.T) {
	var buf []byte
	buf = AppendParse(buf, "s1", append([]byte("select $1\x00"), 0, 1, 0, 0, 0, 23))
	buf = AppendCloseStatement(buf, "s1")
	buf = AppendQuery(buf, "select 1")
	buf = AppendEmpty(buf, Sync)
	be := pgproto3.NewBackend(pgproto3.NewChunkReader(bytes.NewReader(buf)), nil)
	p := receive[*pgproto3.Parse](t, be)
	if p.Name != "s1" || p.Query != "select $1" || len(p.ParameterOIDs) != 1 || p.ParameterOIDs[0] != 23 {
		t.Errorf("parse: %+v", p)
	}
	if c := receive[*pgproto3.Close](t, be); c.Name != "s1" || c.ObjectType != 'S' {
		t.Errorf("close: %+v", c)
	}
	if q := receive[*pgproto3.Query](t, be); q.String != "select 1" {
		t.Errorf("query: %+v", q)
	}
	receive[*pgproto3.Sync](t, be)
}

func receive[M pgproto3.FrontendMessage](t *testing.T, be *pgproto3.Backend) M {
	t.Helper()
	m, err := be.Receive()
	if err != nil {
		t.Fatal(err)
	}
	got, ok := m.(M)
	if !ok {
		t.Fatalf("got %T", m)
	}
	return got
}

func TestErrorRoundTripLeavesTheCauseOut(t *testing.T) {
	e := pg.Errorf(pg.CannotConnectNow, "no primary").WithHint("wait").WithCause(bytes.ErrTooLarge)
	out := AppendError(nil, e)
	if bytes.Contains(out, []byte("too large")) {
		t.Fatal("the cause reached the client")
	}
	got := ServerError(out[HeaderSize:])
	if got.State != e.State || got.Message != e.Message || got.Hint != e.Hint || got.Severity != e.Severity {
		t.Fatalf("%+v", got)
	}
}

func TestStartupPackets(t *testing.T) {
	pkt := AppendStartup(nil, []string{"user", "a", "database", "d", "options", "-c x=y"})
	if n, ok, err := StartupPacket(pkt); n != len(pkt) || !ok || err != nil {
		t.Fatal(n, ok, err)
	}
	s, err := ParseStartup(pkt)
	if err != nil {
		t.Fatal(err)
	}
	if v, _ := s.Get("database"); v != "d" || s.NeedsNegotiation() {
		t.Fatalf("%+v", s)
	}
	for name, bad := range map[string][]byte{
		"no terminator": pkt[:len(pkt)-1],
		"name only":     {0, 0, 0, 12, 0, 3, 0, 0, 'u', 's', 'r', 0},
		"protocol 2":    {0, 0, 0, 9, 0, 2, 0, 0, 0},
	} {
		if _, err := ParseStartup(bad); err == nil {
			t.Errorf("%s: accepted", name)
		}
	}
}

func TestNegotiationOfNewerProtocols(t *testing.T) {
	for minor, agreed := range map[int]int{0: 0, 1: 0, 2: 2, 3: 2, 9999: 2} {
		s := &Startup{Minor: minor}
		if s.AgreedMinor() != agreed || s.NeedsNegotiation() != (minor != agreed) {
			t.Errorf("3.%d: agreed 3.%d, negotiation %v", minor, s.AgreedMinor(), s.NeedsNegotiation())
		}
	}
	s := &Startup{Minor: 0, Unrecognized: []string{"_pq_.x"}}
	want := []byte{'v', 0, 0, 0, 19, 0, 3, 0, 0, 0, 0, 0, 1, '_', 'p', 'q', '_', '.', 'x', 0}
	if got := AppendNegotiate(nil, s); !bytes.Equal(got, want) {
		t.Errorf("got %q", got)
	}
}

func TestCancelKeysOfEitherLength(t *testing.T) {
	for _, key := range [][]byte{{1, 2, 3, 4}, bytes.Repeat([]byte{7}, 32)} {
		pid, got, ok := ParseCancel(AppendCancel(nil, 77, key))
		if !ok || pid != 77 || !bytes.Equal(got, key) {
			t.Errorf("%v: got %v %v %v", key, pid, got, ok)
		}
	}
	if _, _, ok := ParseCancel(AppendCancel(nil, 1, nil)); ok {
		t.Error("an empty key was accepted")
	}
}

func TestHeaderRefusesImpossibleLengths(t *testing.T) {
	for _, c := range []struct {
		in   []byte
		size int
	}{
		{[]byte{'Q', 0, 0, 0, 4}, 5}, {[]byte{'Q', 0, 0, 0, 3}, -1},
		{[]byte{'Q', 0xff, 0xff, 0xff, 0xff}, -1}, {[]byte{'Q', 0x40, 0, 0, 5}, -1},
	} {
		if _, size, ok := Header(c.in); !ok || size != c.size {
			t.Errorf("%v: size %d, want %d", c.in, size, c.size)
		}
	}
	if _, _, ok := Header([]byte{'Q', 0, 0, 0}); ok {
		t.Error("four bytes are no header")
	}
}

func FuzzStartup(f *testing.F) {
	f.Add(AppendStartup(nil, []string{"user", "a", "_pq_.x", "1"}))
	f.Add(AppendCancel(nil, 1, []byte{1, 2, 3, 4}))
	f.Add([]byte{0, 0, 0, 8, 4, 210, 22, 47})
	f.Fuzz(func(t *testing.T, p []byte) {
		n, ok, err := StartupPacket(p)
		if err != nil || !ok || n > len(p) {
			return
		}
		p = p[:n]
		ParseCancel(p)
		s, perr := ParseStartup(p)
		if perr != nil {
			return
		}
		if len(s.Params)%2 != 0 {
			t.Fatal("a name without a value")
		}
		if _, err := ParseStartup(AppendStartup(nil, s.Params)); err != nil {
			t.Fatalf("what was read does not read again: %v", err)
		}
	})
}

func FuzzServerFields(f *testing.F) {
	f.Add([]byte("SERROR\x00C42601\x00Msyntax\x00\x00"))
	f.Add([]byte{0, 2, 0, 0, 0, 1, 'a', 0xff, 0xff, 0xff, 0xff})
	f.Fuzz(func(_ *testing.T, p []byte) {
		ServerError(p)
		ParameterStatusFields(p)
		DataRowColumns(p, func(int, []byte) {})
	})
}
