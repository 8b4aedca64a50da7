package proxy_test

import (
	"bytes"
	"io"
	"net"
	"runtime"
	"testing"

	"github.com/jackc/pgproto3/v2"

	"github.com/pgroute/pgroute/internal/serve/servetest"
)

// TestSteadyStateAllocatesNothing sends the same statement many times and
// counts what the whole process allocates: the client here allocates nothing,
// and what probes allocate meanwhile is far less than one object per query.
func TestSteadyStateAllocatesNothing(t *testing.T) {
	p := servetest.Start(t, shared)
	conn := p.Dial(t)
	buf := make([]byte, 4096)
	logIn(t, conn, buf)
	prepare := encoded(t, &pgproto3.Parse{Name: "s", Query: "SELECT $1::int"}, &pgproto3.Sync{})
	roundTrip(t, conn, buf, prepare)
	for name, msg := range map[string][]byte{
		"simple": encoded(t, &pgproto3.Query{String: "SELECT 1"}),
		"prepared": encoded(t, &pgproto3.Bind{PreparedStatement: "s", Parameters: [][]byte{[]byte("1")}},
			&pgproto3.Describe{ObjectType: 'P'}, &pgproto3.Execute{}, &pgproto3.Sync{}),
	} {
		const warm, rounds = 200, 4000
		for range warm {
			roundTrip(t, conn, buf, msg)
		}
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		for range rounds {
			roundTrip(t, conn, buf, msg)
		}
		runtime.ReadMemStats(&after)
		if n := float64(after.Mallocs-before.Mallocs) / rounds; n >= 0.5 {
			t.Errorf("%s: %.2f allocations per query", name, n)
		}
	}
}

func encoded(t *testing.T, messages ...pgproto3.FrontendMessage) []byte {
	t.Helper()
	var out []byte
	for _, m := range messages {
		var err error
		if out, err = m.Encode(out); err != nil {
			t.Fatal(err)
		}
	}
	return out
}

// logIn logs in by trust.
func logIn(t *testing.T, conn net.Conn, buf []byte) {
	t.Helper()
	roundTrip(t, conn, buf, encoded(t, &pgproto3.StartupMessage{
		ProtocolVersion: pgproto3.ProtocolVersionNumber,
		Parameters:      map[string]string{"user": "postgres", "database": "postgres"},
	}))
}

// roundTrip sends messages and reads up to ReadyForQuery, without allocating.
func roundTrip(t *testing.T, conn net.Conn, buf, msg []byte) {
	if _, err := conn.Write(msg); err != nil {
		t.Fatal(err)
	}
	n := 0
	for n < 6 || !bytes.Equal(buf[n-6:n-1], []byte{'Z', 0, 0, 0, 5}) {
		got, err := conn.Read(buf[n:])
		if err != nil {
			t.Fatal(err)
		}
		if n += got; n == len(buf) {
			t.Fatal(io.ErrShortBuffer)
		}
	}
}
