package proxy_test

import (
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/pgroute/pgroute/internal/lab"
	"github.com/pgroute/pgroute/internal/serve/servetest"
)

// pgroute reads settings back from pg_settings; while that is locked, somebody
// cancels it.
func TestSettingsThatCannotBeReadKeepNoSessionOnAStandby(t *testing.T) {
	p := servetest.Start(t, shared, "routing.consistency=eventual")
	primary := servetest.Connect(t, shared.Node("primary").DSN(lab.Superuser, "postgres"))
	standby := servetest.Connect(t, shared.Node("standby1").DSN(lab.Superuser, "postgres"))
	setThere := func(t *testing.T) *pgx.Conn {
		must(t, primary, "BEGIN; LOCK TABLE pg_catalog.pg_settings IN ACCESS EXCLUSIVE MODE")
		t.Cleanup(func() { must(t, primary, "ROLLBACK") })
		if err := shared.WaitCaughtUp(t.Context()); err != nil {
			t.Fatal(err)
		}
		c := p.Connect(t)
		must(t, c, "/* pgroute: node=standby1 */ BEGIN READ ONLY")
		must(t, c, "SET work_mem = '5MB'")
		must(t, c, "COMMIT")
		return c
	}
	cancel := func() bool {
		return must(t, standby, "SELECT count(pg_cancel_backend(pid)) FROM pg_stat_activity WHERE wait_event_type = 'Lock'") != "0"
	}
	t.Run("once", func(t *testing.T) {
		c := setThere(t)
		for deadline := time.Now().Add(limit); !cancel(); {
			if time.Now().After(deadline) {
				t.Fatal("nothing reads the settings back")
			}
		}
		must(t, primary, "ROLLBACK")
		expect(t, c, "SHOW work_mem", "5MB")
		must(t, c, "CREATE TEMP TABLE not_on_a_standby (a int)")
	})
	t.Run("for ever", func(t *testing.T) {
		c := setThere(t)
		answer := make(chan string)
		go func() { answer <- run(t, c, "CREATE TEMP TABLE not_on_a_standby (a int)") }()
		for {
			select {
			case got := <-answer:
				if !strings.HasPrefix(got, "error 08006") {
					t.Errorf("the session got %q", got)
				}
				return
			default:
				cancel()
			}
		}
	})
}
