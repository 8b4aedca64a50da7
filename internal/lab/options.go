package lab

import (
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strconv"
)

// Auth says how TCP clients of the nodes authenticate.
type Auth string

// The two ways. Connections over the nodes' Unix sockets are always trusted:
// the socket directory admits nobody but the user the servers run as.
const (
	AuthTrust Auth = "trust"
	AuthSCRAM Auth = "scram"
)

// Names of the roles every lab has; the package documentation tells their rights.
const (
	Superuser  = "postgres"
	Monitor    = "pgroute"
	Replicator = "replicator"
)

// maxStandbys bounds a lab; every node carries a slot for every other.
const maxStandbys = 9

// Options describe a lab. The zero value is a lone primary on a free port.
type Options struct {
	Dir      string            // where the lab lives; default DefaultDir()
	Standbys int               // 0 to 9
	BasePort int               // the primary's port, standbys follow; 0 takes free ports
	Sync     bool              // quorum synchronous replication: remote_apply, ANY 1
	PgBin    string            // directory of PostgreSQL's programs; default: the newest found
	Auth     Auth              // default AuthTrust
	Conf     map[string]string // postgresql.conf settings on top of the lab's, on every node
	HBA      []string          // pg_hba.conf lines put before the lab's
	Keep     bool              // Stop leaves the directory, cleanly shut down
	Logger   *slog.Logger      // default: none
}

// DefaultDir is the directory a lab takes when none is named: PGROUTE_LAB_DIR,
// else one per user below the system's temporary directory. It does not depend
// on the working directory, so that every command finds the running lab, and
// an unprivileged server user can reach it when root runs the lab.
func DefaultDir() string {
	if dir := os.Getenv("PGROUTE_LAB_DIR"); dir != "" {
		return dir
	}
	return filepath.Join(os.TempDir(), "pgroute-lab-"+strconv.Itoa(os.Getuid()))
}

// withDefaults fills in what was left out and rejects what cannot work.
func (o Options) withDefaults() (Options, error) {
	if o.Dir == "" {
		o.Dir = DefaultDir()
	}
	if o.Auth == "" {
		o.Auth = AuthTrust
	}
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	return o, o.validate()
}

func (o Options) validate() error {
	switch {
	case o.Standbys < 0 || o.Standbys > maxStandbys:
		return fmt.Errorf("a lab has 0 to %d standbys, not %d", maxStandbys, o.Standbys)
	case o.Sync && o.Standbys == 0:
		return errors.New("synchronous replication needs a standby: without one no commit would ever return")
	case o.BasePort < 0 || o.BasePort+o.Standbys > 65535:
		return fmt.Errorf("base port %d leaves no room for %d nodes below 65536", o.BasePort, o.Standbys+1)
	case o.Auth != AuthTrust && o.Auth != AuthSCRAM:
		return fmt.Errorf("auth is %q or %q, not %q", AuthTrust, AuthSCRAM, o.Auth)
	}
	return nil
}

// nodeNames lists the names the lab's nodes keep for life.
func nodeNames(standbys int) []string {
	names := []string{"primary"}
	for i := 1; i <= standbys; i++ {
		names = append(names, "standby"+strconv.Itoa(i))
	}
	return names
}
