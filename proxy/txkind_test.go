package proxy_test

import (
	"slices"
	"testing"

	"github.com/jackc/pgx/v5"

	"github.com/pgroute/pgroute/internal/serve/servetest"
	"github.com/pgroute/pgroute/proxy"
)

func TestTransactionsThatOnlyReadAreCounted(t *testing.T) {
	p := servetest.Start(t, shared)
	c := p.Connect(t)
	must(t, c, "CREATE TABLE txkind_t (a int)")
	p.AwaitCatalog("postgres")
	count := func(kind string) uint64 {
		onStandbys(p) // what was answered is counted then
		return p.Server().Counters().Transactions(slices.Index(proxy.TxKinds(), kind))
	}
	for name, send := range map[string]func(testing.TB, *pgx.Conn, string) string{"simple": run, "extended": extended} {
		for _, tx := range []struct {
			kind       string
			statements []string
		}{
			{"empty", []string{"BEGIN", "COMMIT"}},
			{"read_only_in_fact", []string{"BEGIN", "SET LOCAL work_mem = '5MB'", "SELECT count(*) FROM txkind_t", "SAVEPOINT s", "SELECT 1", "COMMIT"}},
			{"read_only_in_fact", []string{"START TRANSACTION ISOLATION LEVEL REPEATABLE READ", "SELECT count(*) FROM txkind_t", "ROLLBACK"}},
			{"needed_primary", []string{"BEGIN", "SELECT 1", "INSERT INTO txkind_t VALUES (1)", "COMMIT"}},
			{"needed_primary", []string{"BEGIN", "SELECT a FROM txkind_t FOR UPDATE", "ROLLBACK"}},
			{"needed_primary", []string{"BEGIN ISOLATION LEVEL SERIALIZABLE", "SELECT 1", "COMMIT"}},
			{"needed_primary", []string{"BEGIN", "LOCK TABLE txkind_t", "COMMIT"}},
		} {
			all := count("empty") + count("read_only_in_fact") + count("needed_primary")
			before := count(tx.kind)
			for _, sql := range tx.statements {
				send(t, c, sql)
			}
			if n := count(tx.kind) - before; n != 1 {
				t.Errorf("%s: %q counted %d times as %s", name, tx.statements, n, tx.kind)
			}
			if n := count("empty") + count("read_only_in_fact") + count("needed_primary") - all; n != 1 {
				t.Errorf("%s: %q counted %d times", name, tx.statements, n)
			}
		}
	}
	before := count("read_only_in_fact") + count("empty")
	for _, sql := range []string{"BEGIN READ ONLY", "SELECT 1", "COMMIT", "SELECT 1"} {
		must(t, c, sql)
	}
	if n := count("read_only_in_fact") + count("empty"); n != before {
		t.Error("a transaction begun READ ONLY was counted")
	}
	must(t, c, "DROP TABLE txkind_t")
}
