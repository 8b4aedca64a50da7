package catalog

import (
	"context"
	"fmt"

	"github.com/jackc/pgx/v5"
)

// The rows of a load, in the order of the columns of their queries.
type (
	functionRow struct {
		OID                                                 uint32
		Schema, Name, Volatility, Kind, Language, Extension string
		OneComposite                                        bool
		Types                                               []uint32 // of arguments and result
		Defaults, Source, Body                              string
	}
	builtinFunctionRow struct {
		OID                      uint32
		Schema, Name, Volatility string
	}
	builtinRelationRow struct {
		OID          uint32
		Schema, Name string
	}
	operatorRow struct {
		OID          uint32
		Schema, Name string
		Function     uint32
	}
	castRow struct {
		Target, Function uint32
		Context          string
	}
	typeRow struct {
		OID                uint32
		Schema, Name, Kind string
		Base, Element      uint32
		Functions          []uint32
	}
	relationRow struct {
		OID                             uint32
		Schema, Name, Kind, Persistence string
		RowSecurity                     bool
	}
	linkRow struct{ From, To uint32 }
	treeRow struct {
		OID  uint32
		Tree string
	}
)

// contents is what a load read of one database, in one snapshot of it.
type contents struct {
	version          int // server_version_num
	functions        []functionRow
	builtinFunctions []builtinFunctionRow
	builtinRelations []builtinRelationRow
	aggregates       []linkRow
	operators        []operatorRow
	casts            []castRow
	types            []typeRow
	domainChecks     []treeRow
	relations        []relationRow
	inherits         []linkRow
	rules            []treeRow
	policies         []treeRow
	support          []uint32
	strategies       []uint32
}

// state identifies the state of a database's catalogue: nothing was committed
// between two equal snapshots, nothing that matters between two equal
// signatures.
type state struct{ snapshot, signature string }

// prepare makes a fresh connection fit for what follows: names resolve to
// pg_catalog whatever the role's settings are.
func prepare(ctx context.Context, c *pgx.Conn) error {
	_, err := c.Exec(ctx, "SET search_path = pg_catalog; SET jit = off; SET default_transaction_read_only = on")
	if err != nil {
		return fmt.Errorf("prepare the catalogue's connection: %w", err)
	}
	return nil
}

// check tells the state now; the signature is empty when nothing was
// committed since the snapshot known.
func check(ctx context.Context, c *pgx.Conn, known string) (state, error) {
	var s state
	if err := c.QueryRow(ctx, checkQuery, known).Scan(&s.snapshot, &s.signature); err != nil {
		return s, fmt.Errorf("check the catalogue for changes: %w", err)
	}
	return s, nil
}

// load reads the catalogue and its state in one snapshot.
func load(ctx context.Context, c *pgx.Conn) (*contents, state, error) {
	tx, err := c.BeginTx(ctx, pgx.TxOptions{IsoLevel: pgx.RepeatableRead, AccessMode: pgx.ReadOnly})
	if err != nil {
		return nil, state{}, fmt.Errorf("begin to load the catalogue: %w", err)
	}
	defer tx.Rollback(ctx) // does nothing once it is committed
	var s state
	var d contents
	err = tx.QueryRow(ctx, checkQuery, "").Scan(&s.snapshot, &s.signature)
	if err == nil {
		err = tx.QueryRow(ctx, "SELECT current_setting('server_version_num')::int").Scan(&d.version)
	}
	if err == nil {
		err = d.read(ctx, tx)
	}
	if err == nil {
		// Not rolled back: reading may have written WAL (hint bits, pruning),
		// which only the end of a commit marks for flushing. Left unflushed on
		// an idle primary it would look like something standbys do not have.
		err = tx.Commit(ctx)
	}
	if err != nil {
		return nil, state{}, fmt.Errorf("load the catalogue: %w", err)
	}
	return &d, s, nil
}

// read fills in everything.
func (d *contents) read(ctx context.Context, tx pgx.Tx) error {
	body := sqlBody
	if d.version < 140000 {
		body = noSQLBody
	}
	for _, f := range []func() error{
		func() error { return rows(ctx, tx, fmt.Sprintf(functionsQuery, body), &d.functions) },
		func() error { return rows(ctx, tx, builtinFunctionsQuery, &d.builtinFunctions) },
		func() error { return rows(ctx, tx, builtinRelationsQuery, &d.builtinRelations) },
		func() error { return rows(ctx, tx, aggregatesQuery, &d.aggregates) },
		func() error { return rows(ctx, tx, operatorsQuery, &d.operators) },
		func() error { return rows(ctx, tx, castsQuery, &d.casts) },
		func() error { return rows(ctx, tx, typesQuery, &d.types) },
		func() error { return rows(ctx, tx, domainChecksQuery, &d.domainChecks) },
		func() error { return rows(ctx, tx, relationsQuery, &d.relations) },
		func() error { return rows(ctx, tx, inheritsQuery, &d.inherits) },
		func() error { return rows(ctx, tx, rulesQuery, &d.rules) },
		func() error { return rows(ctx, tx, policiesQuery, &d.policies) },
		func() error { return column(ctx, tx, supportQuery, &d.support) },
		func() error { return column(ctx, tx, strategiesQuery, &d.strategies) },
	} {
		if err := f(); err != nil {
			return err
		}
	}
	return nil
}

// rows reads all rows of a query into structs by position.
func rows[T any](ctx context.Context, tx pgx.Tx, query string, to *[]T) error {
	r, err := tx.Query(ctx, query)
	if err == nil {
		*to, err = pgx.CollectRows(r, pgx.RowToStructByPos[T])
	}
	return err
}

// column reads a query of one column.
func column[T any](ctx context.Context, tx pgx.Tx, query string, to *[]T) error {
	r, err := tx.Query(ctx, query)
	if err == nil {
		*to, err = pgx.CollectRows(r, pgx.RowTo[T])
	}
	return err
}
