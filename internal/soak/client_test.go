package soak

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
)

// limit bounds everything that is waited for; reaching it fails the test.
const limit = 30 * time.Second

// tally is what all clients have done.
type tally struct {
	sync.Mutex
	statements, compared, timeouts int
	// fresh counts the times own writes were looked for in another statement,
	// bound the statements refused in a read-only block that could not move,
	// unsure those that it was told to repeat.
	fresh, bound, unsure int
	states               map[string]int // of errors
}

// client is one application session after another, with a session of its own
// on the primary to compare with.
type client struct {
	*world
	t      *testing.T
	id     int
	tally  *tally
	dsn    func(user string) string // through pgroute
	pg     *pgx.Conn                // through pgroute
	direct *pgx.Conn
	sum    int // what its own rows add up to
	next   int // key of its next row
	wild   bool
	wrote  bool     // in this session: another one's writes may be seen later
	trail  []string // what the session was last asked
}

// answer is what came of a statement: values without their order, or a SQLSTATE.
type answer struct {
	values string
	state  string
	text   string // of the error
}

// mode is a way to send a statement.
type mode int

// Strings go by the simple protocol, the others by the extended one.
const (
	modeString mode = iota
	modeUnnamed
	modeNamed
	modeDescribed
	modes
)

// ask runs a statement and gives its values as they came.
func ask(c *pgx.Conn, m mode, sql string) answer {
	ctx, cancel := context.WithTimeout(context.Background(), limit)
	defer cancel()
	var values []string
	var err error
	if m == modeString {
		values, err = askString(ctx, c, sql)
	} else {
		exec := []pgx.QueryExecMode{modeUnnamed: pgx.QueryExecModeExec, modeNamed: pgx.QueryExecModeCacheStatement, modeDescribed: pgx.QueryExecModeCacheDescribe}[m]
		values, err = askExtended(ctx, c, exec, sql)
	}
	if err != nil {
		var e *pgconn.PgError
		if errors.As(err, &e) {
			return answer{state: e.Code, text: e.Message}
		}
		return answer{state: "broken", text: err.Error()}
	}
	slices.Sort(values)
	return answer{values: strings.Join(values, "\n")}
}

func askString(ctx context.Context, c *pgx.Conn, sql string) (values []string, err error) {
	results, err := c.PgConn().Exec(ctx, sql).ReadAll()
	for _, r := range results {
		for _, row := range r.Rows {
			values = append(values, fmt.Sprintf("%q", row))
		}
	}
	return values, err
}

func askExtended(ctx context.Context, c *pgx.Conn, m pgx.QueryExecMode, sql string) (values []string, err error) {
	rows, err := c.Query(ctx, sql, m)
	if err != nil {
		return nil, err
	}
	for rows.Next() {
		values = append(values, fmt.Sprintf("%q", rows.RawValues()))
	}
	return values, rows.Err()
}

// run works until stop: a session of some steps, then another session.
func (c *client) run(stop <-chan struct{}) {
	for {
		if err := c.connect(); err != nil {
			c.t.Errorf("client %d: %v", c.id, err)
			return
		}
		for range c.steps() {
			select {
			case <-stop:
				c.close()
				return
			default:
			}
			c.step()
		}
		c.close()
	}
}

// steps says how long a session goes on.
func (c *client) steps() int {
	if c.wild {
		return 5 + c.IntN(40)
	}
	return 5 + c.IntN(120)
}

func (c *client) connect() (err error) {
	ctx, cancel := context.WithTimeout(context.Background(), limit)
	defer cancel()
	c.wild, c.wrote, c.trail = c.IntN(3) == 0, false, nil
	user := "app"
	if c.wild { // one user's currval keeps all writers of that user on the primary
		user = "app_wild"
	}
	c.pg, err = pgx.Connect(ctx, c.dsn(user))
	return err
}

func (c *client) close() {
	ctx, cancel := context.WithTimeout(context.Background(), limit)
	defer cancel()
	_ = c.pg.Close(ctx) // what matters has been answered
}

// send runs a statement through pgroute in any mode. A client never sees what
// only a standby says.
func (c *client) send(sql string) answer { return c.sendAs(mode(c.IntN(int(modes))), sql) }

func (c *client) sendAs(m mode, sql string) answer {
	a := c.tried(m, sql)
	if a.state == "25006" || a.state == "broken" || strings.Contains(a.text, "recovery") {
		c.t.Errorf("client %d was told %s (%s) for: %s, after\n%s", c.id, a.state, a.text, sql, strings.Join(c.trail, "\n"))
	}
	return a
}

// tried runs a statement through pgroute, whatever the answer may be.
func (c *client) tried(m mode, sql string) answer {
	a := ask(c.pg, m, sql)
	c.trail = append(c.trail[max(0, len(c.trail)-12):], fmt.Sprintf("mode %d: %s -> %s %c", m, sql, a.state, c.pg.PgConn().TxStatus()))
	c.count(a)
	return a
}

func (c *client) count(a answer) {
	c.tally.Lock()
	defer c.tally.Unlock()
	c.tally.statements++
	if a.state != "" {
		c.tally.states[a.state]++
	}
}

// same runs a statement through pgroute and then on the primary.
func (c *client) same(sql string) {
	m := mode(c.IntN(int(modes)))
	c.equal(sql, c.sendAs(m, sql), ask(c.direct, m, sql))
}

// equal compares two answers; one that took too long says nothing.
func (c *client) equal(sql string, got, want answer) {
	c.tally.Lock()
	defer c.tally.Unlock()
	if got.state == "57014" || want.state == "57014" {
		c.tally.timeouts++
		return
	}
	c.tally.compared++
	if got.values != want.values || got.state != want.state {
		c.t.Errorf("client %d: %s\npgroute: %s%s %s\nprimary: %s%s %s\nafter\n%s", c.id, sql,
			got.values, got.state, got.text, want.values, want.state, want.text, strings.Join(c.trail, "\n"))
	}
}

// expect runs a statement of which the only value, or the SQLSTATE, is known.
func (c *client) expect(sql, want string) {
	if a := c.sendAs(modeString, sql); a.values != want && a.state != want && a.state != "57014" {
		c.t.Errorf("client %d: %s\ngives %s%s %s, not %s, after\n%s", c.id, sql, a.values, a.state, a.text, want, strings.Join(c.trail, "\n"))
	}
}

// value is how ask gives a row of one value by the simple protocol.
func value(v any) string { return fmt.Sprintf("[%q]", fmt.Sprint(v)) }
