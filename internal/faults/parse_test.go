package faults

import (
	"testing"

	"github.com/pgroute/pgroute/internal/lab"
)

// prepared is what a server says of a statement with one parameter of type int
// before it describes the result: ParseComplete and ParameterDescription.
const prepared = "1\x00\x00\x00\x04" + "t\x00\x00\x00\x0a\x00\x01\x00\x00\x00\x17"

// A server is lost when the client knows already that its statement was
// prepared, and before the batch is answered. Some drivers count on the
// statement then, others prepare it again.
func TestStatementOfALostBatchMayBeUsedOrMadeAgain(t *testing.T) {
	r, relays := startCut(t, lab.Options{Standbys: 1})
	for name, again := range map[string]bool{"used": false, "made again": true} {
		t.Run(name, func(t *testing.T) {
			c := r.Connect(t)
			prepare := func() string {
				_, err := c.PgConn().Prepare(t.Context(), "p", "SELECT $1::int + 1 AS \""+name+"\"", nil)
				return state(err)
			}
			must(t, c, "BEGIN")
			last := prepared
			relays[0].after.Store(&last)
			if got := prepare(); got != "40001" {
				t.Fatalf("told %q", got)
			}
			must(t, c, "ROLLBACK")
			if again {
				if first, second := prepare(), prepare(); first != "" || second != "42P05" {
					t.Errorf("made again: told %q, and then %q", first, second)
				}
			}
			out := c.PgConn().ExecPrepared(t.Context(), "p", [][]byte{[]byte("1")}, nil, nil).Read()
			if out.Err != nil || len(out.Rows) != 1 || string(out.Rows[0][0]) != "2" {
				t.Errorf("used: %q %v", out.Rows, out.Err)
			}
		})
	}
}
