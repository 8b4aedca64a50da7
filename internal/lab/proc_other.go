//go:build !linux

package lab

import (
	"fmt"
	"os/exec"
	"strconv"
	"strings"
	"syscall"
)

// sysProc makes a server process in a session of its own. Without Linux's
// parent-death signal, nodes survive a lab that is killed; the next Start in
// the same directory stops them.
func sysProc(as account, _ syscall.Signal) *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Setsid: true, Credential: as.credential()}
}

// serverProcesses lists the postmaster of a data directory and its children.
func serverProcesses(dataDir string) ([]int, error) {
	postmaster, err := readPostmasterPID(dataDir)
	if err != nil || !isServer(postmaster.pid, dataDir) {
		return nil, nil //nolint:nilerr // no postmaster.pid means no server
	}
	out, err := exec.Command("ps", "-A", "-o", "pid=", "-o", "ppid=").Output()
	if err != nil {
		return nil, fmt.Errorf("list processes: %w", err)
	}
	pids := []int{postmaster.pid}
	for line := range strings.Lines(string(out)) {
		var pid, parent int
		if _, err := fmt.Sscan(line, &pid, &parent); err == nil && parent == postmaster.pid {
			pids = append(pids, pid)
		}
	}
	return pids, nil
}

// isServer reports whether pid is the postmaster of dataDir, by its command line.
func isServer(pid int, dataDir string) bool {
	line := commandLine(pid)
	return strings.Contains(line, "postgres") && strings.Contains(line, dataDir)
}

// exited reports whether a process has ended: it is gone or a zombie.
func exited(pid int) bool {
	out, err := exec.Command("ps", "-o", "state=", "-p", strconv.Itoa(pid)).Output()
	return err != nil || strings.HasPrefix(strings.TrimSpace(string(out)), "Z")
}

// commandLine returns the arguments of a process, or "".
func commandLine(pid int) string {
	out, err := exec.Command("ps", "-o", "command=", "-p", strconv.Itoa(pid)).Output()
	if err != nil {
		return ""
	}
	return strings.TrimSpace(string(out))
}

// removeSharedMemory is for Linux; elsewhere the next postmaster of the same
// directory removes the segment, or a reboot.
func removeSharedMemory(int, account) {}
