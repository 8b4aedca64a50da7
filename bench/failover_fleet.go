package bench

import (
	"context"
	"errors"
	"slices"
	"sync"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
)

// kind is what a client of the fleet does all the time.
type kind int

const (
	writer      kind = iota // one INSERT, by itself
	transaction             // BEGIN, two INSERTs, COMMIT
	reader                  // one SELECT
	kinds                   // how many there are
)

// String is the name in reports.
func (k kind) String() string { return [...]string{"writer", "transaction", "reader"}[k] }

// operation is one thing a client did.
type operation struct {
	kind    kind
	end     time.Time
	failed  string  // "" or the SQLSTATE, or what stands for one
	dropped bool    // the connection was closed
	tokens  []int64 // rows that were acknowledged
}

// fleet is the clients of a failover. They go on over errors and over dropped
// connections, as an application does.
type fleet struct {
	o     FailoverOptions
	t     *target
	ids   counter
	ctx   context.Context // ends to stop them
	stop  context.CancelFunc
	wg    sync.WaitGroup
	mu    sync.Mutex
	until time.Time // zero until it is known
	done  []operation
}

// fleetGrace is how long an operation may go on after the end: it fails rather
// than hang.
const fleetGrace = time.Minute

// startFleet connects all clients and lets them go.
func startFleet(ctx context.Context, t *target, o FailoverOptions) (*fleet, error) {
	f := &fleet{o: o, t: t}
	f.ctx, f.stop = context.WithCancel(ctx)
	var conns []*pgx.Conn
	for range o.Clients * int(kinds) {
		conn, err := pgx.Connect(ctx, t.dsn())
		if err != nil {
			for _, c := range conns {
				_ = c.Close(ctx)
			}
			f.stop()
			return nil, err
		}
		conns = append(conns, conn)
	}
	for i, conn := range conns {
		f.wg.Go(func() { f.client(conn, kind(i%int(kinds))) })
	}
	return f, nil
}

// finish stops the clients at a time and gives all they did.
func (f *fleet) finish(at time.Time) []operation {
	f.mu.Lock()
	f.until = at
	f.mu.Unlock()
	limit := time.AfterFunc(time.Until(at)+fleetGrace, f.stop)
	defer limit.Stop()
	f.wg.Wait()
	f.stop()
	slices.SortFunc(f.done, func(a, b operation) int { return a.end.Compare(b.end) })
	return f.done
}

// over reports whether clients should stop.
func (f *fleet) over() bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.ctx.Err() != nil || !f.until.IsZero() && time.Now().After(f.until)
}

func (f *fleet) add(o operation) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.done = append(f.done, o)
}

// client works until the end.
func (f *fleet) client(conn *pgx.Conn, k kind) {
	defer func() { _ = conn.Close(context.WithoutCancel(f.ctx)) }()
	for !f.over() {
		o := f.operate(conn, k)
		if conn.IsClosed() {
			o.dropped = true
			fresh, err := pgx.Connect(f.ctx, f.t.dsn())
			if err == nil {
				conn = fresh
			}
		}
		f.add(o)
		if pause(f.ctx, f.o.Pause) != nil {
			return
		}
	}
}

// operate does one thing and notes how it ended.
func (f *fleet) operate(conn *pgx.Conn, k kind) operation {
	o := operation{kind: k}
	var err error
	switch k {
	case reader:
		var n int
		err = conn.QueryRow(f.ctx, "SELECT count(*) FROM (SELECT FROM bench_failover LIMIT 1) found").Scan(&n)
	case writer:
		err = f.insert(f.ctx, conn, &o)
	case transaction:
		err = pgx.BeginFunc(f.ctx, conn, func(tx pgx.Tx) error {
			if err := f.insert(f.ctx, tx, &o); err != nil {
				return err
			}
			return f.insert(f.ctx, tx, &o)
		})
	}
	o.end = time.Now()
	if err != nil {
		o.failed, o.tokens = failure(err), nil
	}
	return o
}

// executor is a connection or a transaction.
type executor interface {
	Exec(ctx context.Context, sql string, args ...any) (pgconn.CommandTag, error)
}

func (f *fleet) insert(ctx context.Context, e executor, o *operation) error {
	token := f.ids.next()
	_, err := e.Exec(ctx, "INSERT INTO bench_failover (token) VALUES ($1)", token)
	o.tokens = append(o.tokens, token)
	return err
}

// failure is the SQLSTATE of an error, or what stands for one.
func failure(err error) string {
	var server *pgconn.PgError
	switch {
	case errors.As(err, &server):
		return server.Code
	case errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded):
		return "hung"
	default:
		return "connection lost"
	}
}

// firstAck is how long after the promotion a write was first acknowledged.
func firstAck(operations []operation, promoted time.Time) time.Duration {
	for _, o := range operations {
		if o.kind != reader && o.failed == "" && o.end.After(promoted) {
			return o.end.Sub(promoted)
		}
	}
	return 0
}

// longestPause is the longest time in which no operation of a kind succeeded.
func longestPause(operations []operation, k kind) time.Duration {
	var last time.Time
	var longest time.Duration
	for _, o := range operations {
		if o.kind != k || o.failed != "" {
			continue
		}
		if !last.IsZero() {
			longest = max(longest, o.end.Sub(last))
		}
		last = o.end
	}
	return longest
}

// outcome is an operation as the plot needs it.
type outcome struct {
	kind kind
	ok   bool
	at   time.Duration // since the promotion
}

func outcomes(operations []operation, promoted time.Time) []outcome {
	var out []outcome
	for _, o := range operations {
		out = append(out, outcome{o.kind, o.failed == "", o.end.Sub(promoted)})
	}
	return out
}
