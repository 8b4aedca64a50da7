package lab_test

import (
	"context"
	"testing"

	"github.com/jackc/pgx/v5"

	"github.com/pgroute/pgroute/internal/lab"
	"github.com/pgroute/pgroute/internal/lab/labtest"
)

func TestReplicationStreamsToEveryStandby(t *testing.T) {
	t.Parallel()
	ctx := within(t)
	l := labtest.Start(t, lab.Options{Standbys: 2})
	exec(t, l.Node("primary"), "CREATE TABLE t AS SELECT generate_series(1, 1000) i")
	try(t, l.WaitCaughtUp(ctx))
	for _, name := range []string{"standby1", "standby2"} {
		if got := count(t, l.Node(name), "t"); got != 1000 {
			t.Errorf("%s has %d rows of 1000", name, got)
		}
	}
}

func TestEveryNodeHasASlotForEveryOther(t *testing.T) {
	t.Parallel()
	l := labtest.Start(t, lab.Options{Standbys: 2})
	for _, n := range l.Nodes() {
		var want []string
		for _, other := range l.Nodes() {
			if other != n {
				want = append(want, other.Name)
			}
		}
		missing := scan[int](t, n, "SELECT count(*) FROM unnest(string_to_array('"+want[0]+","+want[1]+
			"', ',')) name WHERE name NOT IN (SELECT slot_name FROM pg_replication_slots)")
		if missing != 0 {
			t.Errorf("%s lacks %d slots of %v", n.Name, missing, want)
		}
	}
}

func TestLabsAreClustersOfTheirOwn(t *testing.T) {
	t.Parallel()
	const q = "SELECT system_identifier FROM pg_control_system()"
	a, b := labtest.Start(t, lab.Options{Standbys: 1}), labtest.Start(t, lab.Options{})
	id := scan[int64](t, a.Node("primary"), q)
	if id <= 0 || id != scan[int64](t, a.Node("standby1"), q) {
		t.Errorf("standby1 has another system identifier than its primary's %d", id)
	}
	if id == scan[int64](t, b.Node("primary"), q) {
		t.Errorf("two labs share system identifier %d", id)
	}
}

// TestMonitorMayAskWhatItNeeds holds the role's rights and their limit.
func TestMonitorMayAskWhatItNeeds(t *testing.T) {
	t.Parallel()
	ctx := within(t)
	l := labtest.Start(t, lab.Options{Standbys: 1, Auth: lab.AuthSCRAM})
	conn, err := pgx.Connect(ctx, l.Node("primary").DSN(lab.Monitor, "postgres"))
	try(t, err)
	defer conn.Close(context.Background())
	for _, q := range []string{
		"SELECT rolpassword FROM pg_authid WHERE rolname = 'postgres' AND rolpassword LIKE 'SCRAM-SHA-256$%'",
		"SELECT application_name FROM pg_stat_replication WHERE state = 'streaming' AND replay_lsn IS NOT NULL",
		"SELECT system_identifier::text FROM pg_control_system()",
		"SELECT pg_walfile_name(pg_current_wal_insert_lsn())",
		"SELECT rolname FROM pg_roles WHERE rolname = current_user AND NOT rolsuper AND rolreplication",
	} {
		var s string
		if err := conn.QueryRow(ctx, q).Scan(&s); err != nil {
			t.Errorf("%s: %v", q, err)
		}
	}
	if _, err := conn.Exec(ctx, "ALTER SYSTEM SET work_mem = '1MB'"); err == nil {
		t.Error("the monitor may do what a superuser may")
	}
	replication, err := pgx.Connect(ctx, l.Node("primary").DSN(lab.Monitor, "postgres")+" replication=database default_query_exec_mode=simple_protocol")
	try(t, err)
	defer replication.Close(context.Background())
	if _, err := replication.PgConn().Exec(ctx, "IDENTIFY_SYSTEM").ReadAll(); err != nil {
		t.Error(err)
	}
}

func TestSCRAMLabRefusesWrongPasswords(t *testing.T) {
	t.Parallel()
	ctx := within(t)
	l := labtest.Start(t, lab.Options{Auth: lab.AuthSCRAM})
	conn, err := pgx.Connect(ctx, l.Node("primary").Conninfo()+" user=postgres dbname=postgres sslmode=disable password=wrong")
	if err == nil {
		conn.Close(ctx)
		t.Error("a wrong password was accepted")
	}
}

func TestSettingsReachEveryNode(t *testing.T) {
	t.Parallel()
	l := labtest.Start(t, lab.Options{Standbys: 1, Conf: map[string]string{"work_mem": "12345kB", "log_line_prefix": `it's \%m `}})
	for _, n := range l.Nodes() {
		if got := scan[string](t, n, "SHOW work_mem"); got != "12345kB" {
			t.Errorf("%s: work_mem is %s", n.Name, got)
		}
		if got := scan[string](t, n, "SHOW log_line_prefix"); got != `it's \%m ` {
			t.Errorf("%s: log_line_prefix is %q", n.Name, got)
		}
	}
}

func TestUnixSocketWorks(t *testing.T) {
	t.Parallel()
	ctx := within(t)
	l := labtest.Start(t, lab.Options{Auth: lab.AuthSCRAM})
	n := l.Node("primary")
	cfg, err := pgx.ParseConfig(n.DSN("postgres", "postgres"))
	try(t, err)
	cfg.Host, cfg.Password = n.SocketDir(), ""
	conn, err := pgx.ConnectConfig(ctx, cfg)
	try(t, err)
	try(t, conn.Close(ctx))
}
