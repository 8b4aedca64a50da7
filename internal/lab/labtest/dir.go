package labtest

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/pgroute/pgroute/internal/lab"
)

// TempDir makes a directory that is deleted with the test and that the servers'
// system user may pass through, which testing's own is not when root runs tests.
func TempDir(t testing.TB) string {
	t.Helper()
	dir, err := os.MkdirTemp(lab.ScratchDir(), prefix+"dir-*")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	if err := os.Chmod(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	return dir
}

// patterns match the directories of all tests' labs, in memory and on disk.
func patterns() []string {
	return []string{filepath.Join(lab.ScratchDir(), prefix+"*"), filepath.Join(os.TempDir(), prefix+"*")}
}
