package lab

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

// templateFormat is part of a template's name; raise it when what goes into a
// template changes.
const templateFormat = 1

// errTampered says that a template is not what was stored.
var errTampered = errors.New("template damaged")

// template is a cluster initialised once per PostgreSQL version and copied for
// every lab: initdb costs more than everything else together. It holds roles
// and extensions, no passwords and no WAL.
type template struct {
	bin *binaries
	as  account
	dir string // its directory in the cache; beside it a lock and a digest
}

func newTemplate(bin *binaries, as account) (*template, error) {
	cache, err := cacheDir()
	if err != nil {
		return nil, err
	}
	if err := as.checkReachable(cache); err != nil {
		return nil, err
	}
	key := sha256.Sum256(fmt.Appendf(nil, "%d\n%s\n%s\n%d", templateFormat, bin.version, bin.dir, as.uid))
	name := fmt.Sprintf("template-%d-%s", bin.major, hex.EncodeToString(key[:6]))
	return &template{bin: bin, as: as, dir: filepath.Join(cache, name)}, nil
}

// copyTo makes dst a fresh cluster. A template that is missing or damaged is
// made anew; two processes do not do so at once.
func (t *template) copyTo(ctx context.Context, dst string) error {
	lock, err := lockWait(ctx, t.dir+".lock")
	if err != nil {
		return err
	}
	defer lock.unlock()
	err = t.tryCopy(dst)
	if err == nil {
		return nil
	}
	if err := os.RemoveAll(dst); err != nil {
		return err
	}
	if err := t.build(ctx); err != nil {
		return fmt.Errorf("initialise a cluster: %w", err)
	}
	return t.tryCopy(dst)
}

// tryCopy copies the template and checks that it was whole.
func (t *template) tryCopy(dst string) error {
	stored, err := os.ReadFile(t.dir + ".json")
	if err != nil {
		return err
	}
	var want digest
	if err := json.Unmarshal(stored, &want); err != nil {
		return fmt.Errorf("%w: %w", errTampered, err)
	}
	got, err := copyTree(t.dir, dst, t.as)
	if err != nil {
		return err
	}
	if got != want {
		return fmt.Errorf("%w: %+v instead of %+v", errTampered, got, want)
	}
	return nil
}

// build makes the template in place; the digest, written last, makes it valid.
func (t *template) build(ctx context.Context) error {
	for _, old := range []string{t.dir + ".json", t.dir} {
		if err := os.RemoveAll(old); err != nil {
			return err
		}
	}
	if err := t.as.mkdir(t.dir); err != nil {
		return err
	}
	if err := t.populate(ctx); err != nil {
		return err
	}
	sum, err := digestTree(t.dir)
	if err != nil {
		return err
	}
	stored, err := json.Marshal(sum)
	if err != nil {
		return err
	}
	return os.WriteFile(t.dir+".json", stored, 0o600)
}

// populate runs initdb and the set-up statements, then drops the WAL, which
// pg_resetwal writes anew for every copy.
func (t *template) populate(ctx context.Context) error {
	run := tool{bin: t.bin, as: t.as, dir: t.dir}
	err := run.run(ctx, "initdb", "-D", t.dir, "-U", Superuser, "-A", "trust",
		"--no-sync", "--no-locale", "--encoding=UTF8")
	if err != nil {
		return err
	}
	statements := roleStatements()
	if t.bin.hasLibrary(ctx, "pg_stat_statements") {
		statements = append(statements, "CREATE EXTENSION pg_stat_statements;")
	}
	if err := singleUser(ctx, run, t.dir, statements); err != nil {
		return err
	}
	segments, err := filepath.Glob(filepath.Join(t.dir, "pg_wal", "0*"))
	if err != nil {
		return err
	}
	for _, segment := range segments {
		if err := os.Remove(segment); err != nil {
			return err
		}
	}
	return nil
}

// roleStatements make the roles that the package documentation describes. A
// single-user server takes one statement per line.
func roleStatements() []string {
	return []string{
		"CREATE ROLE " + Replicator + " LOGIN REPLICATION;",
		"CREATE ROLE " + Monitor + " LOGIN REPLICATION IN ROLE pg_monitor;",
		"GRANT SELECT ON pg_catalog.pg_authid TO " + Monitor + ";",
	}
}

// singleUser executes statements on a cluster that is not running, in database
// postgres, without any port or password.
func singleUser(ctx context.Context, t tool, dataDir string, statements []string) error {
	t.stdin = strings.Join(statements, "\n") + "\n"
	return t.run(ctx, "postgres", "--single", "-D", dataDir,
		"-c", "exit_on_error=on", "-c", "fsync=off", "-c", "password_encryption=scram-sha-256",
		"-c", "shared_preload_libraries=", "-c", "synchronous_standby_names=", "-c", "log_checkpoints=off", "postgres")
}
