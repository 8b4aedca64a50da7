package backend

import (
	"bytes"
	"net"
	"slices"
	"strings"
	"testing"

	"github.com/hashicorp/golang-lru/v2/simplelru"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/pgroute/pgroute/internal/netloop"
	"github.com/pgroute/pgroute/internal/pg"
	"github.com/pgroute/pgroute/internal/wire"
)

// scripted is a session that writes down what it is told.
type scripted struct {
	out   []byte // forwarded
	calls []string
	rerun bool
	conn  *Conn
}

func (s *scripted) Forward(p []byte) { s.out = append(s.out, p...) }
func (s *scripted) PID() uint32      { return 7 }
func (s *scripted) ParameterStatus(name, value []byte) bool {
	s.calls = append(s.calls, "parameter "+string(name)+"="+string(value))
	return true
}
func (s *scripted) Rerun(state pg.SQLState, _ []byte) bool {
	s.calls = append(s.calls, "rerun? "+string(state))
	if s.rerun {
		s.conn.front = nil
	}
	return s.rerun
}
func (s *scripted) Completed(tag []byte)      { s.calls = append(s.calls, "completed "+string(tag)) }
func (s *scripted) Ready(tx byte)             { s.calls = append(s.calls, "ready "+string(tx)) }
func (s *scripted) Lost(*Conn, []byte, error) { s.calls = append(s.calls, "lost") }
func (s *scripted) ServerDrained()            {}

// onLoop gives a Conn on a loop that nobody runs: only what comes out of OnData
// counts.
func onLoop(t testing.TB) (*Conn, *scripted) {
	t.Helper()
	loop, err := netloop.New(netloop.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(loop.Close)
	server, peer := net.Pipe()
	t.Cleanup(func() { _ = server.Close(); _ = peer.Close() })
	set := NewSet(Options{Nodes: []*pgconn.Config{{}}, Limits: Limits{Size: 1, Prepared: 10}})
	c := &Conn{pool: set.Tenant("d", "u").pools[0], loop: loop, tx: wire.TxIdle}
	c.prepared, _ = simplelru.NewLRU[uint64, *known](100, nil)
	if c.net, err = loop.Attach(server, c); err != nil {
		t.Fatal(err)
	}
	f := &scripted{conn: c}
	c.Link(f)
	return c, f
}

// msg makes one message.
func msg(typ byte, body string) []byte {
	return append(wire.AppendHeader(nil, typ, len(body)), body...)
}

func joined(messages ...[]byte) []byte { return slices.Concat(messages...) }

// ready is ReadyForQuery.
func ready(tx byte) []byte { return msg(wire.ReadyForQuery, string(tx)) }

func TestAnswersPassInWholeAndInPieces(t *testing.T) {
	answer := joined(msg(wire.ParseComplete, ""), msg(wire.BindComplete, ""), msg(wire.RowDescription, "columns"),
		msg(wire.DataRow, "row"), msg(wire.CommandComplete, "SELECT 1\x00"), ready('I'))
	for size := 1; size <= len(answer); size++ {
		c, f := onLoop(t)
		c.ExpectUnnamed(nil, nil)
		c.ExpectBind(nil)
		c.ExpectDescribe(nil)
		c.ExpectExecute(nil)
		c.ExpectSync()
		for p := range slices.Chunk(slices.Clone(answer), size) {
			c.OnData(c.net, p)
		}
		if !bytes.Equal(f.out, answer) || !slices.Equal(f.calls, []string{"ready I"}) || !c.Quiet() {
			t.Fatalf("in pieces of %d: %q, %v", size, f.out, f.calls)
		}
	}
}

// A client that was given half a message cannot be told any more what became
// of its transaction.
func TestOnlyRowsPassInPieces(t *testing.T) {
	for typ, pieces := range map[byte]bool{
		wire.ParameterDescription: false, wire.RowDescription: false, wire.CommandComplete: false, wire.DataRow: true,
	} {
		c, f := onLoop(t)
		c.ExpectQuery(nil)
		half := msg(typ, "SELECT 1\x00")[:9]
		c.OnData(c.net, half)
		if passed := len(f.out) > 0; passed != pieces || c.MidMessage() != pieces {
			t.Errorf("half of %c: %q was passed", typ, f.out)
		}
	}
}

func TestInjectedParseIsSwallowed(t *testing.T) {
	c, f := onLoop(t)
	var ids Statements
	st := ids.New([]byte("SELECT 1\x00\x00\x00"))
	if out := c.AppendPrepared(nil, st); len(out) == 0 || !c.Knows(st) {
		t.Fatal("nothing was injected")
	}
	c.ExpectBind(nil)
	c.ExpectExecute(nil)
	c.ExpectSync()
	rest := joined(msg(wire.BindComplete, ""), msg(wire.CommandComplete, "SELECT 1\x00"), ready('I'))
	c.OnData(c.net, joined(msg(wire.ParseComplete, ""), rest))
	if !bytes.Equal(f.out, rest) {
		t.Fatalf("%q", f.out)
	}
	if out := c.AppendPrepared(nil, st); len(out) != 0 {
		t.Fatal("a statement the server knows was injected again")
	}
}

// undone counts what is taken back.
type undone struct{ failed, skipped int }

func (u *undone) Undo(failed bool) {
	if failed {
		u.failed++
	} else {
		u.skipped++
	}
}

func TestAnErrorSkipsToSyncAndTakesBack(t *testing.T) {
	c, f := onLoop(t)
	var ids Statements
	first, second := ids.New([]byte("a\x00\x00\x00")), ids.New([]byte("b\x00\x00\x00"))
	u := &undone{}
	c.AppendParse(nil, first, u)
	c.AppendParse(nil, second, u)
	c.ExpectSync()
	answer := joined(msg(wire.ErrorResponse, "SERROR\x00VERROR\x00C42601\x00Mbad\x00\x00"), ready('I'))
	c.OnData(c.net, answer)
	if u.failed != 1 || u.skipped != 1 || c.Knows(first) || c.Knows(second) || !c.Quiet() {
		t.Fatalf("%+v, knows %v %v", u, c.Knows(first), c.Knows(second))
	}
	if !bytes.Equal(f.out, answer) {
		t.Fatalf("%q", f.out)
	}
}

func TestHeldAnswerIsDroppedForARerun(t *testing.T) {
	refusal := msg(wire.ErrorResponse, "SERROR\x00VERROR\x00C25006\x00Mread-only\x00\x00")
	for _, rerun := range []bool{true, false} {
		c, f := onLoop(t)
		f.rerun = rerun
		c.Holdback()
		c.ExpectUnnamed(nil, nil)
		c.ExpectBind(nil)
		c.ExpectExecute(nil)
		c.ExpectSync()
		answer := joined(msg(wire.ParseComplete, ""), msg(wire.BindComplete, ""), refusal, ready('I'))
		c.OnData(c.net, answer)
		want := answer
		if rerun {
			want = nil
		}
		if !bytes.Equal(f.out, want) || f.calls[0] != "rerun? 25006" {
			t.Errorf("rerun %v: forwarded %q, %v", rerun, f.out, f.calls)
		}
	}
}

func TestRowsEndTheHoldback(t *testing.T) {
	c, f := onLoop(t)
	f.rerun = true
	c.Holdback()
	c.ExpectQuery(nil)
	answer := joined(msg(wire.RowDescription, "x"), msg(wire.DataRow, "1"),
		msg(wire.ErrorResponse, "SERROR\x00VERROR\x00C40001\x00Mx\x00\x00"), ready('I'))
	c.OnData(c.net, answer)
	if !bytes.Equal(f.out, answer) || !slices.Equal(f.calls, []string{"ready I"}) {
		t.Fatalf("%q, %v", f.out, f.calls)
	}
}

func TestAnAnswerToNothingCutsTheConnection(t *testing.T) {
	for name, unasked := range map[string][]byte{
		"ready":    ready('I'),
		"parse":    msg(wire.ParseComplete, ""),
		"length":   {'D', 0, 0, 0, 1},
		"too long": {'D', 0xff, 0, 0, 0},
	} {
		c, _ := onLoop(t)
		c.OnData(c.net, unasked)
		if c.lostCause == nil {
			t.Errorf("%s: the connection lives on", name)
		}
	}
}

func TestLocalAnswersKeepTheirPlace(t *testing.T) {
	c, f := onLoop(t)
	c.ExpectBind(nil)
	c.AnswerLocally(msg(wire.CloseComplete, ""), nil)
	c.ExpectSync()
	if len(f.out) != 0 {
		t.Fatal("answered before what was asked first")
	}
	c.OnData(c.net, joined(msg(wire.BindComplete, ""), ready('I')))
	want := joined(msg(wire.BindComplete, ""), msg(wire.CloseComplete, ""), ready('I'))
	if !bytes.Equal(f.out, want) {
		t.Fatalf("%q", f.out)
	}
}

// FuzzAnswers gives the same bytes whole and cut at arbitrary places: the
// client must get the same, whatever the server sent.
func FuzzAnswers(f *testing.F) {
	f.Add([]byte{1, 5}, []byte("PBDES"), joined(msg('1', ""), msg('2', ""), msg('T', "c"), msg('D', "r"), msg('C', "SELECT 1\x00"), ready('I')))
	f.Add([]byte{3}, []byte("Q"), joined(msg('N', "SNOTICE\x00\x00"), msg('G', "\x00\x00\x00"), msg('C', "COPY 1\x00"), ready('I')))
	f.Add([]byte{2, 9}, []byte("PS"), joined(msg('E', "SERROR\x00VERROR\x00C25006\x00\x00"), ready('E')))
	f.Add([]byte{4}, []byte("QQ"), joined(msg('S', "a\x00b\x00"), msg('C', "DISCARD ALL\x00"), ready('T'), msg('I', ""), ready('I')))
	f.Add([]byte{1}, []byte("iBES"), joined(msg('1', ""), msg('2', ""), msg('s', ""), ready('I')))
	f.Fuzz(func(t *testing.T, cuts, asked, answer []byte) {
		if len(answer) > 4096 || len(asked) > 64 {
			return
		}
		whole, wholeCalls := play(t, asked, [][]byte{answer})
		var pieces [][]byte
		rest := answer
		for _, n := range cuts {
			if k := min(int(n), len(rest)); k > 0 {
				pieces, rest = append(pieces, rest[:k]), rest[k:]
			}
		}
		cut, cutCalls := play(t, asked, append(pieces, rest))
		// What came right before nonsense may be forwarded or not.
		same := bytes.Equal(whole, cut) || broken(wholeCalls) && bytes.HasPrefix(cut, whole)
		if !same || !slices.Equal(wholeCalls, cutCalls) {
			t.Fatalf("whole %q %v\npieces %q %v", whole, wholeCalls, cut, cutCalls)
		}
	})
}

// broken reports whether the connection was cut in the end.
func broken(calls []string) bool {
	return len(calls) > 0 && strings.Contains(calls[len(calls)-1], string(pg.ProtocolViolation))
}

// play announces requests, feeds the pieces, and gives what came of it.
func play(t *testing.T, asked []byte, pieces [][]byte) ([]byte, []string) {
	c, f := onLoop(t)
	var ids Statements
	st := ids.New([]byte("SELECT 1\x00\x00\x00"))
	for _, a := range asked {
		switch a {
		case 'Q':
			c.ExpectQuery(nil)
		case 'P':
			c.ExpectUnnamed(nil, nil)
		case 'B':
			c.ExpectBind(nil)
		case 'D':
			c.ExpectDescribe(nil)
		case 'E':
			c.ExpectExecute(nil)
		case 'S':
			c.ExpectSync()
		case 'i':
			c.AppendPrepared(nil, st)
		case 'h':
			c.Holdback()
		}
	}
	for _, p := range pieces {
		if c.lostCause == nil && len(p) > 0 {
			c.OnData(c.net, slices.Clone(p))
		}
	}
	if c.lostCause != nil {
		f.calls = append(f.calls, c.lostCause.Error())
	}
	return f.out, f.calls
}
