package labtest

import (
	"os"
	"path/filepath"
	"syscall"
)

const (
	sharedMemory = "/dev/shm"
	// enoughMemory is what must be free there: a node takes up to 100 MB, and
	// many labs run at once.
	enoughMemory = 4 << 30
)

// baseDir is where tests' clusters live: in memory where there is plenty, since
// making and deleting a thousand files per node is most of a start's cost on a
// disk. TMPDIR, when set, is obeyed.
func baseDir() string {
	if os.Getenv("TMPDIR") != "" {
		return os.TempDir()
	}
	var fs syscall.Statfs_t
	if err := syscall.Statfs(sharedMemory, &fs); err != nil || uint64(fs.Bavail)*uint64(fs.Bsize) < enoughMemory {
		return os.TempDir()
	}
	probe, err := os.MkdirTemp(sharedMemory, prefix+"*")
	if err != nil {
		return os.TempDir()
	}
	os.Remove(probe)
	return sharedMemory
}

// makeDir makes the directory of one lab.
func makeDir() (string, error) { return os.MkdirTemp(baseDir(), prefix+"*") }

// patterns match the directories of all tests' labs, here and there.
func patterns() []string {
	return []string{filepath.Join(sharedMemory, prefix+"*"), filepath.Join(os.TempDir(), prefix+"*")}
}
