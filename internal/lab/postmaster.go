package lab

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// pollEvery is how often a process or a file is looked at while waiting for it:
// short against what is waited for, and cheap.
const pollEvery = 5 * time.Millisecond

// postmasterPID is what a postmaster writes to postmaster.pid
// (src/include/utils/pidfile.h).
type postmasterPID struct {
	pid    int
	shmID  int    // System V shared memory segment, 0 when unknown
	status string // "starting", "stopping", "ready", "standby", or ""
}

func readPostmasterPID(dataDir string) (postmasterPID, error) {
	content, err := os.ReadFile(filepath.Join(dataDir, "postmaster.pid"))
	if err != nil {
		return postmasterPID{}, err
	}
	lines := strings.Split(string(content), "\n")
	pid, err := strconv.Atoi(strings.TrimSpace(lines[0]))
	if err != nil {
		return postmasterPID{}, fmt.Errorf("%s/postmaster.pid: %w", dataDir, err)
	}
	if pid < 0 {
		pid = -pid // a single-user server
	}
	p := postmasterPID{pid: pid}
	if len(lines) > 6 {
		if fields := strings.Fields(lines[6]); len(fields) == 2 {
			p.shmID, _ = strconv.Atoi(fields[1]) // stays 0, unknown
		}
	}
	if len(lines) > 7 {
		p.status = strings.TrimSpace(lines[7])
	}
	return p, nil
}

// runningPID returns the postmaster of a data directory, 0 when none runs. A
// postmaster.pid whose process is gone, or is another program by now, is stale.
func runningPID(dataDir string) int {
	p, err := readPostmasterPID(dataDir)
	if err != nil || !isServer(p.pid, dataDir) {
		return 0
	}
	return p.pid
}

// server is a postmaster that this process started.
type server struct {
	pid  int
	done chan struct{} // closed when it has ended
	err  error         // how it ended; read after done
}

// startServer launches a postmaster. With tied it is stopped when we die.
//
// The kernel sends the parent-death signal when the *thread* that forked ends,
// so the goroutine that starts the server keeps its thread until the end of it.
func startServer(cmd *exec.Cmd) (*server, error) {
	s := &server{done: make(chan struct{})}
	started := make(chan error, 1)
	go func() {
		runtime.LockOSThread()
		defer runtime.UnlockOSThread()
		err := cmd.Start()
		started <- err
		if err == nil {
			s.err = cmd.Wait()
		}
		close(s.done)
	}()
	if err := <-started; err != nil {
		return nil, err
	}
	s.pid = cmd.Process.Pid
	return s, nil
}

// postmasterCommand prepares the server of a data directory, logging to log.
func postmasterCommand(bin *binaries, as account, dataDir string, log *os.File, tied bool) *exec.Cmd {
	cmd := exec.Command(bin.path("postgres"), "-D", dataDir)
	cmd.Dir = dataDir
	cmd.Env = toolEnv()
	cmd.Stdout, cmd.Stderr = log, log
	var death syscall.Signal
	if tied {
		death = syscall.SIGQUIT // immediate shutdown: children end, shared memory is freed
	}
	cmd.SysProcAttr = sysProc(as, death)
	return cmd
}

// awaitReady waits until the server accepts connections: for a standby that is
// when it reached consistency.
func (s *server) awaitReady(ctx context.Context, dataDir string) error {
	return poll(ctx, func() (bool, error) {
		select {
		case <-s.done:
			return false, fmt.Errorf("the server ended: %w", errors.Join(s.err, errEnded))
		default:
		}
		p, err := readPostmasterPID(dataDir)
		return err == nil && p.pid == s.pid && p.status == "ready", nil
	})
}

// errEnded accompanies a server's exit, which may itself be without error.
var errEnded = errors.New("not running")

// awaitGone waits until no process of the data directory is left. A postmaster
// ends after its children, so it is watched alone before all are looked for.
func awaitGone(ctx context.Context, dataDir string) error {
	return poll(ctx, func() (bool, error) {
		if runningPID(dataDir) != 0 {
			return false, nil
		}
		pids, err := serverProcesses(dataDir)
		return len(pids) == 0, err
	})
}

// killAll kills every process of a data directory the way a crash does: nobody
// gets to write, reply or clean up. The postmaster is stopped first, so that it
// can neither start new children nor notice the death of the old ones. When it
// returns, their sockets are closed: a dying process is no server any more
// some time before that, and what a client sends meanwhile is still taken in.
func killAll(ctx context.Context, dataDir string) error {
	if pid := runningPID(dataDir); pid != 0 {
		syscall.Kill(pid, syscall.SIGSTOP)
	}
	dying := map[int]bool{}
	return poll(ctx, func() (bool, error) {
		pids, err := serverProcesses(dataDir)
		for _, pid := range pids {
			dying[pid] = true
			syscall.Kill(pid, syscall.SIGKILL)
		}
		maps.DeleteFunc(dying, func(pid int, _ bool) bool { return exited(pid) })
		return len(pids)+len(dying) == 0, err
	})
}

// poll calls f until it reports true or fails, or ctx ends.
func poll(ctx context.Context, f func() (bool, error)) error {
	tick := time.NewTicker(pollEvery)
	defer tick.Stop()
	for {
		done, err := f()
		if done || err != nil {
			return err
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-tick.C:
		}
	}
}
