package serve

import (
	"fmt"
	"sync"

	"github.com/pgroute/pgroute/internal/cluster"
	"github.com/pgroute/pgroute/internal/config"
	"github.com/pgroute/pgroute/proxy/auth"
)

// users is what finds the verifiers of clients. A reload makes a new look-up;
// old ones are closed at the end, because logins may still use them.
type users struct {
	askable []auth.QueryNode // all nodes, as the monitor role

	mu      sync.Mutex
	lookup  *auth.Lookup // nil for trust without a users file
	lookups []*auth.Lookup
	sources []*auth.QuerySource
}

// makeRoles prepares the look-up of verifiers: users file, then auth_query.
// It is nil when nothing needs one.
func (a *App) makeRoles(cfg *config.Config, mock *auth.Mock) (*auth.Lookup, error) {
	if cfg.Auth.Method == config.AuthTrust && cfg.Auth.UsersFile == "" {
		return nil, nil
	}
	o := auth.LookupOptions{
		Mock: mock, Keys: auth.NewKeyCache(), TTL: cfg.Auth.CacheTTL.Duration,
		Revalidate: cfg.Auth.Revalidate, Timeout: cfg.Client.LoginTimeout.Duration,
	}
	if f := cfg.Auth.UsersFile; f != "" {
		file, err := auth.OpenUsersFile(f)
		if err != nil {
			return nil, err
		}
		o.Users = file
	}
	u := &a.users
	if err := a.prepareAsking(); err != nil {
		return nil, err
	}
	u.mu.Lock()
	defer u.mu.Unlock()
	if cfg.Auth.Query != "" {
		source := auth.NewQuerySource(auth.QueryOptions{SQL: cfg.Auth.Query, Nodes: a.authNodes})
		u.sources = append(u.sources, source)
		o.Source = source
	}
	u.lookup = auth.NewLookup(o)
	u.lookups = append(u.lookups, u.lookup)
	return u.lookup, nil
}

// prepareAsking reads the nodes' connection strings once.
func (a *App) prepareAsking() error {
	if a.users.askable != nil {
		return nil
	}
	for i := range a.cfg.Nodes {
		c, err := a.cfg.Nodes[i].MonitorConfig(&a.cfg.Cluster)
		if err != nil {
			return fmt.Errorf("node %s: %w", a.cfg.Nodes[i].Name, err)
		}
		a.users.askable = append(a.users.askable, auth.QueryNode{Name: a.cfg.Nodes[i].Name, Config: &c.Config})
	}
	return nil
}

// Roles gives the look-up in use; nil when there is none.
func (a *App) Roles() *auth.Lookup {
	a.users.mu.Lock()
	defer a.users.mu.Unlock()
	return a.users.lookup
}

// closeRoles ends all look-ups.
func (a *App) closeRoles() {
	a.users.mu.Lock()
	defer a.users.mu.Unlock()
	for _, l := range a.users.lookups {
		l.Close()
	}
	for _, s := range a.users.sources {
		s.Close()
	}
}

// authNodes orders the nodes for auth_query: the primary knows best.
func (a *App) authNodes() []auth.QueryNode {
	snap := a.monitor.Snapshot()
	var first, rest []auth.QueryNode
	for i, q := range a.users.askable {
		switch n := snap.Node(cluster.NodeID(i)); {
		case n == nil:
		case n.ID == snap.Primary:
			first = append(first, q)
		case n.Up && n.Role != cluster.RoleDeposed:
			rest = append(rest, q)
		}
	}
	return append(first, rest...)
}
