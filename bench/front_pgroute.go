package bench

import (
	"cmp"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/pgroute/pgroute/internal/lab"
)

// pgrouteName is the target all others are compared with.
const pgrouteName = "pgroute"

// pgrouteFront is pgroute as anybody runs it: splitting, session consistency and
// classification on, health probes running.
func pgrouteFront() *front {
	return &front{
		name: pgrouteName, asUs: true, note: "reads to standbys, session consistency, transaction pooling",
		version: func(string) (string, error) { return cmp.Or(commit(), "of this tree"), nil },
		prepare: func(c frontConfig) (program, error) {
			path := filepath.Join(c.dir, "proxy.toml")
			p := program{path: c.path, args: []string{"serve", "--config", path}, dir: c.dir, as: c.as}
			return p, os.WriteFile(path, pgrouteConfig(c), 0o600)
		},
	}
}

// otherFront is another build of pgroute: what a change has gained is seen in
// the same run only.
func otherFront(path string) *front {
	f := pgrouteFront()
	f.name, f.note, f.program = "pgroute-other", "another build of pgroute", path
	f.version = func(path string) (string, error) { return filepath.Base(path), nil }
	return f
}

// pgrouteConfig is the proxy.toml: what must differ from the defaults only.
func pgrouteConfig(c frontConfig) []byte {
	var b strings.Builder
	fmt.Fprintf(&b, "listen = [\"127.0.0.1:%d\"]\nadmin_listen = \"127.0.0.1:%d\"\n\n[cluster]\nnodes = [\n", c.port, c.spare)
	for _, n := range c.nodes {
		fmt.Fprintf(&b, "  %q,\n", n.Conninfo()+" name="+n.Name+" sslmode=disable")
	}
	fmt.Fprintf(&b, "]\nmonitor_user = %q\nmonitor_database = %q\n\n[pool]\nsize = %d\nmax_clients = %d\n\n[auth]\nmethod = \"trust\"\n",
		lab.Monitor, database, c.pool, c.clients)
	if c.level != "" {
		fmt.Fprintf(&b, "\n[routing]\nconsistency = %q\n", c.level)
	}
	return []byte(b.String())
}
