package bench

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/pgroute/pgroute/internal/lab"
)

// pgbouncerFront is PgBouncer in transaction pooling, in front of the primary.
func pgbouncerFront() *front {
	return &front{
		name: "pgbouncer", note: "transaction pooling, to the primary", program: "pgbouncer",
		version: pgbouncerVersion, serves: pgbouncerTransactions,
		prepare: func(c frontConfig) (program, error) { return pgbouncerProgram(c, "transaction") },
	}
}

// pgbouncerSessionFront is PgBouncer in session pooling: the only way in which
// versions before 1.21 carry prepared statements.
func pgbouncerSessionFront() *front {
	return &front{
		name: "pgbouncer-session", note: "session pooling, to the primary", program: "pgbouncer",
		version: pgbouncerVersion, serves: pgbouncerSessions,
		prepare: func(c frontConfig) (program, error) { return pgbouncerProgram(c, "session") },
	}
}

func pgbouncerVersion(path string) (string, error) { return firstLine(path, "--version") }

// pgbouncerTransactions: prepared statements came with 1.21.
func pgbouncerTransactions(version, mode string, _, _ int) string {
	if mode == "prepared" && !pgbouncerPrepares(version) {
		return "no prepared statements"
	}
	return ""
}

// pgbouncerSessions: a client keeps its server until it leaves, so more clients
// than servers would wait for ever. Simple mode has the other front.
func pgbouncerSessions(_, mode string, clients, pool int) string {
	switch {
	case mode == "simple":
		return "see pgbouncer"
	case clients > pool:
		return "a server per client"
	}
	return ""
}

// pgbouncerPrepares reads the version line, such as "PgBouncer 1.18.0".
func pgbouncerPrepares(version string) bool {
	var major, minor int
	if _, err := fmt.Sscanf(version, "PgBouncer %d.%d", &major, &minor); err != nil {
		return false
	}
	return major > 1 || minor >= 21
}

func pgbouncerProgram(c frontConfig, mode string) (program, error) {
	ini := filepath.Join(c.dir, "pgbouncer.ini")
	users := filepath.Join(c.dir, "users.txt")
	for path, content := range map[string]string{ini: pgbouncerConfig(c, mode, users), users: fmt.Sprintf("%q \"\"\n", lab.Superuser)} {
		if err := writeOwned(c.as, path, content); err != nil {
			return program{}, err
		}
	}
	return program{path: c.path, args: []string{ini}, dir: c.dir, as: c.as}, nil
}

// pgbouncerConfig is plain and fast: no TLS, no logging per connection, no
// checks or resets of servers between transactions.
func pgbouncerConfig(c frontConfig, mode, users string) string {
	var b strings.Builder
	fmt.Fprintf(&b, "[databases]\n* = %s\n\n[pgbouncer]\n", c.nodes[0].Conninfo())
	fmt.Fprintf(&b, "listen_addr = 127.0.0.1\nlisten_port = %d\nunix_socket_dir =\n", c.port)
	fmt.Fprintf(&b, "auth_type = trust\nauth_file = %s\npool_mode = %s\n", users, mode)
	fmt.Fprintf(&b, "default_pool_size = %d\nmax_client_conn = %d\nso_reuseport = 0\n", c.pool, c.clients)
	b.WriteString("log_connections = 0\nlog_disconnections = 0\nlog_stats = 0\nserver_check_delay = 3600\nserver_lifetime = 86400\n")
	if pgbouncerPrepares(c.version) {
		b.WriteString("max_prepared_statements = 200\n")
	}
	return b.String()
}

// writeOwned writes a configuration that the account may read.
func writeOwned(as account, path, content string) error {
	if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
		return err
	}
	return as.own(path)
}
