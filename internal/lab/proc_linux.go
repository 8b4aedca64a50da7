package lab

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"syscall"

	"golang.org/x/sys/unix"
)

// sysProc makes a server process: in a session of its own, so that Ctrl-C on
// the terminal reaches the lab only, and told by signal death when the thread
// that started it dies. Death 0 lets it outlive us.
func sysProc(as account, death syscall.Signal) *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Setsid: true, Credential: as.credential(), Pdeathsig: death}
}

// serverProcesses lists the PostgreSQL processes that run in a data directory:
// the postmaster and all its children make it their working directory, and
// children whose postmaster was killed are found too.
func serverProcesses(dataDir string) ([]int, error) {
	entries, err := os.ReadDir("/proc")
	if err != nil {
		return nil, fmt.Errorf("list processes: %w", err)
	}
	var pids []int
	for _, e := range entries {
		pid, err := strconv.Atoi(e.Name())
		if err == nil && isServer(pid, dataDir) {
			pids = append(pids, pid)
		}
	}
	return pids, nil
}

// isServer reports whether pid is a PostgreSQL process in dataDir. A zombie has
// no working directory and so is none.
func isServer(pid int, dataDir string) bool {
	proc := filepath.Join("/proc", strconv.Itoa(pid))
	cwd, err := os.Readlink(filepath.Join(proc, "cwd"))
	if err != nil || cwd != dataDir {
		return false
	}
	comm, err := os.ReadFile(filepath.Join(proc, "comm"))
	return err == nil && string(bytes.TrimSpace(comm)) == "postgres"
}

// exited reports whether a PostgreSQL process has ended and given up all it
// had: it is gone, or a zombie, or its number is another's by now.
func exited(pid int) bool {
	stat, err := os.ReadFile(filepath.Join("/proc", strconv.Itoa(pid), "stat"))
	return err != nil || !bytes.Contains(stat, []byte("(postgres) ")) ||
		bytes.Contains(stat, []byte("(postgres) Z")) || bytes.Contains(stat, []byte("(postgres) X"))
}

// commandLine returns the arguments of a process, separated by spaces, or "".
func commandLine(pid int) string {
	args, err := os.ReadFile(filepath.Join("/proc", strconv.Itoa(pid), "cmdline"))
	if err != nil {
		return ""
	}
	return string(bytes.ReplaceAll(bytes.TrimRight(args, "\x00"), []byte{0}, []byte{' '}))
}

// removeSharedMemory deletes the small System V segment that a killed
// postmaster leaves; the kernel keeps it for ever otherwise. One that is still
// attached is left alone.
func removeSharedMemory(id int, as account) {
	var desc unix.SysvShmDesc
	if _, err := unix.SysvShmCtl(id, unix.IPC_STAT, &desc); err != nil {
		return // gone already
	}
	if desc.Nattch == 0 && int(desc.Perm.Cuid) == as.uid {
		unix.SysvShmCtl(id, unix.IPC_RMID, nil)
	}
}
