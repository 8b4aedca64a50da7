package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/signal"
	"syscall"
	"time"

	"github.com/alecthomas/kong"

	"github.com/pgroute/pgroute/internal/lab"
)

// Limits of what a lab does, far above what it takes.
const (
	labStartLimit = 2 * time.Minute
	labStopLimit  = time.Minute
	labStepLimit  = 2 * time.Minute
)

// LabCmd is `pgroute lab`. Without a sub-command it runs a lab.
type LabCmd struct {
	Dir string `help:"Directory of the lab (default: $PGROUTE_LAB_DIR, or one per user below the temporary directory)." placeholder:"DIR"`

	Run          labRunCmd    `cmd:"" default:"withargs" help:"Start a cluster with pgroute in front; \"run\" may be left out."`
	Status       labStatusCmd `cmd:"" help:"Show every node: role, timeline, LSN, who streams from whom."`
	Kill         labKillCmd   `cmd:"" help:"Crash a node (SIGKILL to all its processes)."`
	Stop         labStopCmd   `cmd:"" help:"Shut a node down in fast mode."`
	Start        labStartCmd  `cmd:"" help:"Start a node that is down, as what it was."`
	Promote      labPromote   `cmd:"" help:"Promote a standby; the other standbys follow it."`
	Rewind       labRewind    `cmd:"" help:"Bring a deposed primary back as a standby through pg_rewind."`
	PauseReplay  labPause     `cmd:"" help:"Let a standby receive WAL without applying it."`
	ResumeReplay labResume    `cmd:"" help:"Let a standby apply WAL again."`
}

// AfterApply hands the command itself, and so --dir, to the sub-commands.
func (c *LabCmd) AfterApply(k *kong.Context) error {
	k.Bind(c)
	return nil
}

// labRunCmd runs a lab in the foreground, or for the time of one command.
type labRunCmd struct {
	Standbys    int               `default:"2" help:"Number of standbys."`
	BasePort    int               `default:"6500" help:"Port of the primary; standbys follow. 0 takes free ports."`
	Listen      string            `default:"127.0.0.1:6432" help:"Where pgroute listens for clients."`
	AdminListen string            `default:"127.0.0.1:9187" help:"Where pgroute serves status page and metrics."`
	Exec        string            `help:"Run this shell command against the proxy, tear down, and exit with its status." placeholder:"COMMAND"`
	Sync        bool              `help:"Quorum synchronous replication: remote_apply, ANY 1."`
	PgBin       string            `help:"Directory of PostgreSQL's programs (default: the newest found)." placeholder:"DIR"`
	Auth        string            `enum:"trust,scram" default:"trust" help:"How clients authenticate over TCP: trust or scram."`
	Conf        map[string]string `help:"Setting for every node's postgresql.conf; may be repeated." placeholder:"NAME=VALUE" mapsep:"none"`
	Keep        bool              `help:"Keep the directory, with data and logs, at the end."`
	Proxy       bool              `default:"true" negatable:"" help:"Run pgroute in front of the cluster."`
}

// Run starts the cluster, tells or runs what was asked for, and tears down.
func (c *labRunCmd) Run(ctx context.Context, parent *LabCmd) (err error) {
	// A closed terminal ends the lab in order too.
	ctx, stop := signal.NotifyContext(ctx, os.Interrupt, syscall.SIGTERM, syscall.SIGHUP)
	defer stop()
	l, err := c.start(ctx, parent.Dir)
	if err != nil {
		return err
	}
	defer func() {
		stopCtx, cancel := context.WithTimeout(context.WithoutCancel(ctx), labStopLimit)
		defer cancel()
		err = errors.Join(err, l.Stop(stopCtx))
	}()
	proxy, err := c.startProxy(ctx, l)
	if err != nil {
		return err
	}
	if c.Exec != "" {
		return c.runCommand(ctx, l, proxy)
	}
	c.announce(os.Stdout, l, proxy)
	return c.waitForEnd(ctx, proxy)
}

func (c *labRunCmd) start(ctx context.Context, dir string) (*lab.Lab, error) {
	ctx, cancel := context.WithTimeout(ctx, labStartLimit)
	defer cancel()
	return lab.Start(ctx, lab.Options{
		Dir: dir, Standbys: c.Standbys, BasePort: c.BasePort, Sync: c.Sync, PgBin: c.PgBin,
		Auth: lab.Auth(c.Auth), Conf: c.Conf, Keep: c.Keep, Logger: stderrLogger(),
	})
}

// stderrLogger keeps stdout for the lab's announcement or the command's output.
func stderrLogger() *slog.Logger {
	return slog.New(slog.NewTextHandler(os.Stderr, nil))
}

func (c *labRunCmd) startProxy(ctx context.Context, l *lab.Lab) (*lab.Proxy, error) {
	if !c.Proxy {
		return nil, nil
	}
	program, err := os.Executable()
	if err != nil {
		return nil, fmt.Errorf("find pgroute's own binary: %w", err)
	}
	ctx, cancel := context.WithTimeout(ctx, labStartLimit)
	defer cancel()
	return l.StartProxy(ctx, lab.ProxyOptions{Program: program, Listen: c.Listen, Admin: c.AdminListen})
}

// announce says where everything is.
func (c *labRunCmd) announce(w io.Writer, l *lab.Lab, proxy *lab.Proxy) {
	fmt.Fprintf(w, "%s with %d standbys in %s\n", l.Version(), c.Standbys, l.Dir)
	for _, n := range l.Nodes() {
		fmt.Fprintf(w, "  %-9s %s\n", n.Name, n.Conninfo())
	}
	if proxy != nil {
		fmt.Fprintf(w, "\nDSN          %s\nstatus page  %s\n", proxy.DSN(), proxy.StatusURL())
	}
	if c.Auth == string(lab.AuthSCRAM) {
		fmt.Fprintf(w, "passwords    %s\n", l.PasswordFile())
	}
	fmt.Fprintf(w, "\nIn another terminal: pgroute lab status|kill|stop|start|promote|rewind|pause-replay|resume-replay\nCtrl-C stops everything.\n")
}

// waitForEnd returns when the user ends the lab, or the proxy ends by itself.
func (c *labRunCmd) waitForEnd(ctx context.Context, proxy *lab.Proxy) error {
	var ended <-chan struct{}
	if proxy != nil {
		ended = proxy.Done()
	}
	select {
	case <-ctx.Done():
		return nil
	case <-ended:
		return errors.New("pgroute ended by itself; its log was:\n" + proxy.LogTail())
	}
}
