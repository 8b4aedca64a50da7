package main

import (
	"context"
	"fmt"
	"slices"

	"github.com/jackc/pgx/v5"
	"github.com/pgroute/pgroute/internal/catalog/nodetree"
)

// builtin is the condition on an OID of what initdb made: below
// FirstNormalObjectId (src/include/access/transam.h).
const builtin = "oid < 16384"

// source is a query for schema, name and volatility of one kind of object.
type source struct{ kind, query string }

// simpleSources are the kinds whose volatility the catalogue tells at once.
// Of an operator and a type the volatility is that of the functions it runs:
// for a type its input and output functions, and every cast to it.
var simpleSources = []source{
	{"f", `SELECT nspname, proname, provolatile::text FROM pg_proc p
		JOIN pg_namespace n ON n.oid = pronamespace WHERE p.` + builtin},
	{"o", `SELECT nspname, oprname, provolatile::text FROM pg_operator o
		JOIN pg_namespace n ON n.oid = oprnamespace JOIN pg_proc p ON p.oid = oprcode WHERE o.` + builtin},
	{"t", `SELECT nspname, typname, provolatile::text FROM pg_type t
		JOIN pg_namespace n ON n.oid = typnamespace
		JOIN pg_proc p ON p.oid IN (typinput, typoutput, typmodin, typmodout) OR p.oid IN
			(SELECT castfunc FROM pg_cast WHERE casttarget = t.oid)
		WHERE t.` + builtin + ` AND typtype <> 'c' AND typcategory <> 'A' AND nspname <> 'pg_toast'`},
	{"r", `SELECT nspname, relname, 'x' FROM pg_class c
		JOIN pg_namespace n ON n.oid = relnamespace
		WHERE c.` + builtin + ` AND relkind = 'r' AND nspname IN ('pg_catalog', 'information_schema')`},
}

// readSimple adds the objects of one source.
func readSimple(ctx context.Context, c *pgx.Conn, l *list, s source, major int) error {
	rows, err := c.Query(ctx, s.query)
	if err != nil {
		return fmt.Errorf("read objects of kind %s: %w", s.kind, err)
	}
	var schema, name, volatility string
	_, err = pgx.ForEachRow(rows, []any{&schema, &name, &volatility}, func() error {
		l.add(s.kind, schema, name, major, volatility[0])
		return nil
	})
	if err != nil {
		return fmt.Errorf("read objects of kind %s: %w", s.kind, err)
	}
	return nil
}

// view is a system view as its rule tells it.
type view struct {
	schema, name string
	refs         nodetree.Refs
}

// readViews adds the system views with the functions they reach, through
// other views too.
func readViews(ctx context.Context, c *pgx.Conn, l *list, major int) error {
	functions, err := readUnstable(ctx, c)
	if err != nil {
		return err
	}
	views, err := readRules(ctx, c)
	if err != nil {
		return err
	}
	for oid, v := range views {
		reached := map[string]bool{}
		reach(views, functions, oid, map[uint32]bool{}, reached)
		l.add("v", v.schema, v.name, major, 'x')
		for f := range reached {
			l.reaches(v.schema, v.name, f)
		}
	}
	return nil
}

// readUnstable gives the names of the functions that are not immutable.
func readUnstable(ctx context.Context, c *pgx.Conn) (map[uint32]string, error) {
	rows, err := c.Query(ctx, `SELECT p.oid, proname FROM pg_proc p WHERE provolatile <> 'i' AND p.`+builtin)
	if err != nil {
		return nil, fmt.Errorf("read functions: %w", err)
	}
	functions := map[uint32]string{}
	var oid uint32
	var name string
	_, err = pgx.ForEachRow(rows, []any{&oid, &name}, func() error {
		functions[oid] = name
		return nil
	})
	return functions, err
}

// readRules gives what the rule of every system view refers to. Operators are
// told with their functions (opfuncid) in a stored rule.
func readRules(ctx context.Context, c *pgx.Conn) (map[uint32]*view, error) {
	rows, err := c.Query(ctx, `SELECT c.oid, nspname, relname, ev_action::text FROM pg_rewrite
		JOIN pg_class c ON c.oid = ev_class JOIN pg_namespace n ON n.oid = relnamespace
		WHERE ev_type = '1' AND c.`+builtin)
	if err != nil {
		return nil, fmt.Errorf("read rules: %w", err)
	}
	views := map[uint32]*view{}
	var oid uint32
	var schema, name, tree string
	_, err = pgx.ForEachRow(rows, []any{&oid, &schema, &name, &tree}, func() error {
		views[oid] = &view{schema: schema, name: name, refs: nodetree.Scan(tree)}
		return nil
	})
	return views, err
}

// reach adds the functions that a view calls, itself or through other views.
func reach(views map[uint32]*view, functions map[uint32]string, oid uint32, seen map[uint32]bool, to map[string]bool) {
	v := views[oid]
	if v == nil || seen[oid] {
		return
	}
	seen[oid] = true
	for _, f := range v.refs.Functions {
		if name, ok := functions[f]; ok {
			to[name] = true
		}
	}
	for _, r := range v.refs.Relations {
		reach(views, functions, r, seen, to)
	}
}

// sorted gives the keys of a set in order.
func sorted(set map[string]bool) []string {
	keys := make([]string, 0, len(set))
	for k := range set {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	return keys
}
