package lab

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
)

// provision makes all nodes and returns when every standby streams.
func (l *Lab) provision(ctx context.Context) error {
	if err := l.makeDirs(); err != nil {
		return err
	}
	primary, standbys := l.nodes[0], l.nodes[1:]
	if err := primary.initialise(ctx); err != nil {
		return err
	}
	if err := primary.bringUp(ctx); err != nil {
		return err
	}
	err := inParallel(standbys, func(n *Node) error {
		if err := n.cloneFrom(ctx, primary); err != nil {
			return err
		}
		return n.bringUp(ctx)
	})
	if err != nil {
		return err
	}
	return l.WaitStreaming(ctx)
}

func (l *Lab) makeDirs() error {
	if err := os.MkdirAll(filepath.Join(l.Dir, logDir), 0o700); err != nil {
		return err
	}
	return l.as.mkdir(filepath.Join(l.Dir, runDir))
}

// initialise makes the node a fresh cluster: what initdb and CREATE ROLE do,
// copied from the template, with an identity and passwords of its own.
func (n *Node) initialise(ctx context.Context) error {
	t, err := newTemplate(n.lab.bin, n.lab.as)
	if err != nil {
		return err
	}
	if err := t.copyTo(ctx, n.Dir); err != nil {
		return err
	}
	if err := newIdentity(ctx, n.tool(), n.Dir); err != nil {
		return err
	}
	return n.setPasswords(ctx)
}

// setPasswords stores the roles' passwords before the server ever listens. They
// are hexadecimal and go through a pipe, not a command line.
func (n *Node) setPasswords(ctx context.Context) error {
	var statements []string
	for role, password := range n.lab.passwords {
		statements = append(statements, fmt.Sprintf("ALTER ROLE %s PASSWORD '%s';", role, password))
	}
	if len(statements) == 0 {
		return nil
	}
	return singleUser(ctx, n.tool(), n.Dir, statements)
}

// tool runs a PostgreSQL program in the node's directory.
func (n *Node) tool(env ...string) tool {
	return tool{bin: n.lab.bin, as: n.lab.as, dir: n.Dir, env: env}
}

// cloneFrom makes the node a standby of another by pg_basebackup -R, over the
// slot that keeps the WAL it will stream.
func (n *Node) cloneFrom(ctx context.Context, up *Node) error {
	if err := n.lab.as.mkdir(n.Dir); err != nil {
		return fmt.Errorf("clone %s: %w", n.Name, err)
	}
	t := n.tool("PGPASSWORD=" + n.lab.passwords[Replicator])
	err := t.run(ctx, "pg_basebackup", "-D", n.Dir, "-R", "-X", "stream", "-S", n.Name,
		"--checkpoint=fast", "--no-sync", "-d", up.Conninfo()+" user="+Replicator)
	if err != nil {
		return fmt.Errorf("clone %s: %w", n.Name, err)
	}
	return n.setUpstream(up)
}

// bringUp configures and starts the node and gives it its slots.
func (n *Node) bringUp(ctx context.Context) error {
	if err := n.writeConf(); err != nil {
		return err
	}
	if err := n.launch(ctx); err != nil {
		return err
	}
	return n.ensureSlots(ctx)
}

// ensureSlots gives the node a slot for every other one, so that all can stream
// from it once it is promoted. pg_basebackup and pg_rewind copy none. A slot
// holds no WAL back until it is first used.
func (n *Node) ensureSlots(ctx context.Context) error {
	return n.query(ctx, func(conn *pgx.Conn) error {
		_, err := conn.Exec(ctx, `
			SELECT pg_create_physical_replication_slot(name)
			FROM unnest($1::text[]) name
			WHERE name NOT IN (SELECT slot_name FROM pg_replication_slots)`, n.others())
		return err
	})
}

// reserveSlots makes a promoted node keep, from now on, the WAL that nodes need
// which are down at the moment: the deposed primary until it is rewound.
func (n *Node) reserveSlots(ctx context.Context) error {
	return n.query(ctx, func(conn *pgx.Conn) error {
		for _, name := range n.others() {
			_, err := conn.Exec(ctx, `
				SELECT pg_drop_replication_slot(slot_name), pg_create_physical_replication_slot(slot_name, true)
				FROM pg_replication_slots WHERE slot_name = $1 AND NOT active AND restart_lsn IS NULL`, name)
			if err != nil && !isSlotInUse(err) {
				return err
			}
		}
		return nil
	})
}

// dropSlots removes the slots of a node that is a primary no more: nobody moves
// them on, and they would hold WAL back for ever.
func (n *Node) dropSlots(ctx context.Context) error {
	return n.query(ctx, func(conn *pgx.Conn) error {
		_, err := conn.Exec(ctx, `SELECT pg_drop_replication_slot(slot_name) FROM pg_replication_slots
			WHERE slot_type = 'physical' AND NOT active`)
		return err
	})
}

// takeDir makes the lab's directory, becomes its only user, and clears what a
// crashed run left there.
func (l *Lab) takeDir(ctx context.Context, dir string) error {
	_, err := os.Lstat(dir)
	l.created = errors.Is(err, os.ErrNotExist)
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return err
	}
	if l.Dir, err = realDir(dir); err != nil {
		return err
	}
	if err := checkOwned(l.Dir); err != nil {
		return fmt.Errorf("%w: choose another directory with --dir", err)
	}
	if err := checkOurs(l.Dir); err != nil {
		return err
	}
	lock, err := tryLock(filepath.Join(l.Dir, lockFile))
	if errors.Is(err, errLocked) {
		return runningError(l.Dir)
	}
	if err != nil {
		return err
	}
	l.lock = lock
	// The server account has to pass through, though not to list or write.
	if err := os.Chmod(l.Dir, 0o711); err != nil {
		return err
	}
	if err := l.as.checkReachable(l.Dir); err != nil {
		return err
	}
	return clearLeftovers(ctx, l.Dir, l.as, l.log)
}

// realDir makes a path absolute and free of links: processes are recognised by
// their working directory. With an error it returns the path as far as it got.
func realDir(dir string) (string, error) {
	abs, err := filepath.Abs(dir)
	if err != nil {
		return dir, err
	}
	resolved, err := filepath.EvalSymlinks(abs)
	if err != nil {
		return abs, err
	}
	return resolved, nil
}

// isSlotInUse recognises that a standby took the slot just now, which is as
// good as reserving it.
func isSlotInUse(err error) bool {
	var pgErr *pgconn.PgError
	return errors.As(err, &pgErr) && pgErr.Code == "55006"
}
