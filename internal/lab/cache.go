package lab

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"syscall"
)

// cacheDir is where templates and port reservations are shared by all labs of
// this user. Root's own cache lies below /root, where the server account cannot
// go, so root uses the system's.
func cacheDir() (string, error) {
	for _, dir := range cacheCandidates() {
		if err := usableDir(dir); err == nil {
			return dir, nil
		}
	}
	return "", fmt.Errorf("no cache directory: none of %q can be made and is ours alone", cacheCandidates())
}

func cacheCandidates() []string {
	fallback := filepath.Join(os.TempDir(), "pgroute-cache-"+strconv.Itoa(os.Geteuid()))
	if os.Geteuid() == 0 {
		return []string{"/var/cache/pgroute", fallback}
	}
	if dir, err := os.UserCacheDir(); err == nil {
		return []string{filepath.Join(dir, "pgroute"), fallback}
	}
	return []string{fallback}
}

// usableDir makes dir and checks that nobody else could have put things there.
// Anybody may pass through: the server account has to.
func usableDir(dir string) error {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	if err := checkOwned(dir); err != nil {
		return err
	}
	probe, err := os.MkdirTemp(dir, "probe-*")
	if err != nil {
		return err
	}
	return os.Remove(probe)
}

// checkOwned rejects a directory that is not one, is a link, or belongs to
// another user: below a shared temporary directory anybody may have made it.
func checkOwned(dir string) error {
	info, err := os.Lstat(dir)
	if err != nil {
		return err
	}
	if !info.IsDir() {
		return fmt.Errorf("%s is not a directory", dir)
	}
	st, ok := info.Sys().(*syscall.Stat_t)
	if !ok {
		return errors.New("no owner known for " + dir)
	}
	if int(st.Uid) != os.Geteuid() {
		return fmt.Errorf("%s belongs to another user (uid %d)", dir, st.Uid)
	}
	return nil
}
