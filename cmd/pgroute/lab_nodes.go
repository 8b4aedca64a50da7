package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"text/tabwriter"
	"time"

	"github.com/pgroute/pgroute/internal/lab"
)

// labNode is the argument of the commands for one node.
type labNode struct {
	Node string `arg:"" help:"primary, standby1, standby2, …: the name for life, whatever the role."`
}

type (
	labKillCmd  struct{ labNode }
	labStopCmd  struct{ labNode }
	labStartCmd struct{ labNode }
	labPromote  struct{ labNode }
	labRewind   struct{ labNode }
	labPause    struct{ labNode }
	labResume   struct{ labNode }
)

func (c *labKillCmd) Run(ctx context.Context, p *LabCmd) error {
	return c.do(ctx, p, (*lab.Lab).Kill, "killed")
}

func (c *labStopCmd) Run(ctx context.Context, p *LabCmd) error {
	return c.do(ctx, p, (*lab.Lab).StopNode, "stopped")
}

func (c *labStartCmd) Run(ctx context.Context, p *LabCmd) error {
	return c.do(ctx, p, (*lab.Lab).StartNode, "started")
}

func (c *labPromote) Run(ctx context.Context, p *LabCmd) error {
	return c.do(ctx, p, (*lab.Lab).Promote, "promoted")
}

func (c *labRewind) Run(ctx context.Context, p *LabCmd) error {
	return c.do(ctx, p, (*lab.Lab).Rewind, "rewound, streaming")
}

func (c *labPause) Run(ctx context.Context, p *LabCmd) error {
	return c.do(ctx, p, (*lab.Lab).PauseReplay, "replay paused")
}

func (c *labResume) Run(ctx context.Context, p *LabCmd) error {
	return c.do(ctx, p, (*lab.Lab).ResumeReplay, "replay resumed")
}

// do performs one step on the running lab and says so on stderr.
func (c *labNode) do(ctx context.Context, p *LabCmd, step func(*lab.Lab, context.Context, string) error, done string) error {
	l, err := lab.Open(p.Dir)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, labStepLimit)
	defer cancel()
	if err := step(l, ctx, c.Node); err != nil {
		return err
	}
	fmt.Fprintf(os.Stderr, "%s %s\n", c.Node, done)
	return nil
}

// labStatusCmd shows the cluster.
type labStatusCmd struct {
	JSON bool `help:"Print JSON."`
}

// Run asks all nodes and prints their answers.
func (c *labStatusCmd) Run(ctx context.Context, p *LabCmd) error {
	l, err := lab.Open(p.Dir)
	if err != nil {
		return err
	}
	status := l.Status(ctx)
	if c.JSON {
		enc := json.NewEncoder(os.Stdout)
		enc.SetIndent("", "  ")
		return enc.Encode(status)
	}
	return printStatus(os.Stdout, status)
}

// printStatus writes one table of nodes and one of who streams from whom.
func printStatus(out io.Writer, status []lab.NodeStatus) error {
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "NODE\tPORT\tPID\tROLE\tTIMELINE\tLSN\tSOURCE\tREPLAY")
	for _, s := range status {
		fmt.Fprintf(w, "%s\t%d\t%s\t%s\t%s\t%s\t%s\t%s\n", s.Name, s.Port, dash(s.PID), s.Role, dash(s.Timeline),
			orDash(s.LSN), source(s), replay(s))
	}
	if err := w.Flush(); err != nil {
		return err
	}
	return printStreams(out, status)
}

func printStreams(out io.Writer, status []lab.NodeStatus) error {
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	header := "\nFROM\tTO\tSTATE\tSYNC\tSENT\tWRITE\tFLUSH\tREPLAY\tLAG\n"
	for _, s := range status {
		for _, sub := range s.Standbys {
			io.WriteString(w, header)
			header = ""
			fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%s\t%s\t%s\t%s\t%s, %v\n", s.Name, sub.Name, sub.State, sub.SyncState,
				orDash(sub.Sent), orDash(sub.Write), orDash(sub.Flush), orDash(sub.Replay),
				lag(sub.LagBytes), sub.ReplayLag.Round(time.Microsecond))
		}
	}
	return w.Flush()
}

// source is where a standby receives from, and how that goes.
func source(s lab.NodeStatus) string {
	switch {
	case s.Error != "":
		return s.Error
	case s.Receiver != nil:
		return s.Receiver.From + " (" + s.Receiver.Status + ")"
	default:
		return "-"
	}
}

func replay(s lab.NodeStatus) string {
	switch {
	case s.Role != lab.RoleStandby:
		return "-"
	case s.Paused:
		return "paused"
	default:
		return "running"
	}
}

func lag(bytes int64) string {
	if bytes < 0 {
		return "unknown"
	}
	return fmt.Sprintf("%d B", bytes)
}

func dash(n int) string {
	if n == 0 {
		return "-"
	}
	return fmt.Sprint(n)
}

func orDash(s string) string {
	if s == "" {
		return "-"
	}
	return s
}
