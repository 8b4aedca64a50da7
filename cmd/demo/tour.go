package main

import (
	"context"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/jackc/pgx/v5"

	"github.com/pgroute/pgroute/internal/lab"
)

// tour is an application on its way: a client that does this and that, and
// readers, which share out over the standbys. No connection is ever renewed.
type tour struct {
	lab     *lab.Lab
	client  *pgx.Conn
	readers []*pgx.Conn
	out     io.Writer
}

// say prints a sentence of the tour.
func (t *tour) say(format string, args ...any) {
	fmt.Fprintf(t.out, format+"\n", args...)
}

// title opens a chapter.
func (t *tour) title(text string) { t.say("\n── %s", text) }

// steps is the tour, chapter by chapter.
func (t *tour) steps(ctx context.Context) error {
	for _, chapter := range []func(context.Context) error{
		t.readsGoToStandbys, t.whatLooksLikeARead, t.transactions, t.slowStandby, t.failover, t.oldPrimaryReturns,
	} {
		if err := chapter(ctx); err != nil {
			return err
		}
	}
	return nil
}

func (t *tour) readsGoToStandbys(ctx context.Context) error {
	t.title("Writes go to the primary, reads to the standbys")
	if err := t.expect(ctx, "primary", "it writes", "INSERT INTO orders (item) VALUES ('tea')"); err != nil {
		return err
	}
	var seen int
	where, err := t.watch(ctx, func() error {
		return t.client.QueryRow(ctx, "SELECT count(*) FROM orders WHERE item = 'tea'").Scan(&seen)
	})
	if err != nil {
		return err
	}
	if seen != 1 {
		return fmt.Errorf("the session's own row was not there right after its INSERT (read on %s)", where)
	}
	t.say("  SELECT of that row at once    → %s, and the row was there: a session always sees what it wrote", where)
	return t.spread(ctx, "standby1", "standby2")
}

func (t *tour) whatLooksLikeARead(ctx context.Context) error {
	t.title("Not everything that says SELECT is a read")
	// A session that used a sequence ends with its primary, for currval() does,
	// and this one shall live. So somebody else calls nextval().
	client := t.client
	defer func() { t.client = client }()
	other, err := pgx.ConnectConfig(ctx, client.Config())
	if err != nil {
		return err
	}
	defer other.Close(ctx)
	t.client = other
	for _, s := range []struct{ because, sql string }{
		{"it locks rows", "SELECT id FROM orders WHERE id = 1 FOR UPDATE"},
		{"it uses a sequence", "SELECT nextval('orders_id_seq')"},
		{"the function is volatile and may write; it does", "SELECT place_order('cake')"},
		{"the query inside WITH writes", "WITH gone AS (DELETE FROM orders WHERE id = 2 RETURNING id) SELECT * FROM gone"},
		{"advisory locks hold on one node only", "SELECT pg_advisory_xact_lock(1)"},
	} {
		if err := t.expect(ctx, "primary", s.because, s.sql); err != nil {
			return err
		}
	}
	return nil
}

func (t *tour) transactions(ctx context.Context) error {
	t.title("Transactions stay whole")
	if err := t.transaction(ctx, "BEGIN READ ONLY; SELECT …; COMMIT", "standby",
		"it promised to read only", pgx.TxOptions{AccessMode: pgx.ReadOnly}); err != nil {
		return err
	}
	return t.transaction(ctx, "BEGIN; SELECT …; COMMIT", "primary",
		"what else it will do is not known at BEGIN", pgx.TxOptions{})
}

// transaction runs one read in a transaction of a reader, and holds on what kind
// of node it ran.
func (t *tour) transaction(ctx context.Context, title, role, because string, mode pgx.TxOptions) error {
	where, err := t.watch(ctx, func() error {
		return pgx.BeginTxFunc(ctx, t.readers[0], mode, func(tx pgx.Tx) error {
			var n int
			return tx.QueryRow(ctx, "SELECT count(*) FROM orders").Scan(&n)
		})
	})
	if err != nil {
		return fmt.Errorf("%s: %w", title, err)
	}
	t.tell(title, where, because)
	if !strings.HasPrefix(where.String(), role) {
		return fmt.Errorf("%s ran on %q, not on a %s", title, where, role)
	}
	return nil
}

// expect runs a statement and holds that one node executed it.
func (t *tour) expect(ctx context.Context, node, because, sql string) error {
	where, err := t.watch(ctx, func() error {
		_, err := t.client.Exec(ctx, sql)
		return err
	})
	if err != nil {
		return fmt.Errorf("%s: %w", sql, err)
	}
	t.tell(sql, where, because)
	if where.String() != node {
		return fmt.Errorf("%s ran on %q, not on %s", sql, where, node)
	}
	return nil
}

// tell prints where a statement went and why.
func (t *tour) tell(sql string, where places, because string) {
	const most = 44
	if utf8.RuneCountInString(sql) > most {
		sql = sql[:most-1] + "…" // the tour's longer statements are ASCII
	}
	t.say("  %-*s → %s, because %s", most, sql, where, because)
}

// spread runs reads until all the named nodes, and no others, share them. It
// takes a moment after a change: pgroute looks every half second.
func (t *tour) spread(ctx context.Context, nodes ...string) error {
	began := time.Now()
	for {
		where, err := t.watch(ctx, func() error { return t.read(ctx) })
		if err != nil {
			return err
		}
		if slices.Equal(slices.Sorted(maps.Keys(where)), nodes) {
			t.say("  %d SELECTs of %d readers → %s (%v after the change)", readers*readsEach, readers,
				where.counts(), time.Since(began).Round(10*time.Millisecond))
			return nil
		}
		if time.Since(began) > settleLimit {
			return fmt.Errorf("reads go to %s, not to %s", where.counts(), strings.Join(nodes, " and "))
		}
	}
}

const (
	readers   = 10
	readsEach = 5
	// settleLimit bounds how long a change may take to show in where reads go.
	settleLimit = 30 * time.Second
)

// read has every reader look up some orders.
func (t *tour) read(ctx context.Context) error {
	for i, conn := range t.readers {
		for j := range readsEach {
			id := 10 + i*readsEach + j
			var item string
			if err := conn.QueryRow(ctx, "SELECT item FROM orders WHERE id = $1", id).Scan(&item); err != nil {
				return fmt.Errorf("reader %d, order %d: %w", i, id, err)
			}
		}
	}
	return nil
}
