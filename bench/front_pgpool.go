package bench

import (
	"fmt"
	"path/filepath"
	"strings"
	"syscall"

	"github.com/pgroute/pgroute/internal/lab"
)

// pgpoolFront is Pgpool-II splitting reads and writes. Like pgroute it sends no
// read to the primary that a standby can answer.
func pgpoolFront() *front {
	return &front{
		name: "pgpool", note: "reads to standbys, a process per client", program: "pgpool",
		version: func(path string) (string, error) { return firstLine(path, "--version") },
		serves: func(_, _ string, clients, pool int) string {
			if clients > pool {
				return "a server per client"
			}
			return ""
		},
		prepare: pgpoolProgram,
	}
}

// pgpoolProgram also writes the two files that pgpool insists on finding.
func pgpoolProgram(c frontConfig) (program, error) {
	conf := filepath.Join(c.dir, "pgpool.conf")
	pcp := filepath.Join(c.dir, "pcp.conf")
	hba := filepath.Join(c.dir, "pool_hba.conf")
	for path, content := range map[string]string{conf: pgpoolConfig(c), pcp: "", hba: ""} {
		if err := writeOwned(c.as, path, content); err != nil {
			return program{}, err
		}
	}
	// SIGINT is its fast shutdown.
	return program{path: c.path, args: []string{"-n", "-f", conf, "-F", pcp, "-a", hba}, dir: c.dir, as: c.as, end: syscall.SIGINT}, nil
}

// pgpoolConfig has a child per server connection, and one to spare for whoever
// looks whether it is ready.
func pgpoolConfig(c frontConfig) string {
	var b strings.Builder
	b.WriteString("backend_clustering_mode = 'streaming_replication'\nload_balance_mode = on\nlisten_addresses = '127.0.0.1'\n")
	fmt.Fprintf(&b, "port = %d\npcp_port = %d\npcp_listen_addresses = ''\nsocket_dir = '%s'\npcp_socket_dir = '%s'\n", c.port, c.spare, c.dir, c.dir)
	fmt.Fprintf(&b, "pid_file_name = '%s/pgpool.pid'\nlogdir = '%s'\n", c.dir, c.dir)
	fmt.Fprintf(&b, "num_init_children = %d\nmax_pool = 1\nchild_life_time = 0\nenable_pool_hba = off\nlog_min_messages = error\n", c.pool+1)
	fmt.Fprintf(&b, "sr_check_user = '%s'\nsr_check_database = '%s'\nsr_check_period = 10\nhealth_check_period = 0\n", lab.Superuser, database)
	for i, n := range c.nodes {
		weight := 1
		if i == 0 && len(c.nodes) > 1 {
			weight = 0 // the primary
		}
		host, port, _ := strings.Cut(n.Addr(), ":")
		fmt.Fprintf(&b, "backend_hostname%d = '%s'\nbackend_port%d = %s\nbackend_weight%d = %d\nbackend_data_directory%d = '%s'\nbackend_flag%d = 'ALLOW_TO_FAILOVER'\n",
			i, host, i, port, i, weight, i, n.Dir, i)
	}
	return b.String()
}
