package lab

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"time"
)

// tool is one run of a PostgreSQL program to its end.
type tool struct {
	bin   *binaries
	as    account
	dir   string   // working directory, one the account may enter
	env   []string // on top of toolEnv
	stdin string
}

// run runs the program as the server account. The error holds its output: these
// programs explain themselves well.
func (t tool) run(ctx context.Context, name string, args ...string) error {
	cmd := exec.CommandContext(ctx, t.bin.path(name), args...)
	cmd.Dir = t.dir
	cmd.Env = append(toolEnv(), t.env...)
	cmd.Stdin = strings.NewReader(t.stdin)
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: t.as.credential()}
	cmd.WaitDelay = time.Second // a grandchild must not hold us by the output pipe
	out, err := cmd.CombinedOutput()
	if err != nil {
		return fmt.Errorf("%s: %w: %s", name, err, bytes.TrimSpace(out))
	}
	return nil
}

// toolEnv is the environment of PostgreSQL's processes: without the PG*
// variables of whoever runs the lab, and with messages in English.
func toolEnv() []string {
	env := []string{"LC_ALL=C", "PGCONNECT_TIMEOUT=10"}
	for _, kv := range os.Environ() {
		name, _, _ := strings.Cut(kv, "=")
		if strings.HasPrefix(name, "PG") || strings.HasPrefix(name, "LC_") || name == "LANG" || name == "LANGUAGE" {
			continue
		}
		env = append(env, kv)
	}
	return env
}
