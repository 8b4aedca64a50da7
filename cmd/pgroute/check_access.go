package main

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/pgroute/pgroute/health"
	"github.com/pgroute/pgroute/internal/cluster"
	"github.com/pgroute/pgroute/proxy/auth"
)

// connect opens a connection of the monitor role to a database of a node.
func (p *preflight) connect(ctx context.Context, id cluster.NodeID, database string) (*pgx.Conn, error) {
	c, err := p.cfg.Nodes[id].MonitorConfig(&p.cfg.Cluster)
	if err != nil {
		return nil, err
	}
	if database != "" {
		c.Database = database
	}
	ctx, cancel := context.WithTimeout(ctx, p.cfg.Health.Timeout.Duration)
	defer cancel()
	return pgx.ConnectConfig(ctx, c)
}

// checkAuthQuery runs auth_query for the monitor role itself, on every node
// that answers: any of them may be asked when the primary is down.
func (p *preflight) checkAuthQuery(ctx context.Context) {
	if !p.asksAuthQuery() {
		return
	}
	worked := false
	for i := range p.reports {
		r := &p.reports[i]
		if !r.Node.Up {
			continue
		}
		err := p.tryAuthQuery(ctx, r)
		worked = worked || err == nil
		if err != nil && !p.known(err) {
			p.problem(fmt.Sprintf("auth_query fails on %s: %v", r.Node.Name, err),
				"see that "+quoted(r.User)+" may run it: GRANT SELECT on what it reads, or GRANT EXECUTE on its function")
		}
	}
	if worked {
		p.notes = append(p.notes, "auth_query works")
	}
}

// tryAuthQuery asks about a role that is sure to exist.
func (p *preflight) tryAuthQuery(ctx context.Context, r *health.NodeReport) error {
	c, err := p.cfg.Nodes[r.Node.ID].MonitorConfig(&p.cfg.Cluster)
	if err != nil {
		return err
	}
	source := auth.NewQuerySource(auth.QueryOptions{
		SQL: p.cfg.Auth.Query, Timeout: p.cfg.Health.Timeout.Duration,
		Nodes: func() []auth.QueryNode { return []auth.QueryNode{{Name: r.Node.Name, Config: &c.Config}} },
	})
	defer source.Close()
	rec, err := source.Fetch(ctx, r.User)
	if err == nil && !rec.Found {
		err = fmt.Errorf("it finds nothing about role %s, which exists", quoted(r.User))
	}
	return err
}

// known reports whether an error is the lack of a right that health.Check has
// found already.
func (p *preflight) known(err error) bool {
	var refused *pgconn.PgError
	return errors.As(err, &refused) && refused.Code == "42501" && p.readsAuthID()
}

// databasesSQL lists the databases that clients may use, and whether their
// catalogue can be read: for that CONNECT is all it takes.
const databasesSQL = `SELECT datname, has_database_privilege(current_user, oid, 'CONNECT')
FROM pg_database WHERE datallowconn AND NOT datistemplate ORDER BY datname`

// checkDatabases tries to reach every database of the primary as the monitor
// role, whose knowledge of functions, views and operators comes from there.
func (p *preflight) checkDatabases(ctx context.Context) {
	primary := p.primary()
	if primary == nil {
		return
	}
	names, err := p.databases(ctx, primary)
	if err != nil {
		p.problem("the databases cannot be listed: "+err.Error(), "see that "+quoted(primary.User)+" can connect and read pg_database")
		return
	}
	for _, name := range names {
		c, err := p.connect(ctx, primary.Node.ID, name)
		if err != nil {
			p.problem(fmt.Sprintf("database %s cannot be entered: %s; its functions and views stay unknown, and statements that use them go to the primary", name, reason(err)),
				"let "+primary.User+" into it in pg_hba.conf, and see that it allows connections")
			continue
		}
		_ = c.Close(ctx)
	}
	p.notes = append(p.notes, fmt.Sprintf("catalogues: %s", strings.Join(names, ", ")))
}

// databases gives those that may be entered and reports the others.
func (p *preflight) databases(ctx context.Context, primary *health.NodeReport) ([]string, error) {
	c, err := p.connect(ctx, primary.Node.ID, "")
	if err != nil {
		return nil, err
	}
	defer c.Close(ctx)
	rows, err := c.Query(ctx, databasesSQL)
	if err != nil {
		return nil, err
	}
	var names []string
	var name string
	var allowed bool
	_, err = pgx.ForEachRow(rows, []any{&name, &allowed}, func() error {
		if allowed {
			names = append(names, name)
			return nil
		}
		p.problem(fmt.Sprintf("the monitor role lacks CONNECT on database %s: its functions and views stay unknown, and statements that use them go to the primary", name),
			"GRANT CONNECT ON DATABASE "+quoted(name)+" TO "+quoted(primary.User))
		return nil
	})
	return names, err
}

// quoted gives an SQL identifier.
func quoted(name string) string { return pgx.Identifier{name}.Sanitize() }

// reason gives the last cause of a failed connection, without the repeated
// address and names in front of it.
func reason(err error) string {
	var refused *pgconn.PgError
	if errors.As(err, &refused) {
		return refused.Message
	}
	return err.Error()
}
