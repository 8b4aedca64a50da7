package bench

import (
	"context"
	"errors"
	"fmt"
	"os/exec"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/pgroute/pgroute/internal/lab"
)

// database is the one all benchmarks work in.
const database = "postgres"

// readyLimit bounds how long a target may take until it serves.
const readyLimit = 30 * time.Second

// front is a kind of program that can stand in front of a cluster.
type front struct {
	name    string
	note    string // how it is set up, for the report
	program string // to be found on the path; "" for pgroute, which is ourselves
	asUs    bool   // runs as we do and not as the rivals' account
	// version asks the program.
	version func(path string) (string, error)
	// serves tells whether it can carry a mode of pgbench, given its version and
	// how many clients share how many servers; the answer is "" or the reason.
	serves func(version, mode string, clients, pool int) string
	// prepare writes its configuration into c.dir and says how to run it.
	prepare func(c frontConfig) (program, error)
}

// frontConfig is what a front has to be configured for.
type frontConfig struct {
	path    string // the program
	version string
	dir     string
	as      account
	port    int
	spare   int // one more port, for a front that wants it
	nodes   []*lab.Node
	pool    int    // server connections per node
	clients int    // that it must admit
	level   string // of consistency, "" for the default
}

// target is a front that runs, or the primary itself.
type target struct {
	name, version, note string
	port                int
	process             *process // nil for the primary itself
	front               *front
	pool                int
	release             func() // gives the ports back
}

// direct names the target without a proxy.
const direct = "direct"

// directTarget is the primary itself.
func (s *site) directTarget() *target {
	return &target{name: direct, version: s.lab.Version(), note: "no proxy", port: s.primary().Port}
}

// refusal tells why a target cannot run a load, "" when it can.
func (t *target) refusal(mode string, clients int) string {
	if t.front == nil || t.front.serves == nil {
		return ""
	}
	return t.front.serves(t.version, mode, clients, t.pool)
}

// dsn is for pgx: the superuser, without TLS, as pgbench connects.
func (t *target) dsn() string { return dsn(t.port) }

func dsn(port int) string {
	return fmt.Sprintf("host=127.0.0.1 port=%d user=%s dbname=%s sslmode=disable", port, lab.Superuser, database)
}

// superuserDSN is that of a node itself.
func superuserDSN(n *lab.Node) string { return n.DSN(lab.Superuser, database) }

// stop ends the target; the primary stays.
func (t *target) stop() {
	if t.process != nil {
		t.process.stop()
		t.release()
	}
}

// errMissing says that a front's program is not installed.
var errMissing = errors.New("not installed")

// find looks for the program and asks its version.
func (f *front) find(self string) (path, version string, err error) {
	path = self
	if f.program != "" {
		if path, err = lookPath(f.program); err != nil {
			return "", "", fmt.Errorf("%s: %w", f.name, errMissing)
		}
	}
	version, err = f.version(path)
	return path, version, err
}

// lookPath also looks where Debian puts daemons, which is on root's path only.
func lookPath(name string) (string, error) {
	if path, err := exec.LookPath(name); err == nil {
		return path, nil
	}
	return exec.LookPath("/usr/sbin/" + name)
}

// demand is how a front is wanted.
type demand struct {
	nodes   []*lab.Node
	pool    int
	clients int
	level   string // consistency, of those that know levels; "" for the default
}

// start runs a front and returns when it serves queries.
func (s *site) start(ctx context.Context, f *front, d demand) (*target, error) {
	path, version, err := f.find(s.Program)
	if err != nil {
		return nil, err
	}
	c := frontConfig{path: path, version: version, as: s.as, nodes: d.nodes, pool: d.pool, clients: d.clients, level: d.level}
	if f.asUs {
		c.as = account{}
	}
	if err := s.takePorts(&c); err != nil {
		return nil, err
	}
	if c.dir, err = s.workDir(f.name, c.as); err != nil {
		return nil, err
	}
	p, err := f.prepare(c)
	if err != nil {
		return nil, fmt.Errorf("configure %s: %w", f.name, err)
	}
	return s.launch(ctx, f, c, p)
}

func (s *site) launch(ctx context.Context, f *front, c frontConfig, p program) (*target, error) {
	process, err := p.start()
	if err != nil {
		return nil, err
	}
	ports := []int{c.port, c.spare}
	t := &target{
		release: func() { s.free = append(s.free, ports...) }, name: f.name, version: c.version, note: f.note, port: c.port, process: process, front: f, pool: c.pool,
	}
	if err := t.awaitReady(ctx); err != nil {
		t.stop()
		return nil, err
	}
	s.say("started %s (%s)", f.name, c.version)
	return t, nil
}

// awaitReady asks a query until it is answered.
func (t *target) awaitReady(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, readyLimit)
	defer cancel()
	var last error
	err := poll(ctx, 20*time.Millisecond, func() (bool, error) {
		if err := t.process.ended(); err != nil {
			return false, err
		}
		last = ask(ctx, t.port)
		return last == nil, nil
	})
	if err != nil {
		return fmt.Errorf("%s does not serve: %w; its log says: %s", t.name, errors.Join(err, last), t.process.tail())
	}
	return nil
}

// ask makes a connection and one query, in the simple protocol that every
// pooling mode carries.
func ask(ctx context.Context, port int) error {
	ctx, cancel := context.WithTimeout(ctx, 2*time.Second)
	defer cancel()
	conn, err := pgx.Connect(ctx, dsn(port))
	if err != nil {
		return err
	}
	defer conn.Close(ctx)
	_, err = conn.PgConn().Exec(ctx, "SELECT 1").ReadAll()
	return err
}

// firstLine runs a program and gives the first line it prints to either output:
// pgpool tells its version on standard error.
func firstLine(path string, args ...string) (string, error) {
	out, err := exec.Command(path, args...).CombinedOutput()
	line, _, _ := strings.Cut(strings.TrimSpace(string(out)), "\n")
	if err != nil {
		return "", fmt.Errorf("%s %s: %w: %s", path, strings.Join(args, " "), err, line)
	}
	return line, nil
}
