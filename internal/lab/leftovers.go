package lab

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"time"
)

// ErrRunning says that another process runs a lab in the directory.
var ErrRunning = errors.New("a lab is running")

func runningError(dir string) error {
	pid := "unknown"
	if s, err := readState(dir); err == nil {
		pid = fmt.Sprint(s.PID)
	}
	return fmt.Errorf("%w in %s (pid %s): stop it with Ctrl-C there, or choose another directory with --dir", ErrRunning, dir, pid)
}

// checkOurs refuses a directory with content that no lab put there: it will be
// emptied.
func checkOurs(dir string) error {
	entries, err := os.ReadDir(dir)
	if err != nil || len(entries) == 0 {
		return err
	}
	for _, e := range entries {
		if e.Name() == stateFile || e.Name() == lockFile {
			return nil
		}
	}
	return fmt.Errorf("%s is not empty and not a lab's: choose another directory with --dir", dir)
}

// clearLeftovers ends every process that a crashed run left in the directory
// and empties it. The caller holds the directory's lock.
func clearLeftovers(ctx context.Context, dir string, as account, log *slog.Logger) error {
	stopOldProxy(ctx, dir, log)
	entries, err := os.ReadDir(dir)
	if err != nil {
		return err
	}
	for _, e := range entries {
		path := filepath.Join(dir, e.Name())
		if e.Name() == lockFile {
			continue
		}
		if e.IsDir() {
			if err := stopOrphans(ctx, path, as, log); err != nil {
				return err
			}
		}
		if err := os.RemoveAll(path); err != nil {
			return fmt.Errorf("remove what an earlier run left: %w", err)
		}
	}
	return nil
}

// stopOrphans ends servers that still run in a data directory. Only processes
// found there by their working directory are touched, never a pid that
// postmaster.pid alone names.
func stopOrphans(ctx context.Context, dataDir string, as account, log *slog.Logger) error {
	pids, err := serverProcesses(dataDir)
	if err != nil {
		return err
	}
	limited, cancel := context.WithTimeout(ctx, stopLimit)
	defer cancel()
	if len(pids) > 0 {
		log.Info("stopping servers of an earlier run", "dir", dataDir, "processes", len(pids))
		if err := killAll(limited, dataDir); err != nil {
			return fmt.Errorf("stop servers of an earlier run in %s: %w", dataDir, err)
		}
	}
	if p, err := readPostmasterPID(dataDir); err == nil && p.shmID != 0 {
		removeSharedMemory(p.shmID, as)
	}
	return nil
}

// stopOldProxy ends the proxy of an earlier run, recognised by its command line,
// which names the configuration file in this directory.
func stopOldProxy(ctx context.Context, dir string, log *slog.Logger) {
	s, err := readState(dir)
	if err != nil || s.Proxy == nil {
		return
	}
	ours := func() bool {
		return strings.Contains(commandLine(s.Proxy.PID), filepath.Join(dir, proxyConfigFile))
	}
	if !ours() {
		return
	}
	log.Info("stopping the proxy of an earlier run", "pid", s.Proxy.PID)
	syscall.Kill(s.Proxy.PID, syscall.SIGKILL)
	limited, cancel := context.WithTimeout(ctx, stopLimit)
	defer cancel()
	// Its port matters, and checking that comes next with a message of its own.
	_ = poll(limited, func() (bool, error) { return !ours(), nil })
}

// removeDir deletes what the lab made. A directory that was there before stays,
// empty.
func (l *Lab) removeDir() error {
	entries, err := os.ReadDir(l.Dir)
	if err != nil {
		return err
	}
	for _, e := range entries {
		if err := os.RemoveAll(filepath.Join(l.Dir, e.Name())); err != nil {
			return err
		}
	}
	if l.created {
		return os.Remove(l.Dir)
	}
	return nil
}

// Sweep removes labs that crashed runs left in directories matching pattern, a
// filepath.Glob pattern, and that are older than age: younger ones may just be
// starting. Labs in use, and what is not a lab's, are left alone.
func Sweep(ctx context.Context, pattern string, age time.Duration) error {
	dirs, err := filepath.Glob(pattern)
	if err != nil {
		return err
	}
	as, err := serverAccount()
	if err != nil {
		return err
	}
	var errs []error
	for _, dir := range dirs {
		info, err := os.Lstat(dir)
		if err != nil || time.Since(info.ModTime()) < age || checkOwned(dir) != nil {
			continue
		}
		errs = append(errs, sweepOne(ctx, dir, as))
	}
	return errors.Join(errs...)
}

func sweepOne(ctx context.Context, dir string, as account) error {
	if checkOurs(dir) != nil {
		return nil
	}
	lock, err := tryLock(filepath.Join(dir, lockFile))
	if errors.Is(err, errLocked) || errors.Is(err, os.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	defer lock.unlock()
	if err := clearLeftovers(ctx, dir, as, slog.New(slog.DiscardHandler)); err != nil {
		return err
	}
	return os.RemoveAll(dir)
}
