package health

import (
	"errors"
	"fmt"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/jackc/pgx/v5/pgconn"

	"github.com/pgroute/pgroute/internal/cluster"
)

// Config says which nodes to watch and by what measure. Zero durations take
// their defaults; zero lag limits mean no limit.
type Config struct {
	Nodes []NodeConfig

	// Monitor role and database, merged into every node's conninfo. Empty
	// values leave what the conninfo or libpq's environment says.
	User, Password, Database string

	Interval     time.Duration // between probes in the steady state; default 500 ms
	FastInterval time.Duration // while no primary is known; default 50 ms
	Timeout      time.Duration // of one probe or dial; default 2 s
	// ReplicationInterval is the pace of pg_stat_replication; default 5 s.
	ReplicationInterval time.Duration

	MaxLagBytes uint64
	MaxLagTime  time.Duration
	// StateFile remembers the accepted system identifier and timeline across
	// restarts; empty for none.
	StateFile string
}

// NodeConfig names one node. The extra keys name, zone and weight have been
// taken out of Conninfo before.
type NodeConfig struct {
	Name     string // unique; default is host:port
	Conninfo string // libpq key=value or URL, one host
	Zone     string
	Weight   int // 1 is usual, 0 gives the node no reads
}

// maxNodes is what a NodeMask can hold.
const maxNodes = 64

// withDefaults fills in what was left zero.
func (c Config) withDefaults() Config {
	def := func(d *time.Duration, v time.Duration) {
		if *d <= 0 {
			*d = v
		}
	}
	def(&c.Interval, 500*time.Millisecond)
	def(&c.FastInterval, 50*time.Millisecond)
	def(&c.Timeout, 2*time.Second)
	def(&c.ReplicationInterval, 5*time.Second)
	return c
}

// parse validates the nodes: what snapshots show of them, and how to dial.
func (c Config) parse() ([]cluster.Node, []*pgconn.Config, error) {
	if len(c.Nodes) == 0 || len(c.Nodes) > maxNodes {
		return nil, nil, fmt.Errorf("health: %d nodes configured, want 1 to %d", len(c.Nodes), maxNodes)
	}
	nodes := make([]cluster.Node, len(c.Nodes))
	conns := make([]*pgconn.Config, len(c.Nodes))
	seen := map[string]bool{}
	for i, n := range c.Nodes {
		cc, err := c.connConfig(n.Conninfo)
		if err != nil {
			return nil, nil, fmt.Errorf("health: node %d: %w", i+1, err)
		}
		addr := address(cc)
		name := n.Name
		if name == "" {
			name = addr
		}
		if seen[name] {
			return nil, nil, fmt.Errorf("health: two nodes are named %q", name)
		}
		seen[name], conns[i] = true, cc
		nodes[i] = cluster.Node{ID: cluster.NodeID(i), Name: name, Addr: addr, Zone: n.Zone, Weight: n.Weight}
	}
	return nodes, conns, nil
}

// connConfig parses one conninfo with the monitor role merged in, so that a
// password file is searched for the right user.
func (c Config) connConfig(conninfo string) (*pgconn.Config, error) {
	cc, err := pgconn.ParseConfig(c.merge(conninfo))
	if err != nil {
		return nil, err // pgconn hides the password in it
	}
	for _, f := range cc.Fallbacks {
		if f.Host != cc.Host || f.Port != cc.Port {
			return nil, errors.New("conninfo names several hosts; configure one node for each")
		}
	}
	// The probe must mean what it says whatever the role's own settings are.
	cc.RuntimeParams["search_path"] = "pg_catalog"
	cc.RuntimeParams["application_name"] = "pgroute monitor"
	cc.RuntimeParams["default_transaction_isolation"] = "read committed" // a standby refuses serializable
	cc.RuntimeParams["statement_timeout"] = strconv.FormatInt(c.Timeout.Milliseconds(), 10)
	cc.DialFunc = onlyWhenAsked(cc.DialFunc)
	return cc, nil
}

// merge adds the monitor role to a conninfo of either form; in both a later
// value replaces an earlier one.
func (c Config) merge(conninfo string) string {
	isURL := strings.HasPrefix(conninfo, "postgres://") || strings.HasPrefix(conninfo, "postgresql://")
	for _, kv := range [][2]string{{"user", c.User}, {"password", c.Password}, {"dbname", c.Database}} {
		switch {
		case kv[1] == "":
		case isURL:
			conninfo = addURLParameter(conninfo, kv[0], kv[1])
		default:
			quoted := strings.NewReplacer(`\`, `\\`, `'`, `\'`).Replace(kv[1])
			conninfo += " " + kv[0] + "='" + quoted + "'"
		}
	}
	return conninfo
}

// addURLParameter appends a parameter. Like libpq, pgconn takes a plus sign
// for itself, so that blanks must be %20.
func addURLParameter(conninfo, key, value string) string {
	sep := "?"
	if strings.Contains(conninfo, "?") {
		sep = "&"
	}
	return conninfo + sep + key + "=" + strings.ReplaceAll(url.QueryEscape(value), "+", "%20")
}

// address gives host:port, or the path of a Unix socket.
func address(cc *pgconn.Config) string {
	_, addr := pgconn.NetworkAddress(cc.Host, cc.Port)
	return addr
}
