package catalog

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
)

// loadTimeouts is how many timeouts a load may take.
const loadTimeouts = 10

// pgSource is a source over a connection of its own.
type pgSource struct {
	conn    *pgx.Conn
	timeout time.Duration
}

// dial connects to a database and prepares the connection.
func dial(ctx context.Context, cfg Config, database string) (source, error) {
	ctx, cancel := context.WithTimeout(ctx, cfg.Timeout)
	defer cancel()
	c, err := cfg.Dial(ctx, database)
	if err != nil {
		return nil, fmt.Errorf("connect to read the catalogue: %w", err)
	}
	s := &pgSource{conn: c, timeout: cfg.Timeout}
	if err := prepare(ctx, c); err != nil {
		s.close()
		return nil, err
	}
	return s, nil
}

func (s *pgSource) check(ctx context.Context, known string) (state, error) {
	ctx, cancel := context.WithTimeout(ctx, s.timeout)
	defer cancel()
	return check(ctx, s.conn, known)
}

func (s *pgSource) load(ctx context.Context) (*contents, state, error) {
	ctx, cancel := context.WithTimeout(ctx, loadTimeouts*s.timeout)
	defer cancel()
	return load(ctx, s.conn)
}

func (s *pgSource) close() {
	ctx, cancel := context.WithTimeout(context.Background(), s.timeout)
	defer cancel()
	s.conn.Close(ctx)
}
