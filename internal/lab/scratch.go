package lab

import (
	"os"
	"syscall"
)

const (
	sharedMemory = "/dev/shm"
	// enoughMemory is what must be free there: a node takes up to 100 MB, and
	// tests run many labs at once.
	enoughMemory = 4 << 30
)

// ScratchDir is where small throw-away clusters are quickest: in memory where
// there is plenty, since making and deleting a thousand files per node is most
// of a start's cost on a disk. TMPDIR, when set, is obeyed.
func ScratchDir() string {
	if os.Getenv("TMPDIR") != "" || !hasRoom(sharedMemory) {
		return os.TempDir()
	}
	return sharedMemory
}

// hasRoom reports whether dir can be written and has enough free space.
func hasRoom(dir string) bool {
	var fs syscall.Statfs_t
	if err := syscall.Statfs(dir, &fs); err != nil || uint64(fs.Bavail)*uint64(fs.Bsize) < enoughMemory {
		return false
	}
	probe, err := os.MkdirTemp(dir, "pgroute-probe-*")
	if err != nil {
		return false
	}
	return os.Remove(probe) == nil
}
