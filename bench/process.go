package bench

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// stopLimit bounds an orderly end of a program before it is killed.
const stopLimit = 10 * time.Second

// program is what to run.
type program struct {
	path string
	args []string
	dir  string // working directory, which also takes its log
	as   account
	// end is the signal for an orderly but prompt end, SIGTERM when 0. One that
	// forks needs it at our death as well: SIGKILL would orphan its children.
	end syscall.Signal
}

// process is a program that runs.
type process struct {
	name string
	pid  int
	log  string
	end  syscall.Signal
	done chan struct{} // closed when it has ended
}

// start runs a program until it is stopped or this process dies. The kernel
// tells a child of its parent's death when the thread that forked it ends, so
// the goroutine keeps that thread until the child's end.
func (p program) start() (*process, error) {
	name := filepath.Base(p.path)
	path := filepath.Join(p.dir, name+".log")
	log, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_APPEND, 0o600)
	if err != nil {
		return nil, err
	}
	defer log.Close()
	cmd := exec.Command(p.path, p.args...)
	cmd.Dir, cmd.Env = p.dir, cleanEnv()
	cmd.Stdout, cmd.Stderr = log, log
	cmd.SysProcAttr = childAttributes(p.as, cmp.Or(p.end, syscall.SIGKILL))
	run := &process{name: name, log: path, end: cmp.Or(p.end, syscall.SIGTERM), done: make(chan struct{})}
	started := make(chan error, 1)
	go func() {
		runtime.LockOSThread()
		defer runtime.UnlockOSThread()
		defer close(run.done)
		err := cmd.Start()
		started <- err
		if err == nil {
			_ = cmd.Wait() // its log says more than its status
		}
	}()
	if err := <-started; err != nil {
		return nil, fmt.Errorf("start %s: %w", name, err)
	}
	run.pid = cmd.Process.Pid
	return run, nil
}

// stop ends the program, by force when it does not end by itself.
func (p *process) stop() {
	_ = syscall.Kill(p.pid, p.end) // it may have ended
	limit := time.NewTimer(stopLimit)
	defer limit.Stop()
	select {
	case <-p.done:
	case <-limit.C:
		_ = syscall.Kill(p.pid, syscall.SIGKILL)
		<-p.done
	}
}

// ended reports what the program said, if it is not running any more.
func (p *process) ended() error {
	select {
	case <-p.done:
		return fmt.Errorf("%s ended by itself: %s", p.name, p.tail())
	default:
		return nil
	}
}

// tail is the end of the log.
func (p *process) tail() string {
	content, err := os.ReadFile(p.log)
	if err != nil {
		return err.Error()
	}
	const most = 1000
	return strings.TrimSpace(string(content[max(0, len(content)-most):]))
}

// cleanEnv is our environment without what would lead libpq or pgroute
// elsewhere, and with messages in English, which are parsed.
func cleanEnv() []string {
	env := []string{"LC_ALL=C"}
	for _, kv := range os.Environ() {
		if name, _, _ := strings.Cut(kv, "="); !strings.HasPrefix(name, "PG") && name != "LC_ALL" {
			env = append(env, kv)
		}
	}
	return env
}

// account is the system user that rivals run as. PgBouncer refuses to be root,
// so root hands all of them to an unprivileged user.
type account struct {
	uid, gid int
	switched bool
}

func rivalAccount() (account, error) {
	if os.Geteuid() != 0 {
		return account{}, nil
	}
	for _, name := range []string{"postgres", "nobody"} {
		u, err := user.Lookup(name)
		if err != nil {
			continue
		}
		uid, errU := strconv.Atoi(u.Uid)
		gid, errG := strconv.Atoi(u.Gid)
		if err := errors.Join(errU, errG); err == nil {
			return account{uid: uid, gid: gid, switched: true}, nil
		}
	}
	return account{}, errors.New("rivals do not run as root and there is neither a user postgres nor nobody")
}

// own gives a file or directory to the account.
func (a account) own(path string) error {
	if !a.switched {
		return nil
	}
	return os.Chown(path, a.uid, a.gid)
}

// poll calls f until it reports true or fails, or ctx ends.
func poll(ctx context.Context, every time.Duration, f func() (bool, error)) error {
	tick := time.NewTicker(every)
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
