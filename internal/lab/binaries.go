package lab

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
)

// oldestMajor is the first version whose pg_rewind writes recovery settings
// and recovers a crashed target itself, and whose standbys can be repointed by
// a reload.
const oldestMajor = 13

// binaries is one PostgreSQL installation.
type binaries struct {
	dir     string // where postgres, initdb, pg_ctl … are
	version string // the output of postgres --version
	major   int
}

// tools are the programs a lab runs. Client-only packages lack the server's.
func tools() []string {
	return []string{"postgres", "initdb", "pg_ctl", "pg_basebackup", "pg_rewind", "pg_resetwal"}
}

// path of one program.
func (b *binaries) path(tool string) string { return filepath.Join(b.dir, tool) }

// findBinaries looks at dir, or where packages put PostgreSQL when dir is "".
func findBinaries(ctx context.Context, dir string) (*binaries, error) {
	if dir != "" {
		return inspectBinaries(ctx, dir)
	}
	for _, candidate := range binaryDirs() {
		if missingTool(candidate) == "" {
			return inspectBinaries(ctx, candidate)
		}
	}
	return nil, errors.New("PostgreSQL's server programs are not installed: run `make setup`, " +
		"install your system's postgresql package, or name their directory with --pg-bin")
}

// binaryDirs lists where PostgreSQL's programs may be, the newest version first.
func binaryDirs() []string {
	var dirs []string
	for _, pattern := range []string{
		"/usr/lib/postgresql/*/bin",          // Debian and Ubuntu
		"/usr/pgsql-*/bin",                   // PostgreSQL's packages for Red Hat
		"/opt/homebrew/opt/postgresql@*/bin", // Homebrew
		"/usr/local/opt/postgresql@*/bin",
		"/usr/local/pgsql/bin", // from source
	} {
		found, err := filepath.Glob(pattern)
		if err != nil {
			continue // cannot happen: the patterns are constant and well formed
		}
		slices.SortFunc(found, func(a, b string) int { return versionInPath(b) - versionInPath(a) })
		dirs = append(dirs, found...)
	}
	if p, err := exec.LookPath("postgres"); err == nil {
		dirs = append(dirs, filepath.Dir(p))
	}
	return dirs
}

// versionInPath reads the number out of a path such as /usr/lib/postgresql/15/bin.
func versionInPath(dir string) int {
	base := filepath.Base(filepath.Dir(dir))
	n, err := strconv.Atoi(strings.TrimLeftFunc(base, func(r rune) bool { return r < '0' || r > '9' }))
	if err != nil {
		return 0
	}
	return n
}

// missingTool names the first program dir lacks, "" when it has all.
func missingTool(dir string) string {
	for _, tool := range tools() {
		info, err := os.Stat(filepath.Join(dir, tool))
		if err != nil || info.IsDir() || info.Mode()&0o111 == 0 {
			return tool
		}
	}
	return ""
}

// inspectBinaries checks one directory and asks its server for the version.
func inspectBinaries(ctx context.Context, dir string) (*binaries, error) {
	dir, err := filepath.Abs(dir)
	if err != nil {
		return nil, fmt.Errorf("resolve %s: %w", dir, err)
	}
	if tool := missingTool(dir); tool != "" {
		return nil, fmt.Errorf("%s has no program %s: name the directory of a PostgreSQL server with --pg-bin", dir, tool)
	}
	out, err := exec.CommandContext(ctx, filepath.Join(dir, "postgres"), "--version").Output()
	if err != nil {
		return nil, fmt.Errorf("run %s/postgres --version: %w", dir, err)
	}
	b := &binaries{dir: dir, version: strings.TrimSpace(string(out))}
	if b.major, err = parseMajor(b.version); err != nil {
		return nil, err
	}
	if b.major < oldestMajor {
		return nil, fmt.Errorf("%s is too old: the lab needs PostgreSQL %d or newer", b.version, oldestMajor)
	}
	return b, nil
}

// parseMajor reads 15 from "postgres (PostgreSQL) 15.8 (Debian …)" and 18 from
// "postgres (PostgreSQL) 18beta1".
func parseMajor(version string) (int, error) {
	_, rest, ok := strings.Cut(version, "(PostgreSQL) ")
	digits := 0
	for digits < len(rest) && rest[digits] >= '0' && rest[digits] <= '9' {
		digits++
	}
	major, err := strconv.Atoi(rest[:digits])
	if !ok || err != nil {
		return 0, fmt.Errorf("no version number in %q", version)
	}
	return major, nil
}

// hasLibrary reports whether a loadable module, such as pg_stat_statements, is
// installed: contrib is a package of its own on some systems.
func (b *binaries) hasLibrary(ctx context.Context, name string) bool {
	dirs := []string{
		filepath.Join(b.dir, "..", "lib"),
		filepath.Join(b.dir, "..", "lib", "postgresql"),
	}
	if out, err := exec.CommandContext(ctx, b.path("pg_config"), "--pkglibdir").Output(); err == nil {
		dirs = append([]string{strings.TrimSpace(string(out))}, dirs...)
	}
	for _, dir := range dirs {
		for _, suffix := range []string{".so", ".dylib"} {
			if _, err := os.Stat(filepath.Join(dir, name+suffix)); err == nil {
				return true
			}
		}
	}
	return false
}
