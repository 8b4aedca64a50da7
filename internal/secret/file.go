package secret

import (
	"fmt"
	"io"
	"io/fs"
	"os"
	"syscall"
)

// maxFile bounds a file of secrets, in bytes.
const maxFile = 16 << 20

// ReadFile reads a file that holds secrets. It refuses one that other users
// may read, by the rule PostgreSQL has for private keys: no access for group
// and others, or, owned by root, at most read access for the group.
func ReadFile(path string) ([]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer func() { _ = f.Close() }()
	info, err := f.Stat()
	if err != nil {
		return nil, err
	}
	if err := private(path, info); err != nil {
		return nil, err
	}
	data, err := io.ReadAll(io.LimitReader(f, maxFile+1))
	if err == nil && len(data) > maxFile {
		return nil, fmt.Errorf("%s: larger than %d bytes", path, maxFile)
	}
	return data, err
}

// private checks kind, owner and permissions.
func private(path string, info fs.FileInfo) error {
	const forbidden, forbiddenToRoots = 0o077, 0o037
	mode := info.Mode()
	stat, known := info.Sys().(*syscall.Stat_t)
	ofRoot := known && stat.Uid == 0
	switch {
	case !mode.IsRegular():
		return fmt.Errorf("%s: not a regular file", path)
	case mode.Perm()&forbidden == 0, ofRoot && mode.Perm()&forbiddenToRoots == 0:
		return nil
	}
	return fmt.Errorf("%s: has group or world access (mode %04o); run: chmod 600 %s", path, mode.Perm(), path)
}
