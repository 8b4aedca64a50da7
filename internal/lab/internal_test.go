package lab

import (
	"context"
	"encoding/binary"
	"hash/crc32"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"testing"
)

// TestTemplateIsMadeOnceAndMended lets several labs want a template that nobody
// made yet, then damages it in the ways a disk or a cleaner does.
func TestTemplateIsMadeOnceAndMended(t *testing.T) {
	t.Parallel()
	base, tmpl := privateTemplate(t)
	var wg sync.WaitGroup
	for _, name := range []string{"a", "b", "c"} {
		wg.Go(func() {
			if err := tmpl.copyTo(t.Context(), filepath.Join(base, name)); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	whole, err := digestTree(filepath.Join(base, "a"))
	if err != nil {
		t.Fatal(err)
	}
	damages := map[string]func(path string) error{
		"file lost":    os.Remove,
		"file changed": func(path string) error { return os.WriteFile(path, []byte("x"), 0o600) },
	}
	for name, damage := range damages {
		if err := damage(filepath.Join(tmpl.dir, "PG_VERSION")); err != nil {
			t.Fatal(err)
		}
		if err := tmpl.copyTo(t.Context(), filepath.Join(base, name)); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		got, err := digestTree(filepath.Join(base, name))
		if err != nil || got.Files != whole.Files {
			t.Errorf("%s: the copy has %d files of %d: %v", name, got.Files, whole.Files, err)
		}
	}
}

// privateTemplate is a template outside of the cache that real labs use.
func privateTemplate(t *testing.T) (string, *template) {
	t.Helper()
	base, err := os.MkdirTemp(ScratchDir(), "pgroute-labtest-dir-*")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(base) })
	if err := os.Chmod(base, 0o755); err != nil {
		t.Fatal(err)
	}
	bin, err := findBinaries(context.Background(), "")
	if err != nil {
		t.Fatal(err)
	}
	as, err := serverAccount()
	if err != nil {
		t.Fatal(err)
	}
	return base, &template{bin: bin, as: as, dir: filepath.Join(base, "template")}
}

func TestPatchedIdentityKeepsAValidChecksum(t *testing.T) {
	t.Parallel()
	table := crc32.MakeTable(crc32.Castagnoli)
	control := make([]byte, 512)
	for i := range control[:292] {
		control[i] = byte(i * 7)
	}
	binary.NativeEndian.PutUint32(control[288:], crc32.Checksum(control[:288], table))
	const id = 7301444402342342342
	if err := patchIdentity(control, id); err != nil {
		t.Fatal(err)
	}
	if got := binary.NativeEndian.Uint64(control); got != id {
		t.Errorf("identifier is %d", got)
	}
	if got := crcOffset(control, table); got != 288 {
		t.Errorf("the checksum is valid at %d, not 288", got)
	}
	control[100]++
	if err := patchIdentity(control, id); err == nil {
		t.Error("a damaged pg_control was patched")
	}
}

func TestVersionsAreRead(t *testing.T) {
	t.Parallel()
	for version, want := range map[string]int{
		"postgres (PostgreSQL) 15.18 (Debian 15.18-0+deb12u1)": 15,
		"postgres (PostgreSQL) 18beta1":                        18,
		"postgres (PostgreSQL) 9.6.24":                         9,
		"something else":                                       0,
		"":                                                     0,
	} {
		if got, err := parseMajor(version); got != want || (err != nil) != (want == 0) {
			t.Errorf("%q: %d, %v; want %d", version, got, err, want)
		}
	}
	dirs := []string{"/usr/lib/postgresql/9/bin", "/usr/pgsql-17/bin", "/usr/lib/postgresql/18/bin", "/usr/local/pgsql/bin"}
	slices.SortFunc(dirs, func(a, b string) int { return versionInPath(b) - versionInPath(a) })
	if dirs[0] != "/usr/lib/postgresql/18/bin" || dirs[3] != "/usr/local/pgsql/bin" {
		t.Errorf("newest first: %q", dirs)
	}
}

func TestStalePostmasterPIDIsNoServer(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	// Process 1 lives, but is no server in dir.
	content := []byte("1\n/somewhere\n1700000000\n6500\n\n127.0.0.1\n 123456 789\nready   \n")
	if err := os.WriteFile(filepath.Join(dir, "postmaster.pid"), content, 0o600); err != nil {
		t.Fatal(err)
	}
	if pid := runningPID(dir); pid != 0 {
		t.Errorf("process %d passes for a server", pid)
	}
	p, err := readPostmasterPID(dir)
	if err != nil || p.pid != 1 || p.shmID != 789 || p.status != "ready" {
		t.Errorf("read %+v, %v", p, err)
	}
}
