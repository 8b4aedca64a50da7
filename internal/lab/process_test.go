package lab_test

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"os"
	osexec "os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"go.uber.org/goleak"

	"github.com/pgroute/pgroute/internal/lab"
	"github.com/pgroute/pgroute/internal/lab/labtest"
)

// Environment of a copy of the test binary that plays a lab about to crash.
const (
	helperDir  = "PGROUTE_TEST_HELPER_DIR"
	helperPort = "PGROUTE_TEST_HELPER_PORT"
)

func TestMain(m *testing.M) {
	if os.Getenv(fakeProxy) != "" && len(os.Args) > 1 && os.Args[1] == "serve" {
		os.Exit(runFakeProxy(os.Args[2:]))
	}
	if dir := os.Getenv(helperDir); dir != "" {
		os.Exit(runDoomedLab(dir))
	}
	goleak.VerifyTestMain(m)
}

// runDoomedLab starts a lab, has its primary restarted the way `pgroute lab
// start` does, prints both nodes' pids, and waits to be killed.
func runDoomedLab(dir string) int {
	ctx := context.Background()
	port, _ := strconv.Atoi(os.Getenv(helperPort))
	if _, err := lab.Start(ctx, lab.Options{Dir: dir, BasePort: port, Standbys: 1}); err != nil {
		fmt.Println(err)
		return 1
	}
	visitor, err := lab.Open(dir)
	if err != nil {
		fmt.Println(err)
		return 1
	}
	for _, step := range []func(context.Context, string) error{visitor.StopNode, visitor.StartNode} {
		if err := step(ctx, "primary"); err != nil {
			fmt.Println(err)
			return 1
		}
	}
	fmt.Println("pids", visitor.Node("primary").PID(), visitor.Node("standby1").PID())
	io.Copy(io.Discard, os.Stdin) // until the test ends
	return 0
}

// TestCrashedRunStopsNobody kills the process that runs a lab. The node it
// holds ends with it, the one that another process had started goes on, and the
// next lab in the directory gets both out of its way, on the same ports.
func TestCrashedRunStopsNobody(t *testing.T) {
	t.Parallel()
	ctx := within(t)
	dir := filepath.Join(labtest.TempDir(t), "lab")
	ports := twoPorts(t)
	primary, standby := startDoomedLab(t, dir, ports)

	await(t, func() bool { return !alive(standby) })
	if !alive(primary) {
		t.Error("the node that the crashed process did not hold is gone too: this test shows nothing")
	}
	l, err := lab.Start(ctx, lab.Options{Dir: dir, BasePort: ports, Standbys: 1})
	try(t, err)
	defer func() { try(t, l.Stop(context.Background())) }()
	if alive(primary) {
		t.Error("the old primary still runs")
	}
	exec(t, l.Node("primary"), "CREATE TABLE t (i int)")
}

// startDoomedLab runs a lab in another process and kills that once it is up.
func startDoomedLab(t *testing.T, dir string, port int) (primary, standby int) {
	t.Helper()
	cmd := osexec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), helperDir+"="+dir, helperPort+"="+strconv.Itoa(port))
	in, err := cmd.StdinPipe()
	try(t, err)
	defer in.Close()
	out, err := cmd.StdoutPipe()
	try(t, err)
	try(t, cmd.Start())
	line, err := bufio.NewReader(out).ReadString('\n')
	if _, scanErr := fmt.Sscanf(line, "pids %d %d", &primary, &standby); err != nil || scanErr != nil {
		t.Fatalf("the helper said %q (%v)", line, err)
	}
	try(t, cmd.Process.Signal(syscall.SIGKILL))
	cmd.Wait() // "signal: killed"
	return primary, standby
}

// twoPorts reserves two adjacent ports and returns the first.
func twoPorts(t *testing.T) int {
	t.Helper()
	p, err := lab.ReservePorts(10)
	try(t, err)
	t.Cleanup(p.Release)
	for i, port := range p.Numbers[:9] {
		if p.Numbers[i+1] == port+1 {
			return port
		}
	}
	t.Fatalf("no two adjacent ports in %v", p.Numbers)
	return 0
}

// TestLabRunsAsOrdinaryUser repeats tests in a copy of this binary under an
// unprivileged user when root runs them. Otherwise they ran as one already.
func TestLabRunsAsOrdinaryUser(t *testing.T) {
	t.Parallel()
	dir := labtest.TempDir(t)
	cmd := osexec.CommandContext(t.Context(), copyBinary(t, dir),
		"-test.run=^(TestReplicationStreamsToEveryStandby|TestDeposedPrimaryComesBackWritable|TestCrashedRunStopsNobody)$", "-test.v")
	cmd.Dir = dir
	home := filepath.Join(dir, "home")
	try(t, os.Mkdir(home, 0o700))
	cmd.Env = append(os.Environ(), "HOME="+home, "XDG_CACHE_HOME="+filepath.Join(home, ".cache"))
	if os.Geteuid() == 0 {
		const nobody = 65534
		try(t, os.Chown(home, nobody, nobody))
		cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: nobody, Gid: nobody}}
	}
	out, err := cmd.CombinedOutput()
	if err != nil || strings.Count(string(out), "--- PASS") != 3 {
		t.Errorf("as an ordinary user: %v\n%s", err, out)
	}
}

// copyBinary puts this binary where another user can run it.
func copyBinary(t *testing.T, dir string) string {
	t.Helper()
	content, err := os.ReadFile(os.Args[0])
	try(t, err)
	path := filepath.Join(dir, "lab.test")
	try(t, os.WriteFile(path, content, 0o755))
	return path
}

// alive reports whether a process exists and is no zombie.
func alive(pid int) bool {
	stat, err := os.ReadFile(filepath.Join("/proc", strconv.Itoa(pid), "stat"))
	if err != nil {
		return false
	}
	_, rest, _ := strings.Cut(string(stat), ") ")
	return !strings.HasPrefix(rest, "Z")
}
