package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/pgroute/pgroute/health"
	"github.com/pgroute/pgroute/internal/cluster"
	"github.com/pgroute/pgroute/internal/config"
	"github.com/pgroute/pgroute/internal/serve"
)

// configFlags say where a command finds its configuration.
type configFlags struct {
	Config string   `help:"Configuration file (proxy.toml); flags and PGROUTE_* suffice without one." type:"path"`
	Nodes  []string `help:"Nodes as host:port, comma separated." placeholder:"HOST:PORT"`
}

// read gives the configuration.
func (f *configFlags) read() (*config.Config, error) {
	s := ServeCmd{Config: f.Config, Nodes: f.Nodes}
	return config.Read(s.sources())
}

// CheckCmd is `pgroute check`.
type CheckCmd struct {
	configFlags
	Show bool `help:"Show every key of the configuration first, with its value and where that was set."`
}

// Run validates the configuration, asks every node, and says what is wrong;
// the status is 1 when anything is.
func (c *CheckCmd) Run(ctx context.Context) error {
	cfg, err := c.read()
	if err != nil {
		return err
	}
	if c.Show {
		showConfig(os.Stdout, cfg)
	}
	reports, err := health.Check(ctx, serve.HealthConfig(cfg))
	if err != nil {
		return err
	}
	p := &preflight{cfg: cfg, reports: reports}
	p.checkNodes()
	p.checkRights()
	p.checkAuthQuery(ctx)
	p.checkDatabases(ctx)
	p.print(os.Stdout)
	if len(p.problems) > 0 {
		return exitError{1}
	}
	return nil
}

// showConfig lists the keys as proxy.toml has them.
func showConfig(w io.Writer, cfg *config.Config) {
	t := newTable("KEY", "VALUE", "SET IN")
	for _, s := range cfg.Show() {
		origin := s.Origin
		if origin == "" {
			origin = "default"
		}
		t.row(s.Key, s.Value, origin)
	}
	t.write(w)
	fmt.Fprintln(w)
}

// preflight collects what a check finds.
type preflight struct {
	cfg      *config.Config
	reports  []health.NodeReport
	problems []problem
	notes    []string // worth knowing, nothing is wrong
}

// problem is something that keeps pgroute from working as it could.
type problem struct {
	what string
	do   []string // what to run or change, one of them
}

func (p *preflight) problem(what string, do ...string) {
	p.problems = append(p.problems, problem{what, do})
}

// primary gives the report of the primary, nil when there is none.
func (p *preflight) primary() *health.NodeReport {
	for i := range p.reports {
		if p.reports[i].Node.Role == cluster.RolePrimary && p.reports[i].Node.Up {
			return &p.reports[i]
		}
	}
	return nil
}

// checkNodes judges what every node answered.
func (p *preflight) checkNodes() {
	p.notes = append(p.notes, p.cfg.Warnings...)
	if p.primary() == nil {
		p.problem("no primary was found: writes would be held, and fail after hold_timeout",
			"start the primary or promote a standby; list every node of the cluster in [cluster] nodes")
	}
	for i := range p.reports {
		p.checkNode(&p.reports[i])
	}
}

func (p *preflight) checkNode(r *health.NodeReport) {
	n := &r.Node
	switch n.Exclusion {
	case cluster.ExcludedUnreachable:
		p.problem(fmt.Sprintf("%s (%s) does not answer: %s", n.Name, n.Addr, n.LastError),
			fmt.Sprintf("see that it runs, that its address is right, and that its pg_hba.conf lets %s into database %s", r.User, r.Database))
	case cluster.ExcludedForeignSystem:
		p.problem(fmt.Sprintf("%s belongs to another cluster: its system identifier is %d", n.Name, r.SystemID),
			"take it out of [cluster] nodes")
	case cluster.ExcludedTimeline:
		if p.primary() != nil {
			p.problem(fmt.Sprintf("%s follows timeline %d, the primary is on %d: it gets no reads", n.Name, n.Timeline, p.primary().Node.Timeline),
				"let it stream from the primary; if it has diverged, pg_rewind it")
		}
	case cluster.ExcludedReplayUnknown:
		p.problem(n.Name+" does not tell what it has replayed: it gets no reads", "see its log: it may still be recovering")
	case cluster.ExcludedLagBytes, cluster.ExcludedLagTime:
		p.notes = append(p.notes, fmt.Sprintf("%s lags too far to be read now: %s", n.Name, lagText(n)))
	case cluster.ExcludedNotStandby:
		if n.Role == cluster.RoleDeposed {
			p.problem(fmt.Sprintf("%s is writable but is not the accepted primary (timeline %d): it gets nothing", n.Name, n.Timeline),
				"stop it; bring it back as a standby through pg_rewind")
		}
	}
}

// checkRights gathers the missing rights; nodes that lack the same one are
// named together, since a GRANT on the primary reaches all.
func (p *preflight) checkRights() {
	type key struct{ right, costs, do string }
	var order []key
	nodes := map[key][]string{}
	for i := range p.reports {
		r := &p.reports[i]
		for _, m := range r.Missing {
			if m.Right == rightAuthID && !p.readsAuthID() {
				continue
			}
			k := key{m.Right, m.Costs, m.Do}
			if nodes[k] == nil {
				order = append(order, k)
			}
			nodes[k] = append(nodes[k], r.Node.Name)
		}
	}
	for _, k := range order {
		p.problem(fmt.Sprintf("the monitor role lacks %s on %s: %s", k.right, strings.Join(nodes[k], ", "), k.costs), k.do)
	}
}

// rightAuthID is health.Check's name of the right that auth_query needs.
const rightAuthID = "pg_authid"

// readsAuthID reports whether auth_query is used and reads pg_authid.
func (p *preflight) readsAuthID() bool {
	return p.asksAuthQuery() && strings.Contains(strings.ToLower(p.cfg.Auth.Query), "pg_authid")
}

// asksAuthQuery reports whether logins need auth_query, as serve decides it.
func (p *preflight) asksAuthQuery() bool {
	a := &p.cfg.Auth
	return a.Query != "" && (a.Method != config.AuthTrust || a.UsersFile != "")
}
