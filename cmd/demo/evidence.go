package main

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"

	"github.com/pgroute/pgroute/internal/lab"
)

// places counts executed statements by node.
type places map[string]int

// String names the nodes.
func (p places) String() string { return strings.Join(slices.Sorted(maps.Keys(p)), " and ") }

// counts names the nodes with their numbers.
func (p places) counts() string {
	var parts []string
	for _, node := range slices.Sorted(maps.Keys(p)) {
		parts = append(parts, fmt.Sprintf("%s %d", node, p[node]))
	}
	return strings.Join(parts, ", ")
}

// watch does something and tells where the application's statements ran, by
// asking every node itself.
func (t *tour) watch(ctx context.Context, do func() error) (places, error) {
	const forget = "SELECT (pg_stat_statements_reset() IS NULL)::int * 0"
	if _, err := t.askNodes(ctx, forget); err != nil {
		return nil, err
	}
	if err := do(); err != nil {
		return nil, err
	}
	// What pgroute does to clean or prepare a connection is not the application's.
	const executed = `SELECT coalesce(sum(calls), 0)::int FROM pg_stat_statements
		JOIN pg_roles ON pg_roles.oid = userid AND rolname = '` + appRole + `'
		WHERE query !~* '^(set|reset|discard|deallocate|begin|commit|select pg_catalog.current_setting)'`
	return t.askNodes(ctx, executed)
}

// askNodes puts a question to every running node at once and keeps the numbers
// that are not 0.
func (t *tour) askNodes(ctx context.Context, sql string) (places, error) {
	var mu sync.Mutex
	found := places{}
	var wg sync.WaitGroup
	var failed error
	for _, n := range t.lab.Nodes() {
		if !n.Running() {
			continue
		}
		wg.Go(func() {
			calls, err := askNode(ctx, n, sql)
			mu.Lock()
			defer mu.Unlock()
			if err != nil {
				failed = err
			} else if calls > 0 {
				found[n.Name] = calls
			}
		})
	}
	wg.Wait()
	return found, failed
}

func askNode(ctx context.Context, n *lab.Node, sql string) (number int, err error) {
	conn, err := n.Connect(ctx, "postgres")
	if err != nil {
		return 0, err
	}
	defer conn.Close(ctx)
	err = conn.QueryRow(ctx, sql).Scan(&number)
	return number, err
}
