package auth

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"sync"
	"time"

	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgtype"

	"github.com/pgroute/pgroute/internal/secret"
)

// QueryNode is a server that can be asked.
type QueryNode struct {
	Name   string
	Config *pgconn.Config // as the monitor role; its password makes it secret
}

// QueryOptions configures a QuerySource.
type QueryOptions struct {
	// SQL is [auth] auth_query: $1 is the user name; it returns at most one
	// row of role name and verifier. Columns named rolcanlogin (boolean) and
	// rolvaliduntil (timestamptz) are heeded, others ignored.
	SQL string
	// Nodes gives the servers to ask, the best first: the primary, then
	// standbys, whose answer may lag behind. Called for every question.
	Nodes func() []QueryNode
	// Timeout bounds the attempt on one node, 3 s if zero.
	Timeout time.Duration
	// MaxConns bounds the connections open at once, 4 if zero.
	MaxConns int
}

// QuerySource asks servers through auth_query. It opens connections on demand
// and keeps those of the node that answered last. Close it when done.
type QuerySource struct {
	secret.Redacted
	opts   QueryOptions
	slots  chan struct{}
	mu     sync.Mutex
	idle   []*queryConn
	closed bool
}

// queryConn is a connection and the node it leads to.
type queryConn struct {
	*pgconn.PgConn
	node string
}

// NewQuerySource makes a source; it opens nothing yet.
func NewQuerySource(o QueryOptions) *QuerySource {
	if o.Timeout <= 0 {
		o.Timeout = 3 * time.Second
	}
	if o.MaxConns <= 0 {
		o.MaxConns = 4
	}
	return &QuerySource{opts: o, slots: make(chan struct{}, o.MaxConns)}
}

// Close closes idle connections; those in use close when their query ends.
func (s *QuerySource) Close() {
	s.mu.Lock()
	idle := s.idle
	s.idle, s.closed = nil, true
	s.mu.Unlock()
	closeAll(idle)
}

// Fetch implements Source: it asks the first node that answers. An error of
// the query itself is final, because every node would give the same.
func (s *QuerySource) Fetch(ctx context.Context, user string) (Record, error) {
	select {
	case s.slots <- struct{}{}:
		defer func() { <-s.slots }()
	case <-ctx.Done():
		return Record{}, fmt.Errorf("wait for a connection to run auth_query: %w", ctx.Err())
	}
	errs := []error{errors.New("auth_query found no node that answers")}
	for _, node := range s.opts.Nodes() {
		rec, err := s.fetchFrom(ctx, node, user)
		var refused *pgconn.PgError
		switch {
		case err == nil:
			return rec, nil
		case errors.As(err, &refused) && !nodeTrouble(refused.Code):
			return Record{}, fmt.Errorf("auth_query on %s: %w", node.Name, err)
		case ctx.Err() != nil:
			return Record{}, fmt.Errorf("auth_query on %s: %w", node.Name, ctx.Err())
		}
		errs = append(errs, fmt.Errorf("%s: %w", node.Name, err))
	}
	return Record{}, errors.Join(errs...)
}

// nodeTrouble tells errors of one node from errors of the query: shutdown and
// start (57P0x), resources (53xxx), authentication (28xxx), lost (08xxx).
func nodeTrouble(code string) bool {
	if len(code) != 5 {
		return false
	}
	return code[:3] == "57P" || code[:2] == "53" || code[:2] == "28" || code[:2] == "08"
}

// fetchFrom asks one node. A kept connection may have died unnoticed, so a
// failure on one is tried again on a new one.
func (s *QuerySource) fetchFrom(ctx context.Context, node QueryNode, user string) (Record, error) {
	ctx, cancel := context.WithTimeout(ctx, s.opts.Timeout)
	defer cancel()
	if c := s.take(node.Name); c != nil {
		rec, err := s.query(ctx, c, user)
		if err == nil || ctx.Err() != nil || !c.IsClosed() {
			s.release(c)
			return rec, err
		}
	}
	conn, err := pgconn.ConnectConfig(ctx, node.Config)
	if err != nil {
		return Record{}, err
	}
	c := &queryConn{PgConn: conn, node: node.Name}
	rec, err := s.query(ctx, c, user)
	s.release(c)
	return rec, err
}

// take gives a kept connection to the node, nil when there is none.
func (s *QuerySource) take(node string) *queryConn {
	s.mu.Lock()
	defer s.mu.Unlock()
	for i, c := range s.idle {
		if c.node == node {
			s.idle = append(s.idle[:i], s.idle[i+1:]...)
			return c
		}
	}
	return nil
}

// release keeps a connection that is fit for use, and closes those kept for
// other nodes: the order of preference has changed.
func (s *QuerySource) release(c *queryConn) {
	if c.IsClosed() || c.IsBusy() {
		closeAll([]*queryConn{c})
		return
	}
	s.mu.Lock()
	drop, keep := []*queryConn{}, s.idle[:0:0]
	for _, other := range append(s.idle, c) {
		if s.closed || other.node != c.node {
			drop = append(drop, other)
		} else {
			keep = append(keep, other)
		}
	}
	s.idle = keep
	s.mu.Unlock()
	closeAll(drop)
}

// closeAll ends connections without waiting long for the servers.
func closeAll(conns []*queryConn) {
	for _, c := range conns {
		ctx, cancel := context.WithTimeout(context.Background(), time.Second)
		_ = c.Close(ctx)
		cancel()
	}
}

// query runs auth_query with results in binary, which do not depend on
// DateStyle and the like.
func (s *QuerySource) query(ctx context.Context, c *queryConn, user string) (Record, error) {
	const binaryFormat = 1
	r := c.ExecParams(ctx, s.opts.SQL, [][]byte{[]byte(user)}, nil, nil, []int16{binaryFormat}).Read()
	switch {
	case isBadName(r.Err):
		return Record{}, nil
	case r.Err != nil:
		return Record{}, r.Err
	case len(r.Rows) > 1:
		return Record{}, fmt.Errorf("auth_query returned %d rows for one user", len(r.Rows))
	case len(r.Rows) == 0:
		return Record{}, nil
	}
	return readRecord(user, r.FieldDescriptions, r.Rows[0])
}

// isBadName tells a user name that is no text in the database's encoding, and
// so cannot be that of a role (22021, 22P05).
func isBadName(err error) bool {
	var e *pgconn.PgError
	return errors.As(err, &e) && (e.Code == "22021" || e.Code == "22P05")
}

// readRecord reads the row: name and verifier by place, the rest by name.
func readRecord(user string, fields []pgconn.FieldDescription, row [][]byte) (Record, error) {
	if len(row) < 2 {
		return Record{}, errors.New("auth_query returned one column; it must return the role's name and its verifier")
	}
	if row[0] == nil {
		return Record{}, nil // a function that found nothing
	}
	if string(row[0]) != user {
		return Record{}, fmt.Errorf("auth_query was asked about one role and returned another (%q)", row[0])
	}
	rec := Record{Found: true}
	v, err := ParseVerifier(string(row[1]))
	if err != nil {
		rec.Problem = fmt.Sprintf(`User "%s" does not have a valid SCRAM secret (%v).`, user, err)
	} else {
		rec.Verifier = v
	}
	for i := 2; i < len(row); i++ {
		if err := rec.addColumn(&fields[i], row[i]); err != nil {
			return Record{}, err
		}
	}
	return rec, nil
}

// addColumn reads an optional column. NULL means that nothing is told.
func (rec *Record) addColumn(field *pgconn.FieldDescription, value []byte) error {
	switch {
	case value == nil:
	case field.Name == "rolcanlogin" && field.DataTypeOID == pgtype.BoolOID && len(value) == 1:
		rec.NoLogin = value[0] == 0
	case field.Name == "rolvaliduntil" && field.DataTypeOID == pgtype.TimestamptzOID && len(value) == 8:
		rec.ValidUntil = timestamp(int64(binary.BigEndian.Uint64(value)))
	case field.Name == "rolcanlogin" || field.Name == "rolvaliduntil":
		return fmt.Errorf("auth_query returned column %s in another type than pg_authid has", field.Name)
	}
	return nil
}

// timestamp turns timestamptz, microseconds since 2000, into a time. Infinity
// becomes the zero time, which stands for "for ever".
func timestamp(us int64) time.Time {
	const postgresEpoch = 946684800 // 2000-01-01 in seconds since 1970
	switch us {
	case math.MaxInt64:
		return time.Time{}
	case math.MinInt64:
		return time.Unix(0, 0)
	}
	return time.Unix(postgresEpoch+us/1_000_000, us%1_000_000*1_000)
}
