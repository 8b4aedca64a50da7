package proxy_test

import (
	"testing"

	"github.com/jackc/pgx/v5"

	"github.com/pgroute/pgroute/internal/lab"
	"github.com/pgroute/pgroute/internal/serve/servetest"
)

// A standby refuses every query of a serializable transaction, pgroute's own
// included. The node's hint keeps all sessions on one server connection.
func TestSerializableByDefaultOnAStandby(t *testing.T) {
	const begin = "/* pgroute: node=standby1 */ BEGIN READ ONLY ISOLATION LEVEL REPEATABLE READ"
	p := servetest.Start(t, shared, "pool.size=1", "routing.consistency=eventual")
	t.Run("set there", func(t *testing.T) {
		c := p.Connect(t)
		must(t, c, begin)
		must(t, c, "SET default_transaction_isolation = 'serializable'")
		must(t, c, "COMMIT")
		expect(t, c, "SHOW transaction_isolation", "serializable")
		expect(t, c, "SELECT count(*) > 0 FROM pg_class", "t")
		must(t, c, "CREATE TEMP TABLE not_on_a_standby (a int)")
	})
	t.Run("brought there and taken away", func(t *testing.T) {
		c, other := p.Connect(t), p.Connect(t)
		must(t, c, "SET default_transaction_isolation = 'serializable'")
		must(t, other, "SET work_mem = '5MB'")
		for range 2 {
			for _, by := range []*pgx.Conn{c, other} {
				must(t, by, begin)
				expect(t, by, "SELECT pg_is_in_recovery()", "t")
				must(t, by, "COMMIT")
			}
		}
	})
	t.Run("by startup option", func(t *testing.T) {
		c := servetest.Connect(t, p.DSN(lab.Superuser, "postgres")+"&default_transaction_isolation=serializable")
		for _, setting := range []string{"5MB", "6MB"} {
			must(t, c, begin)
			must(t, c, "SET work_mem = '"+setting+"'")
			must(t, c, "COMMIT")
			expect(t, c, "SHOW work_mem", setting)
			must(t, c, "SET work_mem = '7MB'")
		}
	})
}

func TestTheMonitorIsNeverSerializable(t *testing.T) {
	sql := servetest.Connect(t, shared.Node("primary").DSN(lab.Superuser, "postgres"))
	must(t, sql, "ALTER ROLE "+lab.Monitor+" SET default_transaction_isolation = 'serializable'")
	t.Cleanup(func() { must(t, sql, "ALTER ROLE "+lab.Monitor+" RESET default_transaction_isolation") })
	if err := shared.WaitCaughtUp(t.Context()); err != nil {
		t.Fatal(err)
	}
	servetest.Start(t, shared) // until all nodes serve
}
