package lab

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"time"
)

// stopLimit bounds an orderly shutdown of a node before it is killed.
const stopLimit = 20 * time.Second

// Lab is a cluster in a directory. Its methods may be called from several
// goroutines, for different nodes at the same time.
type Lab struct {
	Dir string // absolute, without symbolic links

	bin       *binaries
	as        account
	log       *slog.Logger
	state     state
	passwords map[string]string
	nodes     []*Node

	// The rest is set only in the process that called Start.
	owned   bool
	keep    bool
	created bool // the directory did not exist before
	lock    *fileLock
	ports   *Ports
	proxy   *Proxy
	stopped sync.Once
}

// Start makes a cluster and returns when all standbys stream. It gives up when
// ctx ends, and then leaves nothing behind; a started lab does not depend on ctx.
func Start(ctx context.Context, o Options) (*Lab, error) {
	o, err := o.withDefaults()
	if err != nil {
		return nil, fmt.Errorf("lab: %w", err)
	}
	l := &Lab{log: o.Logger, keep: o.Keep, owned: true}
	if err := l.start(ctx, o); err != nil {
		return nil, errors.Join(fmt.Errorf("lab: %w", err), l.abandon())
	}
	return l, nil
}

func (l *Lab) start(ctx context.Context, o Options) error {
	var err error
	if l.as, err = serverAccount(); err != nil {
		return err
	}
	if l.bin, err = findBinaries(ctx, o.PgBin); err != nil {
		return err
	}
	if err := l.takeDir(ctx, o.Dir); err != nil {
		return err
	}
	if err := l.plan(ctx, o); err != nil {
		return err
	}
	return l.provision(ctx)
}

// plan decides on ports, passwords and settings, and records them.
func (l *Lab) plan(ctx context.Context, o Options) error {
	ports, err := l.choosePorts(o.BasePort, o.Standbys+1)
	if err != nil {
		return err
	}
	l.state = state{
		PID: os.Getpid(), PgBin: l.bin.dir, Version: l.bin.version, User: l.as.name,
		Sync: o.Sync, Auth: o.Auth, Conf: o.Conf, HBA: o.HBA,
	}
	if l.bin.hasLibrary(ctx, "pg_stat_statements") {
		l.state.Preload = "pg_stat_statements"
	}
	for i, name := range nodeNames(o.Standbys) {
		l.state.Nodes = append(l.state.Nodes, nodeState{Name: name, Port: ports[i]})
	}
	l.passwords = newPasswords(o.Auth)
	l.makeNodes()
	if err := writeJSON(filepath.Join(l.Dir, secretsFile), l.passwords); err != nil {
		return err
	}
	return l.saveState()
}

func (l *Lab) choosePorts(base, n int) ([]int, error) {
	if base == 0 {
		ports, err := ReservePorts(n)
		if err != nil {
			return nil, err
		}
		l.ports = ports
		return ports.Numbers, nil
	}
	var ports []int
	for port := base; port < base+n; port++ {
		if err := checkPort(port); err != nil {
			return nil, fmt.Errorf("port %d is in use (%w): choose other ports with --base-port, or 0 for free ones", port, err)
		}
		ports = append(ports, port)
	}
	return ports, nil
}

func (l *Lab) makeNodes() {
	for _, s := range l.state.Nodes {
		l.nodes = append(l.nodes, &Node{Name: s.Name, Port: s.Port, Dir: filepath.Join(l.Dir, s.Name), lab: l})
	}
}

func (l *Lab) saveState() error {
	return writeJSON(filepath.Join(l.Dir, stateFile), l.state)
}

// Open finds the running lab of a directory. The caller does not own it: the
// nodes it starts outlive it, and Stop is refused.
func Open(dir string) (*Lab, error) {
	if dir == "" {
		dir = DefaultDir()
	}
	dir, err := realDir(dir)
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		return nil, err
	}
	l := &Lab{Dir: dir, log: slog.New(slog.DiscardHandler)}
	if l.state, err = readState(dir); err != nil {
		return nil, err
	}
	if l.passwords, err = readPasswords(dir); err != nil {
		return nil, err
	}
	if l.as, err = serverAccount(); err != nil {
		return nil, err
	}
	major, err := parseMajor(l.state.Version)
	if err != nil {
		return nil, err
	}
	l.bin = &binaries{dir: l.state.PgBin, version: l.state.Version, major: major}
	l.makeNodes()
	return l, nil
}

// Stop ends the proxy and every node. With Options.Keep the nodes shut down in
// order, the primary last to lose its standbys; otherwise they end at once and
// the directory is deleted. It may be called more than once.
func (l *Lab) Stop(ctx context.Context) error {
	if !l.owned {
		return errors.New("lab: only the process that started the lab stops it whole")
	}
	var err error
	l.stopped.Do(func() { err = l.stop(ctx) })
	return err
}

func (l *Lab) stop(ctx context.Context) error {
	var errs []error
	if l.proxy != nil {
		errs = append(errs, l.proxy.Stop(ctx))
	}
	if l.keep {
		errs = append(errs, l.stopInOrder(ctx))
	}
	errs = append(errs, l.removeNodes(ctx))
	if !l.keep {
		errs = append(errs, l.removeDir())
	}
	l.ports.Release()
	l.lock.unlock()
	return errors.Join(errs...)
}

// stopInOrder shuts primaries down first: they wait until their standbys have
// received the last of the WAL.
func (l *Lab) stopInOrder(ctx context.Context) error {
	var errs []error
	standbys := slices.DeleteFunc(slices.Clone(l.nodes), func(n *Node) bool { return !n.hasStandbySignal() })
	for _, n := range l.nodes {
		if !slices.Contains(standbys, n) {
			errs = append(errs, n.shutdown(ctx, fastShutdown))
		}
	}
	for _, n := range standbys {
		errs = append(errs, n.shutdown(ctx, fastShutdown))
	}
	return errors.Join(errs...)
}

// removeNodes makes sure that no process and no shared memory of any node is left.
func (l *Lab) removeNodes(ctx context.Context) error {
	return inParallel(l.nodes, func(n *Node) error {
		err := n.shutdown(ctx, immediateShutdown)
		n.freeSharedMemory()
		return err
	})
}

// abandon undoes a Start that failed. Its own limit stands in for the context
// that may be what failed.
func (l *Lab) abandon() error {
	ctx, cancel := context.WithTimeout(context.Background(), stopLimit)
	defer cancel()
	if l.lock == nil {
		return nil // nothing was touched yet
	}
	l.keep = false
	return l.stop(ctx)
}

// Node returns a node by name, nil when there is none.
func (l *Lab) Node(name string) *Node {
	for _, n := range l.nodes {
		if n.Name == name {
			return n
		}
	}
	return nil
}

// Nodes returns all nodes, primary first, then standby1 and so on, whatever
// their roles are by now.
func (l *Lab) Nodes() []*Node { return slices.Clone(l.nodes) }

// node is Node with an error that lists the names there are.
func (l *Lab) node(name string) (*Node, error) {
	if n := l.Node(name); n != nil {
		return n, nil
	}
	var names []string
	for _, n := range l.nodes {
		names = append(names, n.Name)
	}
	return nil, fmt.Errorf("no node %q in this lab, which has %q", name, names)
}

// Version is what postgres --version says, such as "postgres (PostgreSQL) 15.8".
func (l *Lab) Version() string { return l.bin.version }

// Major is PostgreSQL's major version, such as 15.
func (l *Lab) Major() int { return l.bin.major }

// PgBin is the directory of PostgreSQL's programs.
func (l *Lab) PgBin() string { return l.bin.dir }

// Password is the role's password, "" where there is none.
func (l *Lab) Password(role string) string { return l.passwords[role] }

// PasswordFile holds all roles' passwords, readable by the lab's user only.
func (l *Lab) PasswordFile() string { return filepath.Join(l.Dir, secretsFile) }

// inParallel calls f for every node at once and joins the errors.
func inParallel(nodes []*Node, f func(*Node) error) error {
	errs := make([]error, len(nodes))
	var wg sync.WaitGroup
	for i, n := range nodes {
		wg.Go(func() { errs[i] = f(n) })
	}
	wg.Wait()
	return errors.Join(errs...)
}
