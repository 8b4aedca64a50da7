package proxy_test

import (
	"io"
	"testing"

	"github.com/jackc/pgproto3/v2"

	"github.com/pgroute/pgroute/internal/lab"
	"github.com/pgroute/pgroute/internal/serve/servetest"
)

// What a session was about to send when it broke the protocol must not reach
// the server connection of the session that comes next on the loop.
func TestNothingOfABrokenSessionReachesAnother(t *testing.T) {
	p := servetest.Start(t, shared, "workers=1", "pool.size=2")
	for range 5 {
		other := p.Connect(t)
		must(t, other, "BEGIN")
		broken, err := dialWire("broken", p.Addr, map[string]string{"user": lab.Superuser, "database": "postgres"})
		if err != nil {
			t.Fatal(err)
		}
		query, err := encode(&pgproto3.Query{String: "CREATE TABLE leftover (a int)"})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := broken.conn.Write(append(query, "!garbage"...)); err != nil {
			t.Fatal(err)
		}
		_, _ = io.Copy(io.Discard, broken.conn) // up to its end
		expect(t, other, "SELECT 1", "1")
		expect(t, other, "SELECT 2", "2")
		expect(t, other, "ROLLBACK", "")
		expect(t, other, "DROP TABLE IF EXISTS leftover", "")
	}
}
