package faults

import (
	"fmt"
	"testing"

	"github.com/jackc/pgx/v5"

	"github.com/pgroute/pgroute/internal/lab"
	"github.com/pgroute/pgroute/internal/serve/servetest"
)

// TestReadsOfWhoeverStandbysDoNotKnowYet: a database, a role or a password that
// is too new for the standbys lets sessions in at the primary. Their reads
// must not fail for it.
func TestReadsOfWhoeverStandbysDoNotKnowYet(t *testing.T) {
	var r *rig
	as := func(user, password, database string) *pgx.Conn {
		return servetest.Connect(t, fmt.Sprintf("postgres://%s:%s@%s/%s?sslmode=disable", user, password, r.Addr, database))
	}
	r = start(t, lab.Options{Standbys: 2, Auth: lab.AuthSCRAM}, "health.max_lag_bytes=0", "health.max_lag_time=0")
	r.setup("CREATE ROLE changed LOGIN PASSWORD 'old'")
	r.do(r.lab.PauseReplay, "standby1")
	r.do(r.lab.PauseReplay, "standby2")
	r.at("primary", "CREATE DATABASE fresh")
	r.at("primary", "CREATE ROLE newcomer LOGIN PASSWORD 'new'")
	r.at("primary", "ALTER ROLE changed PASSWORD 'new'")
	newcomers := []struct {
		said    string // by a standby
		connect func() *pgx.Conn
	}{
		{"3D000", func() *pgx.Conn { return servetest.Connect(t, r.DSN(lab.Superuser, "fresh")) }},
		{"28P01", func() *pgx.Conn { return as("newcomer", "new", "postgres") }},
		{"28P01", func() *pgx.Conn { return as("changed", "new", "postgres") }},
	}
	for _, n := range newcomers {
		before := r.answered("primary")
		must(t, n.connect(), "SELECT 1")
		c := n.connect()
		for _, sql := range []string{"BEGIN READ ONLY", "SELECT 1", "COMMIT"} {
			must(t, c, sql)
		}
		if got := r.answered("primary") - before; got < 2 {
			t.Errorf("%s: the primary answered %d units", c.Config().User, got)
		}
		mustFail(t, c, "/* pgroute: standby consistency=eventual */ SELECT 1", n.said)
	}
	r.do(r.lab.ResumeReplay, "standby1")
	r.do(r.lab.ResumeReplay, "standby2")
	for _, n := range newcomers {
		before := r.answered("standby1") + r.answered("standby2")
		poll(t, "a standby answers", func() bool {
			must(t, n.connect(), "SELECT 1")
			return r.answered("standby1")+r.answered("standby2") > before
		})
	}
}
