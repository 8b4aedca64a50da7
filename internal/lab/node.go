package lab

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"

	"github.com/jackc/pgx/v5"
)

// Node is one PostgreSQL server of a lab. Name, Port and Dir are for life; role
// and state are what the server says at the moment.
type Node struct {
	Name string
	Port int
	Dir  string // data directory

	lab *Lab

	mu     sync.Mutex // guards server
	server *server    // set when this process started the postmaster
}

// Addr is host:port.
func (n *Node) Addr() string { return host + ":" + strconv.Itoa(n.Port) }

// Conninfo names the server in libpq's key=value form, without user and
// database: what a cluster.nodes entry of proxy.toml takes.
func (n *Node) Conninfo() string { return fmt.Sprintf("host=%s port=%d", host, n.Port) }

// DSN is a connection string for the node itself, in libpq's key=value form,
// with the role's password where the lab has one for it.
func (n *Node) DSN(user, db string) string {
	dsn := fmt.Sprintf("%s user=%s dbname=%s sslmode=disable", n.Conninfo(), user, db)
	if password := n.lab.passwords[user]; password != "" {
		dsn += " password=" + password
	}
	return dsn
}

// SocketDir is the directory of the node's Unix socket, for host= in a DSN. ""
// means that the lab's path is too long for one.
func (n *Node) SocketDir() string { return n.lab.socketDir() }

// LogFile is where the server's messages go.
func (n *Node) LogFile() string { return filepath.Join(n.lab.Dir, logDir, n.Name+".log") }

// PID is the postmaster's, 0 when the node is down.
func (n *Node) PID() int { return runningPID(n.Dir) }

// Running reports whether the node's postmaster runs. It may still refuse
// connections.
func (n *Node) Running() bool { return n.PID() != 0 }

// Connect opens a connection of the superuser to database db.
func (n *Node) Connect(ctx context.Context, db string) (*pgx.Conn, error) {
	conn, err := pgx.Connect(ctx, n.DSN(Superuser, db))
	if err != nil {
		return nil, fmt.Errorf("connect to %s: %w", n.Name, err)
	}
	return conn, nil
}

// Exec executes statements as superuser in database postgres. Several statements
// in one string are one transaction.
func (n *Node) Exec(ctx context.Context, sql string) error {
	return n.query(ctx, func(conn *pgx.Conn) error {
		_, err := conn.PgConn().Exec(ctx, sql).ReadAll()
		return err
	})
}

// query hands f a connection that lives for the call.
func (n *Node) query(ctx context.Context, f func(*pgx.Conn) error) error {
	conn, err := n.Connect(ctx, "postgres")
	if err != nil {
		return err
	}
	defer conn.Close(ctx)
	if err := f(conn); err != nil {
		return fmt.Errorf("%s: %w", n.Name, err)
	}
	return nil
}

// others names all other nodes: each has a slot here under its own name.
func (n *Node) others() []string {
	var names []string
	for _, other := range n.lab.nodes {
		if other != n {
			names = append(names, other.Name)
		}
	}
	return names
}

func (n *Node) hasStandbySignal() bool {
	_, err := os.Stat(filepath.Join(n.Dir, "standby.signal"))
	return err == nil
}

// launch starts the postmaster and waits until it accepts connections.
func (n *Node) launch(ctx context.Context) error {
	log, err := os.OpenFile(n.LogFile(), os.O_WRONLY|os.O_CREATE|os.O_APPEND, 0o600)
	if err != nil {
		return fmt.Errorf("start %s: %w", n.Name, err)
	}
	defer log.Close()
	begin, err := log.Seek(0, os.SEEK_END)
	if err != nil {
		return fmt.Errorf("start %s: %w", n.Name, err)
	}
	s, err := startServer(postmasterCommand(n.lab.bin, n.lab.as, n.Dir, log, n.lab.owned))
	if err != nil {
		return fmt.Errorf("start %s: %w", n.Name, err)
	}
	n.mu.Lock()
	n.server = s
	n.mu.Unlock()
	if err := s.awaitReady(ctx, n.Dir); err != nil {
		return fmt.Errorf("start %s: %w; its log says: %s", n.Name, err, n.logSince(begin))
	}
	return nil
}

// logSince returns what the server logged past an offset, shortened to the end.
func (n *Node) logSince(offset int64) string { return tail(n.LogFile(), offset) }

// tail returns the end of a log, of what stands past offset.
func tail(path string, offset int64) string {
	content, err := os.ReadFile(path)
	if err != nil || int64(len(content)) <= offset {
		return "nothing"
	}
	const most = 2000
	content = content[offset:]
	return strings.TrimSpace(string(content[max(0, len(content)-most):]))
}

// Signals of pg_ctl's shutdown modes (src/backend/postmaster/postmaster.c).
const (
	fastShutdown      = syscall.SIGINT
	immediateShutdown = syscall.SIGQUIT
)

// shutdown ends the node and everything it started. What does not obey is
// killed. It does nothing when the node is down.
func (n *Node) shutdown(ctx context.Context, mode syscall.Signal) error {
	if pid := n.PID(); pid != 0 {
		syscall.Kill(pid, mode)
		syscall.Kill(pid, syscall.SIGCONT) // it may have been frozen
	}
	limited, cancel := context.WithTimeout(ctx, stopLimit)
	defer cancel()
	err := awaitGone(limited, n.Dir)
	if err != nil {
		n.lab.log.Warn("node does not stop, killing it", "node", n.Name)
		kill, cancel := context.WithTimeout(context.WithoutCancel(ctx), stopLimit)
		defer cancel()
		err = killAll(kill, n.Dir)
	}
	if err != nil {
		return fmt.Errorf("stop %s: %w", n.Name, err)
	}
	n.reap()
	return nil
}

// reap waits for the end of a postmaster whose processes are gone, so that
// neither a zombie nor our goroutine is left.
func (n *Node) reap() {
	n.mu.Lock()
	s := n.server
	n.server = nil
	n.mu.Unlock()
	if s != nil {
		<-s.done
	}
}

// freeSharedMemory removes what a killed postmaster could not.
func (n *Node) freeSharedMemory() {
	if p, err := readPostmasterPID(n.Dir); err == nil && p.shmID != 0 {
		removeSharedMemory(p.shmID, n.lab.as)
	}
}
