package lab

import (
	"context"
	"errors"
	"fmt"
	"os"
	"syscall"
	"time"
)

// errLocked says that another process, or another lab here, holds the lock.
var errLocked = errors.New("locked")

// fileLock is an exclusive lock that ends with its holder, however it dies:
// the kernel releases it with the last descriptor, and children get none.
type fileLock struct{ f *os.File }

// tryLock takes the lock at path or returns errLocked.
func tryLock(path string) (*fileLock, error) {
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, err
	}
	if err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
		f.Close()
		if errors.Is(err, syscall.EWOULDBLOCK) {
			return nil, errLocked
		}
		return nil, fmt.Errorf("lock %s: %w", path, err)
	}
	if !samePath(f, path) {
		// The holder before us deleted the file between our open and our lock.
		f.Close()
		return tryLock(path)
	}
	return &fileLock{f}, nil
}

// lockWait takes the lock at path, waiting for the holder until ctx ends.
func lockWait(ctx context.Context, path string) (*fileLock, error) {
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for {
		l, err := tryLock(path)
		if !errors.Is(err, errLocked) {
			return l, err
		}
		select {
		case <-ctx.Done():
			return nil, fmt.Errorf("wait for lock %s: %w", path, ctx.Err())
		case <-tick.C:
		}
	}
}

func samePath(f *os.File, path string) bool {
	mine, err := f.Stat()
	if err != nil {
		return false
	}
	there, err := os.Lstat(path)
	return err == nil && os.SameFile(mine, there)
}

// unlock releases the lock. The file stays: deleting it is the business of
// whoever deletes the directory.
func (l *fileLock) unlock() {
	if l != nil {
		l.f.Close()
	}
}
