package bench

import (
	"bufio"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"strconv"
	"sync"
	"syscall"

	"github.com/pgroute/pgroute/internal/lab"
)

// crowd is many client connections that do nothing. They cost this process a
// socket each and no goroutine, which pgx connections would not.
type crowd struct{ conns []net.Conn }

// dialers is how many of the crowd connect at a time.
const dialers = 32

// open adds n clients, each of which logs in and runs one query.
func (c *crowd) open(ctx context.Context, port, n int) error {
	ctx, cancel := context.WithTimeout(ctx, openLimit)
	defer cancel()
	turns := make(chan struct{}, n)
	for range n {
		turns <- struct{}{}
	}
	close(turns)
	var mu sync.Mutex
	var errs []error
	var wg sync.WaitGroup
	for range dialers {
		wg.Go(func() {
			for range turns {
				conn, err := idleClient(ctx, port)
				mu.Lock()
				if err != nil {
					errs = append(errs, err)
					mu.Unlock()
					return
				}
				c.conns = append(c.conns, conn)
				mu.Unlock()
			}
		})
	}
	wg.Wait()
	return errors.Join(errs...)
}

// close disconnects all.
func (c *crowd) close() {
	for _, conn := range c.conns {
		_ = conn.Close() // nothing was in flight
	}
	c.conns = nil
}

// idleClient logs in without a password and runs one query.
func idleClient(ctx context.Context, port int) (net.Conn, error) {
	var d net.Dialer
	conn, err := d.DialContext(ctx, "tcp", "127.0.0.1:"+strconv.Itoa(port))
	if err != nil {
		return nil, err
	}
	deadline, _ := ctx.Deadline()
	_ = conn.SetDeadline(deadline) // fails on a closed connection only
	in := bufio.NewReaderSize(conn, 512)
	for _, message := range [][]byte{startupMessage(lab.Superuser, database), queryMessage("SELECT 1")} {
		if _, err := conn.Write(message); err != nil {
			return nil, errors.Join(err, conn.Close())
		}
		if err := awaitReadyForQuery(in); err != nil {
			return nil, errors.Join(err, conn.Close())
		}
	}
	return conn, nil
}

// startupMessage asks for protocol 3.0 (PostgreSQL's documentation, "Message Formats").
func startupMessage(user, db string) []byte {
	body := binary.BigEndian.AppendUint32(nil, 3<<16)
	for _, s := range []string{"user", user, "database", db} {
		body = append(append(body, s...), 0)
	}
	body = append(body, 0)
	return append(binary.BigEndian.AppendUint32(nil, uint32(len(body)+4)), body...)
}

func queryMessage(sql string) []byte {
	return append(append(binary.BigEndian.AppendUint32([]byte{'Q'}, uint32(len(sql)+5)), sql...), 0)
}

// awaitReadyForQuery reads messages up to ReadyForQuery. An error on the way,
// or an authentication that wants something, is an error.
func awaitReadyForQuery(in *bufio.Reader) error {
	for {
		var head [5]byte
		if _, err := io.ReadFull(in, head[:]); err != nil {
			return err
		}
		n := int(binary.BigEndian.Uint32(head[1:])) - 4
		if n < 0 || n > 1<<16 {
			return fmt.Errorf("message %q of %d bytes", head[0], n)
		}
		body := make([]byte, n)
		if _, err := io.ReadFull(in, body); err != nil {
			return err
		}
		switch {
		case head[0] == 'E':
			return fmt.Errorf("refused: %q", body)
		case head[0] == 'R' && (n < 4 || binary.BigEndian.Uint32(body) != 0):
			return errors.New("a password is asked for")
		case head[0] == 'Z':
			return nil
		}
	}
}

// raiseFileLimit lets this process, and the programs it starts, open as many
// files as the system admits: every idle client is one on both sides. Go gives
// children the limit it found unless it was set on purpose.
func raiseFileLimit() error {
	var limit syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_NOFILE, &limit); err != nil {
		return fmt.Errorf("limit of open files: %w", err)
	}
	limit.Cur = limit.Max
	if err := syscall.Setrlimit(syscall.RLIMIT_NOFILE, &limit); err != nil {
		return fmt.Errorf("limit of open files: %w", err)
	}
	return nil
}
