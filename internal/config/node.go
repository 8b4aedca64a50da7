package config

import (
	"errors"
	"fmt"
	"net"
	"path"
	"slices"
	"strconv"
	"strings"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/pgroute/pgroute/internal/secret"
)

// Node is one entry of [cluster] nodes. Its connection string may hold a
// password, so it is not printed; print Name and Addr.
type Node struct {
	secret.Redacted
	Name   string // unique; host:port unless given
	Addr   string // host:port, or the path of a Unix socket
	Host   string // host name, address or directory of the socket
	Port   uint16
	Zone   string
	Weight int // 1 unless given; 0 means no reads
	conn   conninfo
}

// maxWeight bounds a node's weight.
const maxWeight = 1000

// defaultPort is PostgreSQL's.
const defaultPort = 5432

// libpqKeys are the keys a node may have beside pgroute's own. Others would
// go to the server as settings, which is where a typing error is hard to find.
func libpqKeys() []string {
	return []string{
		"host", "port", "dbname", "user", "password", "passfile", "connect_timeout",
		"sslmode", "sslkey", "sslcert", "sslcertmode", "sslrootcert", "sslnegotiation", "sslpassword", "sslsni",
		"krbspn", "krbsrvname", "service", "servicefile", "min_protocol_version", "max_protocol_version",
		"channel_binding", "require_auth", "application_name", "options",
	}
}

// ParseNode reads one entry of [cluster] nodes.
func ParseNode(text string) (Node, error) {
	c, err := parseConninfo(text)
	if err != nil {
		return Node{}, err
	}
	n := Node{Weight: 1, conn: c}
	for _, step := range []func() error{n.takeOwn, n.checkKeys, n.address, n.dialable} {
		if err := step(); err != nil {
			return Node{}, err
		}
	}
	return n, nil
}

// takeOwn takes pgroute's own keys out, which libpq does not know.
func (n *Node) takeOwn() (err error) {
	n.Name, n.Zone = n.conn["name"], n.conn["zone"]
	if w, ok := n.conn["weight"]; ok {
		if n.Weight, err = strconv.Atoi(w); err != nil || n.Weight < 0 || n.Weight > maxWeight {
			err = fmt.Errorf("weight %q is not a whole number from 0 to %d", w, maxWeight)
		}
	}
	for _, k := range []string{"name", "zone", "weight"} {
		delete(n.conn, k)
	}
	if strings.ContainsFunc(n.Name+n.Zone, func(r rune) bool { return r < ' ' || r == '"' }) {
		return errors.New("name and zone must not hold control characters or double quotes")
	}
	return err
}

// checkKeys refuses keys that mean nothing here.
func (n *Node) checkKeys() error {
	known := libpqKeys()
	var wrong []string
	for k := range n.conn {
		switch {
		case k == "target_session_attrs":
			wrong = append(wrong, "target_session_attrs has no place here: pgroute finds out the roles itself; remove it")
		case !slices.Contains(known, k):
			wrong = append(wrong, fmt.Sprintf("unknown key %q%s", k, suggest(k, append(known, "name", "zone", "weight"))))
		}
	}
	if len(wrong) == 0 {
		return nil
	}
	slices.Sort(wrong)
	return errors.New(strings.Join(wrong, "; "))
}

// address finds where the node listens.
func (n *Node) address() error {
	n.Host, n.Port = n.conn["host"], defaultPort
	switch {
	case n.Host == "":
		return errors.New("no host; every node needs host=")
	case strings.Contains(n.Host, ","), strings.Contains(n.conn["port"], ","):
		return errors.New("names several hosts; give each node an entry of its own")
	}
	if p := n.conn["port"]; p != "" {
		port, err := strconv.ParseUint(p, 10, 16)
		if err != nil || port == 0 {
			return fmt.Errorf("port %q is not a number from 1 to 65535", p)
		}
		n.Port = uint16(port)
	}
	port := strconv.Itoa(int(n.Port))
	n.Addr = net.JoinHostPort(n.Host, port)
	if strings.HasPrefix(n.Host, "/") {
		n.Addr = path.Join(n.Host, ".s.PGSQL."+port)
	}
	if n.Name == "" {
		n.Name = n.Addr
	}
	return nil
}

// dialable finds out now what dialling would stumble over, such as a
// certificate file that cannot be read.
func (n *Node) dialable() error {
	_, err := n.ServerConfig()
	return err
}

// Conninfo gives the node's connection string in libpq's key=value form,
// without pgroute's own keys. It may hold a password.
func (n *Node) Conninfo() string { return n.conn.String() }

// ServerConfig gives what is needed to dial the node in a client's name:
// address, TLS, timeouts. User, password and database are empty.
func (n *Node) ServerConfig() (*pgconn.Config, error) {
	c := n.with(map[string]string{"user": "", "password": "", "dbname": ""})
	config, err := pgconn.ParseConfig(c.String())
	if err != nil {
		return nil, parseError(err)
	}
	config.User, config.Password, config.Database = "", "", ""
	config.ValidateConnect = nil // PGTARGETSESSIONATTRS is not for pgroute
	return config, nil
}

// MonitorConfig gives what is needed to connect as the monitor role. What the
// node's connection string says goes before the cluster section.
func (n *Node) MonitorConfig(cluster *Cluster) (*pgx.ConnConfig, error) {
	c := conninfo{"user": cluster.MonitorUser, "dbname": cluster.MonitorDatabase, "application_name": "pgroute"}
	c.put("password", cluster.MonitorPassword.Reveal())
	for k, v := range n.conn {
		c[k] = v
	}
	config, err := pgx.ParseConfig(c.String())
	if err != nil {
		return nil, parseError(err)
	}
	config.ValidateConnect = nil
	config.RuntimeParams["default_transaction_isolation"] = "read committed" // a standby refuses serializable
	return config, nil
}

// with copies the connection string and removes keys (value "") or sets them.
func (n *Node) with(changes map[string]string) conninfo {
	c := conninfo{}
	for k, v := range n.conn {
		c[k] = v
	}
	for k, v := range changes {
		if delete(c, k); v != "" {
			c[k] = v
		}
	}
	return c
}

// parseError keeps the reason and leaves out the connection string.
func parseError(err error) error {
	var e *pgconn.ParseConfigError
	if errors.As(err, &e) {
		blank := *e
		blank.ConnString = ""
		text := strings.TrimPrefix(blank.Error(), "cannot parse ``: ")
		return errors.New(text)
	}
	return err
}
