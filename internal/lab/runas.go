package lab

import (
	"errors"
	"fmt"
	"os"
	"os/user"
	"path/filepath"
	"strconv"
	"syscall"
)

// account is the system user PostgreSQL's processes run as. PostgreSQL refuses
// to run as root, so root hands its processes to an unprivileged user; anybody
// else runs them as himself.
type account struct {
	uid, gid int
	name     string
	switched bool // the processes run as somebody else than we do
}

// serverAccount chooses the account: ourselves, or postgres, or nobody.
func serverAccount() (account, error) {
	if os.Geteuid() != 0 {
		return account{uid: os.Geteuid(), gid: os.Getegid(), name: strconv.Itoa(os.Geteuid())}, nil
	}
	for _, name := range []string{"postgres", "nobody"} {
		if a, err := lookupAccount(name); err == nil {
			return a, nil
		}
	}
	return account{}, errors.New("PostgreSQL does not run as root and there is neither a user postgres nor nobody: " +
		"add one (useradd --system postgres) or run the lab as an ordinary user")
}

func lookupAccount(name string) (account, error) {
	u, err := user.Lookup(name)
	if err != nil {
		return account{}, fmt.Errorf("look up user %s: %w", name, err)
	}
	uid, err := strconv.Atoi(u.Uid)
	if err != nil {
		return account{}, fmt.Errorf("user %s: uid %q: %w", name, u.Uid, err)
	}
	gid, err := strconv.Atoi(u.Gid)
	if err != nil {
		return account{}, fmt.Errorf("user %s: gid %q: %w", name, u.Gid, err)
	}
	return account{uid: uid, gid: gid, name: name, switched: true}, nil
}

// credential is what a process needs to run as the account, nil for ourselves.
func (a account) credential() *syscall.Credential {
	if !a.switched {
		return nil
	}
	return &syscall.Credential{Uid: uint32(a.uid), Gid: uint32(a.gid)}
}

// mkdir makes a directory that only the account may enter.
func (a account) mkdir(dir string) error {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return err
	}
	return a.own(dir)
}

// own gives one file or directory to the account.
func (a account) own(path string) error {
	if !a.switched {
		return nil
	}
	return os.Lchown(path, a.uid, a.gid)
}

// writeFile writes a file of the account's at once: readers see the old
// content or the new one.
func (a account) writeFile(path string, content []byte) error {
	tmp := path + ".new"
	if err := os.WriteFile(tmp, content, 0o600); err != nil {
		return err
	}
	if err := a.own(tmp); err != nil {
		return err
	}
	return os.Rename(tmp, path)
}

// checkReachable reports which directory on the way to dir the account may
// not pass. Root's own directories (0700) are the usual case.
func (a account) checkReachable(dir string) error {
	if !a.switched {
		return nil
	}
	for d := dir; ; d = filepath.Dir(d) {
		info, err := os.Stat(d)
		if err != nil {
			return err
		}
		if !a.maySearch(info) {
			return fmt.Errorf("user %s, who runs PostgreSQL's processes because root must not, cannot enter %s: "+
				"choose another directory (--dir), for example below %s", a.name, d, os.TempDir())
		}
		if d == filepath.Dir(d) {
			return nil
		}
	}
}

func (a account) maySearch(info os.FileInfo) bool {
	st, ok := info.Sys().(*syscall.Stat_t)
	if !ok {
		return true
	}
	switch mode := info.Mode().Perm(); {
	case int(st.Uid) == a.uid:
		return mode&0o100 != 0
	case int(st.Gid) == a.gid:
		return mode&0o010 != 0
	default:
		return mode&0o001 != 0
	}
}
