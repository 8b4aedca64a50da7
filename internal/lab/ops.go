package lab

import (
	"context"
	"fmt"
	"syscall"
	"time"

	"github.com/jackc/pgx/v5"
)

// Kill crashes a node: every process of it gets SIGKILL. The data directory is
// left as the crash left it.
func (l *Lab) Kill(ctx context.Context, name string) error {
	n, err := l.node(name)
	if err != nil {
		return err
	}
	if !n.anyProcess() {
		return fmt.Errorf("%s is not running", name)
	}
	if err := killAll(ctx, n.Dir); err != nil {
		return fmt.Errorf("kill %s: %w", name, err)
	}
	n.reap()
	return nil
}

// StopNode shuts a node down in fast mode: sessions are ended, a primary's
// standbys receive all WAL.
func (l *Lab) StopNode(ctx context.Context, name string) error {
	n, err := l.node(name)
	if err != nil {
		return err
	}
	if !n.anyProcess() {
		return fmt.Errorf("%s is not running", name)
	}
	return n.shutdown(ctx, fastShutdown)
}

// StartNode starts a node that is down, as what it was: a crashed primary comes
// back writable, even when a standby was promoted meanwhile. A standby follows
// the primary of now.
func (l *Lab) StartNode(ctx context.Context, name string) error {
	n, err := l.node(name)
	if err != nil {
		return err
	}
	if n.anyProcess() {
		return fmt.Errorf("%s is running", name)
	}
	n.reap() // it may have ended by itself
	if err := checkPort(n.Port); err != nil {
		return fmt.Errorf("start %s: its port is taken: %w", name, err)
	}
	if n.hasStandbySignal() {
		if up, err := l.Primary(ctx); err == nil {
			if err := n.setUpstream(up); err != nil {
				return err
			}
		}
	}
	return n.bringUp(ctx)
}

// Promote makes a standby a primary by pg_ctl promote, with the other standbys
// behind it. It does not stop or change another primary.
//
// The others are pointed at the candidate first, and the candidate fetches what
// one of them has received beyond it: a standby that is ahead of where the new
// timeline begins could not follow it without a rewind.
func (l *Lab) Promote(ctx context.Context, name string) error {
	n, err := l.node(name)
	if err != nil {
		return err
	}
	if !n.Running() || !n.hasStandbySignal() {
		return fmt.Errorf("promote %s: it is not a running standby", name)
	}
	if err := l.Follow(ctx, name); err != nil {
		return err
	}
	if err := l.gatherWAL(ctx, n); err != nil {
		l.log.Warn("a standby may be ahead of the promoted one and need a rewind", "error", err)
	}
	if err := n.tool().run(ctx, "pg_ctl", "promote", "-D", n.Dir, "-w"); err != nil {
		return fmt.Errorf("promote %s: %w", name, err)
	}
	return n.reserveSlots(ctx)
}

// Follow points all other running standbys at a node. Promotion by pg_promote()
// or anybody else does not do that by itself.
func (l *Lab) Follow(ctx context.Context, name string) error {
	up, err := l.node(name)
	if err != nil {
		return err
	}
	for _, n := range l.nodes {
		if n == up || !n.hasStandbySignal() {
			continue
		}
		if err := n.setUpstream(up); err != nil {
			return err
		}
		n.reload()
	}
	return nil
}

// reload makes a running server read its configuration again.
func (n *Node) reload() {
	if pid := n.PID(); pid != 0 {
		syscall.Kill(pid, syscall.SIGHUP)
	}
}

// Rewind brings a deposed primary, or a standby that went ahead of the one that
// was promoted, back as a standby of the present primary: it is stopped if it
// runs, rewound by pg_rewind to where the timelines part, and started. It
// returns when the node streams.
func (l *Lab) Rewind(ctx context.Context, name string) error {
	n, err := l.node(name)
	if err != nil {
		return err
	}
	up, err := l.primaryBut(ctx, n)
	if err != nil {
		return fmt.Errorf("rewind %s: %w", name, err)
	}
	if n.anyProcess() {
		if err := n.shutdown(ctx, fastShutdown); err != nil {
			return err
		}
	}
	n.reap()
	if err := n.rewindTo(ctx, up); err != nil {
		return fmt.Errorf("rewind %s to %s: %w", name, up.Name, err)
	}
	if err := n.bringUp(ctx); err != nil {
		return err
	}
	if err := n.resetSlots(ctx); err != nil {
		return err
	}
	return l.waitStreaming(ctx, up, []string{name})
}

// rewindTo runs pg_rewind and makes the result a standby. The checkpoint is
// needed because pg_rewind compares the timelines of the last ones, and right
// after promotion the source's is still on the old.
func (n *Node) rewindTo(ctx context.Context, up *Node) error {
	if err := up.Exec(ctx, "CHECKPOINT"); err != nil {
		return err
	}
	if err := n.writeConf(); err != nil { // a crashed target is recovered with it
		return err
	}
	t := n.tool("PGPASSWORD=" + n.lab.passwords[Superuser])
	err := t.run(ctx, "pg_rewind", "-D", n.Dir, "--no-sync", "--write-recovery-conf",
		"--source-server", up.Conninfo()+" user="+Superuser+" dbname=postgres")
	if err != nil {
		return err
	}
	return n.setUpstream(up)
}

// resetSlots starts a demoted node's slots anew.
func (n *Node) resetSlots(ctx context.Context) error {
	if err := n.dropSlots(ctx); err != nil {
		return err
	}
	return n.ensureSlots(ctx)
}

// PauseReplay makes a standby receive WAL without applying it. It returns when
// the replay has stopped, or after a second: a standby with nothing to replay
// pauses before the next record.
func (l *Lab) PauseReplay(ctx context.Context, name string) error {
	n, err := l.node(name)
	if err != nil {
		return err
	}
	return n.query(ctx, func(conn *pgx.Conn) error {
		if _, err := conn.Exec(ctx, "SELECT pg_wal_replay_pause()"); err != nil {
			return err
		}
		if n.lab.bin.major < 14 {
			return nil // cannot be asked
		}
		limited, cancel := context.WithTimeout(ctx, time.Second)
		defer cancel()
		err := poll(limited, func() (bool, error) {
			var state string
			err := conn.QueryRow(ctx, "SELECT pg_get_wal_replay_pause_state()").Scan(&state)
			return state == "paused", err
		})
		if limited.Err() != nil && ctx.Err() == nil {
			return nil
		}
		return err
	})
}

// ResumeReplay lets a paused standby apply WAL again.
func (l *Lab) ResumeReplay(ctx context.Context, name string) error {
	n, err := l.node(name)
	if err != nil {
		return err
	}
	return n.Exec(ctx, "SELECT pg_wal_replay_resume()")
}

// Freeze stops all processes of a node by SIGSTOP: its sockets stay open and
// nobody answers, as with a hung machine. Thaw lets them go on.
func (l *Lab) Freeze(name string) error { return l.signalAll(name, syscall.SIGSTOP) }

// Thaw undoes Freeze.
func (l *Lab) Thaw(name string) error { return l.signalAll(name, syscall.SIGCONT) }

// signalAll signals a node's processes, the postmaster first so that it does
// not start others.
func (l *Lab) signalAll(name string, sig syscall.Signal) error {
	n, err := l.node(name)
	if err != nil {
		return err
	}
	if pid := n.PID(); pid != 0 {
		syscall.Kill(pid, sig)
	}
	pids, err := serverProcesses(n.Dir)
	if err != nil {
		return err
	}
	if len(pids) == 0 {
		return fmt.Errorf("%s is not running", name)
	}
	for _, pid := range pids {
		syscall.Kill(pid, sig)
	}
	return nil
}

func (n *Node) anyProcess() bool {
	pids, err := serverProcesses(n.Dir)
	return err == nil && len(pids) > 0
}
