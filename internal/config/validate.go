package config

import (
	"net"
	"reflect"
	"strconv"
	"strings"
)

// finish takes the nodes apart and validates everything.
func (c *Config) finish(problems *Problems) {
	c.parseNodes(problems)
	for _, s := range settings() {
		c.checkRange(&s, problems)
	}
	c.checkListen(problems)
	c.checkAuth(problems)
	c.checkLimits(problems)
}

// complain adds a problem of a key, with the place where it was set.
func (c *Config) complain(problems *Problems, key, format string, args ...any) {
	problems.add(c.origins[key], key, format, args...)
}

// parseNodes fills Nodes.
func (c *Config) parseNodes(problems *Problems) {
	const key = "cluster.nodes"
	if len(c.Cluster.Nodes) == 0 {
		c.complain(problems, key, `no node is named; list the cluster's servers, such as ["host=10.0.0.1", "host=10.0.0.2"]`)
	}
	names, addrs := make(map[string]bool), make(map[string]bool)
	for i, text := range c.Cluster.Nodes {
		n, err := ParseNode(text)
		switch {
		case err != nil:
			c.complain(problems, key, "node %d: %v", i+1, err)
			continue
		case names[n.Name]:
			c.complain(problems, key, "node %d: the name %q is taken; give one of the two another name=", i+1, n.Name)
		case addrs[n.Addr]:
			c.complain(problems, key, "node %d: %s is listed twice; remove one", i+1, n.Addr)
		}
		names[n.Name], addrs[n.Addr] = true, true
		c.Nodes = append(c.Nodes, n)
	}
}

// checkRange holds a key against the tags of its field.
func (c *Config) checkRange(s *setting, problems *Problems) {
	tag, v := s.field.Tag.Get, s.value(c)
	if allowed := strings.Fields(tag("oneof")); len(allowed) > 0 {
		for _, a := range allowed {
			if v.String() == a {
				return
			}
		}
		c.complain(problems, s.key, "%q is not known; must be %s", v.String(), s.expects())
		return
	}
	n, ok := quantity(v)
	if !ok || (tag("none") != "" && n == 0) {
		return
	}
	low, high := s.bound("min"), s.bound("max")
	if (low != nil && n < *low) || (high != nil && n > *high) {
		c.complain(problems, s.key, "%v is out of range; must be %s", v.Interface(), s.describeRange())
	}
}

// quantity gives what can be compared of a number, time or size.
func quantity(v reflect.Value) (float64, bool) {
	switch x := v.Interface().(type) {
	case int:
		return float64(x), true
	case Duration:
		return float64(x.Duration), true
	case ByteSize:
		return float64(x.n), true
	}
	return 0, false
}

// bound reads a tag in the key's own notation.
func (s *setting) bound(tag string) *float64 {
	text := s.field.Tag.Get(tag)
	if text == "" {
		return nil
	}
	var scratch Config
	if err := s.setText(&scratch, text); err != nil {
		panic("config: tag " + tag + " of " + s.key + ": " + err.Error())
	}
	n, _ := quantity(s.value(&scratch))
	return &n
}

// describeRange says what the tags allow.
func (s *setting) describeRange() string {
	text := "from " + s.field.Tag.Get("min") + " to " + s.field.Tag.Get("max")
	if s.field.Tag.Get("none") != "" {
		text += ", or 0 for none"
	}
	return text
}

// checkListen looks at the addresses pgroute listens on.
func (c *Config) checkListen(problems *Problems) {
	if len(c.Listen) == 0 {
		c.complain(problems, "listen", `no address; name at least one, such as "127.0.0.1:6432"`)
	}
	seen := make(map[string]bool)
	for _, addr := range c.Listen {
		if reason := badAddress(addr, true); reason != "" {
			c.complain(problems, "listen", "%q %s", addr, reason)
		}
		if seen[addr] && !anyPort(addr) {
			c.complain(problems, "listen", "%q is listed twice; remove one", addr)
		}
		seen[addr] = true
	}
	if c.AdminListen == "" {
		return
	}
	if reason := badAddress(c.AdminListen, false); reason != "" {
		c.complain(problems, "admin_listen", "%q %s", c.AdminListen, reason)
	}
	if seen[c.AdminListen] && !anyPort(c.AdminListen) {
		c.complain(problems, "admin_listen", "%q is in listen as well; choose another port", c.AdminListen)
	}
}

// anyPort reports whether the system chooses the port, another for each listener.
func anyPort(addr string) bool {
	_, port, err := net.SplitHostPort(addr)
	return err == nil && port == "0"
}

// maxSocketPath is the longest path a Unix socket can have (sun_path).
const maxSocketPath = 103

// unixPrefix begins the address of a Unix socket.
const unixPrefix = "unix:"

// badAddress says what is wrong with an address, "" when nothing is.
func badAddress(addr string, sockets bool) string {
	if p, ok := strings.CutPrefix(addr, unixPrefix); ok && sockets {
		switch {
		case !strings.HasPrefix(p, "/"):
			return "must name an absolute path, such as unix:/run/pgroute/.s.PGSQL.6432"
		case len(p) > maxSocketPath:
			return "is too long for a socket; at most " + strconv.Itoa(maxSocketPath) + " bytes"
		}
		return ""
	}
	_, port, err := net.SplitHostPort(addr)
	if err != nil {
		return `must be host:port, with brackets around an IPv6 address`
	}
	if n, err := strconv.ParseUint(port, 10, 16); err != nil || n > 65535 {
		return "must end in a port number from 0 to 65535"
	}
	return ""
}

// IsLoopback reports whether only this machine can reach the listen address.
func IsLoopback(addr string) bool {
	if strings.HasPrefix(addr, unixPrefix) {
		return true
	}
	host, _, err := net.SplitHostPort(addr)
	if err != nil {
		return false
	}
	ip := net.ParseIP(host)
	return host == "localhost" || (ip != nil && ip.IsLoopback())
}

// checkAuth looks at what belongs together in [auth].
func (c *Config) checkAuth(problems *Problems) {
	a := &c.Auth
	switch a.Method {
	case AuthTrust:
		for _, addr := range c.Listen {
			if !a.AllowTrustRemote && !IsLoopback(addr) {
				c.complain(problems, "auth.method",
					`"trust" lets anyone in who reaches %s; use "scram-sha-256", listen on 127.0.0.1, or set allow_trust_remote = true`, addr)
			}
		}
	case AuthCert:
		c.complain(problems, "auth.method", `"cert" needs TLS toward clients, which this version does not offer; use "scram-sha-256"`)
	default:
		if a.Query == "" && a.UsersFile == "" {
			c.complain(problems, "auth.method", "%q has nothing to check passwords against; set auth_query or users_file", string(a.Method))
		}
	}
	if a.Query != "" && !strings.Contains(a.Query, "$1") {
		c.complain(problems, "auth.auth_query", "does not use $1, which stands for the user name; add a condition such as WHERE rolname = $1")
	}
}

// checkLimits warns of values that are allowed but hardly meant.
func (c *Config) checkLimits(problems *Problems) {
	if c.Cluster.MonitorUser == "" {
		c.complain(problems, "cluster.monitor_user", "is empty; name the role pgroute watches the nodes with")
	}
	if c.Cluster.MonitorDatabase == "" {
		c.complain(problems, "cluster.monitor_database", `is empty; name a database the monitor role may connect to, such as "postgres"`)
	}
	if c.Pool.MaxLifetime.Duration > 0 && c.Pool.MaxLifetime.Duration < c.Pool.IdleTimeout.Duration {
		c.warn("pool.idle_timeout never takes effect because pool.max_lifetime is shorter")
	}
	if len(c.Nodes) == 1 {
		c.warn("only one node is named: there is no standby to read from and none to fail over to")
	}
	for _, p := range c.Routing.PrimaryFunctions {
		for _, s := range c.Routing.StandbyFunctions {
			if p == s {
				c.complain(problems, "routing.standby_functions", "%q is in primary_functions as well; remove it from one", p)
			}
		}
	}
}

func (c *Config) warn(text string) { c.Warnings = append(c.Warnings, text) }
