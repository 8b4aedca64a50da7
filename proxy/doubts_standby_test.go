package proxy_test

import (
	"testing"

	"github.com/pgroute/pgroute/internal/serve/servetest"
)

// TestNoDoubtKeepsASessionOnAStandby: a call of a function that no catalogue
// knows, in a read-only transaction, must not send later writes there.
func TestNoDoubtKeepsASessionOnAStandby(t *testing.T) {
	p := servetest.Start(t, shared, patient)
	c := p.Connect(t)
	must(t, c, "CREATE TABLE doubted (a serial)")
	must(t, c, `CREATE FUNCTION doubtful() RETURNS int LANGUAGE plpgsql AS
		$$BEGIN EXECUTE 'SELECT 1'; RETURN 1; END$$`)
	p.AwaitCatalog("postgres")
	awaitStandby(t, p, c)
	for _, doubtful := range []string{"SELECT doubtful()", "SELECT nextval('doubted_a_seq')"} {
		awaitStandby(t, p, c)
		before := onStandbys(p)
		must(t, c, "BEGIN READ ONLY ISOLATION LEVEL REPEATABLE READ")
		must(t, c, "SELECT 1")
		_, _ = c.Exec(t.Context(), doubtful) // a standby refuses some
		must(t, c, "COMMIT")
		if onStandbys(p) == before {
			t.Fatal("the transaction did not run on a standby: nothing is shown")
		}
		must(t, c, "INSERT INTO doubted VALUES (1)")
	}
	must(t, c, "DROP TABLE doubted; DROP FUNCTION doubtful()")
}
