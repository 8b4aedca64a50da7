package faults

import (
	"context"
	"errors"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
)

// work is one round of a client: a write with that token, or a read.
type work func(ctx context.Context, c *client, token int64) error

// client is one application session with what it was told.
type client struct {
	*pgx.Conn
	id      int
	work    work
	ledger  ledger
	rounds  atomic.Int64 // completed without error
	last    atomic.Int64 // when the last of them was answered, UnixNano
	dropped error        // the connection broke
	seen    int64        // the highest counter read
	back    int          // times a counter was lower than one read before
}

// load is many clients at work.
type load struct {
	t       testing.TB
	rig     *rig
	clients []*client
	stop    chan struct{}
	wg      sync.WaitGroup
}

// spread makes token spaces of clients disjoint.
const spread = 1_000_000_000

// schema holds one row per write, without a constraint that would hide a
// second execution, and a counter per client.
const schema = `CREATE TABLE tokens (token bigint, client int, tx bool);
CREATE TABLE counters (client int PRIMARY KEY, n bigint NOT NULL);
INSERT INTO counters SELECT c, 0 FROM generate_series(0, 99) AS c`

// begin starts clients that do those works in turn, count of them in all.
func (r *rig) begin(count int, works ...work) *load {
	r.t.Helper()
	r.setup(schema)
	return r.join(0, count, works...)
}

// join is begin for clients numbered from first on, the schema being there.
func (r *rig) join(first, count int, works ...work) *load {
	r.t.Helper()
	l := &load{t: r.t, rig: r, stop: make(chan struct{})}
	for i := range count {
		l.clients = append(l.clients, &client{Conn: r.Connect(r.t), id: first + i, work: works[i%len(works)]})
	}
	for _, c := range l.clients {
		l.wg.Go(func() { c.run(l.stop) })
	}
	r.t.Cleanup(l.end)
	l.awaitRounds(5)
	return l
}

// end stops the clients; it may be called twice.
func (l *load) end() {
	select {
	case <-l.stop:
	default:
		close(l.stop)
	}
	l.wg.Wait()
}

// awaitRounds waits until every client has completed so many rounds more.
func (l *load) awaitRounds(n int64) {
	l.t.Helper()
	l.awaitRoundsOf(l.clients, n)
}

// awaitRoundsOf is awaitRounds for some of the clients.
func (l *load) awaitRoundsOf(clients []*client, n int64) {
	l.t.Helper()
	from := make([]int64, len(clients))
	for i, c := range clients {
		from[i] = c.rounds.Load()
	}
	if soon(func() bool { return len(behind(clients, from, n)) == 0 }) {
		return
	}
	stuck, report := behind(clients, from, n), l.rig.report(nil)
	l.end() // those that are stuck give up in time
	l.drops()
	l.t.Fatalf("clients %v did not go on: %s", stuck, report)
}

// behind lists the clients that have not completed so many rounds more.
func behind(clients []*client, from []int64, n int64) (ids []int) {
	for i, c := range clients {
		if c.rounds.Load() < from[i]+n {
			ids = append(ids, c.id)
		}
	}
	return ids
}

// run works until told to stop or the connection breaks.
func (c *client) run(stop <-chan struct{}) {
	for token := int64(c.id) * spread; ; token++ {
		select {
		case <-stop:
			return
		default:
		}
		c.round(token)
		if c.dropped != nil {
			return
		}
	}
}

// round does one work; a failed one leaves the session fit for the next.
func (c *client) round(token int64) {
	ctx, cancel := context.WithTimeout(context.Background(), limit)
	defer cancel()
	if err := c.work(ctx, c, token); err == nil {
		c.rounds.Add(1)
		c.last.Store(time.Now().UnixNano())
		return
	} else if c.IsClosed() {
		c.dropped = err
		return
	}
	if c.PgConn().TxStatus() == 'I' {
		return
	}
	if _, err := c.Exec(ctx, "ROLLBACK"); err != nil {
		c.dropped = errors.Join(errors.New("ROLLBACK was refused"), err)
	}
}

// judge notes the answer to a write.
func (c *client) judge(token int64, err error) error {
	var e *pgconn.PgError
	switch {
	case err == nil:
		c.ledger.note(token, acknowledged)
	case errors.As(err, &e) && e.Code != "08007":
		c.ledger.note(token, undone)
		c.ledger.failed(e.Code)
	case e != nil:
		c.ledger.note(token, unknown)
		c.ledger.failed(e.Code)
	default:
		c.ledger.note(token, unknown)
		c.ledger.failed("broken")
	}
	return err
}

const insert = "INSERT INTO tokens VALUES ($1, $2, $3)"

// autocommit writes a token by the extended protocol.
func autocommit(ctx context.Context, c *client, token int64) error {
	_, err := c.Exec(ctx, insert, token, c.id, false)
	return c.judge(token, err)
}

// simple writes a token by the simple protocol.
func simple(ctx context.Context, c *client, token int64) error {
	sql := "INSERT INTO tokens VALUES (" + strconv.FormatInt(token, 10) + ", " + strconv.Itoa(c.id) + ", false)"
	_, err := c.PgConn().Exec(ctx, sql).ReadAll()
	return c.judge(token, err)
}

// transaction writes a token and counts it, as a driver does it. Its outcome
// is that of the first statement to fail.
func transaction(ctx context.Context, c *client, token int64) error {
	err := pgx.BeginFunc(ctx, c.Conn, func(tx pgx.Tx) error {
		if _, err := tx.Exec(ctx, insert, token, c.id, true); err != nil {
			return err
		}
		_, err := tx.Exec(ctx, "UPDATE counters SET n = n + 1 WHERE client = $1", c.id)
		return err
	})
	return c.judge(token, err)
}

// read reads the counters, which never go down.
func read(ctx context.Context, c *client, _ int64) error {
	var n int64
	if err := c.QueryRow(ctx, "SELECT sum(n)::bigint FROM counters").Scan(&n); err != nil {
		var e *pgconn.PgError
		if errors.As(err, &e) {
			c.ledger.failed("read " + e.Code)
		} else {
			c.ledger.failed("read broken")
		}
		return err
	}
	if n < c.seen {
		c.back++
	}
	c.seen = max(c.seen, n)
	return nil
}

// drops fails the test for every connection that broke.
func (l *load) drops() {
	l.t.Helper()
	for _, c := range l.clients {
		if c.dropped != nil {
			l.t.Errorf("client %d lost its connection: %v", c.id, c.dropped)
		}
	}
}

// monotonic ends the load; no session may have seen a counter go down. That is
// promised among standbys: a primary may show a commit later than they do.
func (l *load) monotonic() {
	l.t.Helper()
	l.end()
	for _, c := range l.clients {
		if c.back > 0 {
			l.t.Errorf("client %d saw a counter go down %d times", c.id, c.back)
		}
	}
}

// audit ends the load and compares what was told with what a node holds.
func (l *load) audit(node *pgx.Conn) findings {
	l.t.Helper()
	l.end()
	l.drops()
	rows, err := node.Query(context.Background(), "SELECT token, count(*) FROM tokens GROUP BY token")
	if err != nil {
		l.t.Fatal(err)
	}
	there := map[int64]int{}
	var token int64
	var n int
	if _, err := pgx.ForEachRow(rows, []any{&token, &n}, func() error { there[token] = n; return nil }); err != nil {
		l.t.Fatal(err)
	}
	if got := must(l.t, node, "SELECT count(*) FROM counters AS c WHERE n <> (SELECT count(*) FROM tokens AS t WHERE t.client = c.client AND t.tx)"); got != "0" {
		l.t.Errorf("%s transactions were carried out in part", got)
	}
	var ledgers []*ledger
	for _, c := range l.clients {
		ledgers = append(ledgers, &c.ledger)
	}
	return audit(ledgers, there)
}

// firstAfter gives the first moment after t at which a write was acknowledged.
func (l *load) firstAfter(t time.Time) time.Time {
	var first time.Time
	for _, c := range l.clients {
		for _, w := range c.ledger.writes {
			if w.outcome == acknowledged && w.at.After(t) && (first.IsZero() || w.at.Before(first)) {
				first = w.at
			}
		}
	}
	return first
}
