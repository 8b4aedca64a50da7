package health

import (
	"context"
	"errors"
	"fmt"
	"sync"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/pgroute/pgroute/internal/cluster"
)

// NodeReport is what `pgroute check` shows of one node.
type NodeReport struct {
	Node cluster.Node // role, timeline, positions, lag, version, LastError
	// User and Database are those of the monitor connection.
	User, Database string
	SystemID       uint64
	TLS            bool
	// Ancestors of the node's timeline, when they could be read.
	Ancestors []cluster.Ancestor
	// Missing lists rights that the monitor role lacks, with what to do.
	Missing []MissingRight
}

// MissingRight is a right the monitor role lacks on one node.
type MissingRight struct {
	Right string // pg_monitor, REPLICATION, pg_authid
	Costs string // what does not work without it
	Do    string // what to run or change
}

// Check asks every node once, all at the same time, and judges the answers as
// a monitor that has just started would. An error means that the
// configuration itself is wrong; nodes that do not answer say so in LastError.
func Check(ctx context.Context, cfg Config) ([]NodeReport, error) {
	cfg = cfg.withDefaults()
	nodes, conns, err := cfg.parse()
	if err != nil {
		return nil, err
	}
	acc, err := loadState(cfg.StateFile)
	if err != nil {
		return nil, err
	}
	reports := make([]NodeReport, len(nodes))
	obs := make([]observation, len(nodes))
	var wg sync.WaitGroup
	for i := range nodes {
		wg.Go(func() {
			c := &checker{net: &pgNetwork{conns}, cfg: cfg, id: cluster.NodeID(i)}
			obs[i] = c.check(ctx, &reports[i])
		})
	}
	wg.Wait()
	judgeReports(newJudge(nodes, limits{cfg.MaxLagBytes, cfg.MaxLagTime}, acc), obs, reports)
	return reports, nil
}

// judgeReports fills in what follows from all answers together.
func judgeReports(j *judge, obs []observation, reports []NodeReport) {
	var s *cluster.Snapshot
	for _, o := range obs {
		s = j.observe(o, o.at)
	}
	for i := range reports {
		reports[i].Node = s.Nodes[i]
	}
}

// checker examines one node.
type checker struct {
	net *pgNetwork
	cfg Config
	id  cluster.NodeID
}

// check connects, samples, and tries what needs a right.
func (c *checker) check(ctx context.Context, r *NodeReport) observation {
	cc := c.net.conns[c.id]
	r.User, r.Database = cc.User, cc.Database
	ctx, cancel := context.WithTimeout(ctx, c.cfg.Timeout)
	defer cancel()
	w := &watcher{id: c.id, net: c.net, timeout: c.cfg.Timeout, nextLife: func() cluster.Life { return 1 }}
	defer w.drop()
	o := w.redial(ctx)
	if !o.up() {
		return o
	}
	r.SystemID, r.Ancestors = o.systemID, o.history.ancestors
	if l, ok := w.link.(*pgLink); ok {
		_, r.TLS = l.conn.Conn().(interface{ HandshakeContext(context.Context) error })
		c.rights(ctx, l, r)
	}
	return o
}

// rightsSQL asks for what is granted. A superuser has everything.
const rightsSQL = `SELECT pg_has_role(current_user, 'pg_monitor', 'USAGE'),
 has_column_privilege('pg_authid', 'rolname', 'SELECT') AND has_column_privilege('pg_authid', 'rolpassword', 'SELECT'),
 rolreplication OR rolsuper FROM pg_roles WHERE rolname = current_user`

// rights finds the missing rights.
func (c *checker) rights(ctx context.Context, l *pgLink, r *NodeReport) {
	res := l.conn.ExecParams(ctx, rightsSQL, nil, nil, nil, nil).Read()
	if res.Err != nil || len(res.Rows) != 1 {
		return // the sample already told what is wrong with the node
	}
	has := func(i int) bool { return string(res.Rows[0][i]) == "t" }
	user := quoteIdent(r.User)
	if !has(0) {
		r.missing("pg_monitor", "lag details, senders and slots are not shown, and a standby's timeline is known only after its next restartpoint",
			"GRANT pg_monitor TO "+user)
	}
	if !has(1) {
		r.missing("pg_authid", "the default auth_query cannot look up SCRAM verifiers",
			"GRANT SELECT (rolname, rolpassword) ON pg_authid TO "+user+", or set auth.auth_query to a SECURITY DEFINER function")
	}
	if !has(2) {
		r.missing("REPLICATION", "timeline histories cannot be read: a new primary is accepted by its higher timeline alone; standbys look stale while an idle primary leaves a WAL record flushed in part",
			"ALTER ROLE "+user+" REPLICATION")
		return
	}
	if err := c.tryReplication(ctx); err != nil {
		r.missing("REPLICATION", "timeline histories cannot be read: "+describe(err),
			"allow "+r.User+" to connect to database "+r.Database+" in pg_hba.conf, and keep a walsender free (max_wal_senders)")
	}
}

// tryReplication opens a replication connection for real: pg_hba.conf and
// max_wal_senders can refuse what the role may do.
func (c *checker) tryReplication(ctx context.Context) error {
	conn, err := connect(ctx, replicationConfig(c.net.conns[c.id]))
	if err != nil {
		return err
	}
	defer closeConn(conn)
	return identify(ctx, conn)
}

// identify runs IDENTIFY_SYSTEM and checks that it answers.
func identify(ctx context.Context, conn *pgconn.PgConn) error {
	rows, err := simpleQuery(ctx, conn, "IDENTIFY_SYSTEM")
	if err != nil {
		return fmt.Errorf("IDENTIFY_SYSTEM: %w", err)
	}
	if len(rows) != 1 {
		return errors.New("IDENTIFY_SYSTEM gave no single row")
	}
	return nil
}

func (r *NodeReport) missing(right, costs, do string) {
	r.Missing = append(r.Missing, MissingRight{right, costs, do})
}

// quoteIdent quotes an SQL identifier.
func quoteIdent(name string) string { return pgx.Identifier{name}.Sanitize() }
