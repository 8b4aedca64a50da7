package bench

import (
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"path/filepath"
	"strconv"
	"time"

	"github.com/pgroute/pgroute/internal/lab"
)

// Setup is what every benchmark needs to know.
type Setup struct {
	Program  string    // pgroute's own binary
	Other    string    // another build of pgroute, to be compared with; "" for none
	Command  string    // the command line, for the report
	PgBin    string    // directory of PostgreSQL's programs; default: the newest found
	Dir      string    // directory to work in; default: the system's temporary one
	Progress io.Writer // a line per step; nil for none
}

const (
	siteStartLimit = 2 * time.Minute
	siteStopLimit  = time.Minute
	sitePrefix     = "pgroute-bench-"
	sweepAge       = time.Hour // no benchmark takes so long before it has its lab
)

// site is a cluster with a directory for the programs in front of it.
type site struct {
	Setup
	dir     string
	lab     *lab.Lab
	as      account
	ports   *lab.Ports // for what stands in front of the cluster
	free    []int
	version string // "PostgreSQL 15.8"
}

// mostTargets bounds how many programs run at a time on one site.
const mostTargets = 10

// openSite starts a cluster. conf is for every node's postgresql.conf.
func openSite(ctx context.Context, s Setup, standbys int, conf map[string]string) (*site, error) {
	ctx, cancel := context.WithTimeout(ctx, siteStartLimit)
	defer cancel()
	if s.Progress == nil {
		s.Progress = io.Discard
	}
	t := &site{Setup: s}
	if err := t.open(ctx, standbys, conf); err != nil {
		return nil, errors.Join(err, t.close())
	}
	return t, nil
}

func (s *site) open(ctx context.Context, standbys int, conf map[string]string) error {
	base := s.Dir
	if base == "" {
		base = os.TempDir()
	}
	if err := sweep(ctx, base); err != nil {
		return err
	}
	var err error
	if s.as, err = rivalAccount(); err != nil {
		return err
	}
	if s.ports, err = lab.ReservePorts(2 * mostTargets); err != nil {
		return err
	}
	s.free = s.ports.Numbers
	if s.dir, err = os.MkdirTemp(base, sitePrefix+"*"); err != nil {
		return err
	}
	// The servers' account passes through.
	if err := os.Chmod(s.dir, 0o711); err != nil {
		return err
	}
	s.say("starting a primary and %d standbys", standbys)
	s.lab, err = lab.Start(ctx, lab.Options{
		Dir: filepath.Join(s.dir, "lab"), Standbys: standbys, PgBin: s.PgBin, Conf: siteSettings(conf),
	})
	return err
}

// siteSettings keep the server's own housekeeping out of the figures.
func siteSettings(own map[string]string) map[string]string {
	conf := map[string]string{"autovacuum": "off", "checkpoint_timeout": "1h", "max_wal_size": "8GB", "log_min_messages": "fatal"}
	maps.Copy(conf, own)
	return conf
}

// close stops the cluster and removes everything.
func (s *site) close() error {
	var errs []error
	if s.lab != nil {
		ctx, cancel := context.WithTimeout(context.Background(), siteStopLimit)
		defer cancel()
		errs = append(errs, s.lab.Stop(ctx))
	}
	s.ports.Release()
	if s.dir != "" {
		errs = append(errs, os.RemoveAll(s.dir))
	}
	return errors.Join(errs...)
}

// takePorts hands out the ports of one program. target.stop gives them back.
func (s *site) takePorts(c *frontConfig) error {
	if len(s.free) < 2 {
		return errors.New("no reserved port is left")
	}
	c.port, c.spare = s.free[0], s.free[1]
	s.free = s.free[2:]
	return nil
}

// workDir makes a directory for one program, which runs as the account.
func (s *site) workDir(name string, as account) (string, error) {
	for i := 1; ; i++ {
		dir := filepath.Join(s.dir, name+"-"+strconv.Itoa(i))
		err := os.Mkdir(dir, 0o700)
		if errors.Is(err, os.ErrExist) {
			continue // an earlier start of the same program
		}
		if err != nil {
			return "", err
		}
		return dir, as.own(dir)
	}
}

// primary is the node that is the primary when the site opens.
func (s *site) primary() *lab.Node { return s.lab.Node("primary") }

// nameNodes makes the function bench_node(), which tells the node that answers.
// It is declared as what it is, stable, so that calling it does not make a
// statement anything but a read. VACUUM does the housekeeping that reads would
// do otherwise, in the middle of the measurement: pruning and hint bits write
// WAL that nothing flushes while a primary only reads.
func (s *site) nameNodes(ctx context.Context) error {
	err := s.primary().Exec(ctx, `CREATE FUNCTION bench_node() RETURNS text STABLE LANGUAGE plpgsql
		AS $$ BEGIN RETURN current_setting('cluster_name'); END $$`)
	if err != nil {
		return err
	}
	if err := s.primary().Exec(ctx, "VACUUM"); err != nil {
		return err
	}
	return s.lab.WaitCaughtUp(ctx)
}

// say reports a step.
func (s *site) say(format string, args ...any) { fmt.Fprintf(s.Progress, format+"\n", args...) }

// sweep removes what crashed runs left.
func sweep(ctx context.Context, base string) error {
	pattern := filepath.Join(base, sitePrefix+"*")
	if err := lab.Sweep(ctx, filepath.Join(pattern, "lab"), sweepAge); err != nil {
		return err
	}
	dirs, err := filepath.Glob(pattern)
	if err != nil {
		return err
	}
	for _, dir := range dirs {
		info, err := os.Lstat(dir)
		if err != nil || time.Since(info.ModTime()) < sweepAge {
			continue
		}
		// A directory with a lab in use stays.
		if _, err := os.Lstat(filepath.Join(dir, "lab")); err == nil {
			continue
		}
		if err := os.RemoveAll(dir); err != nil {
			return err
		}
	}
	return nil
}
