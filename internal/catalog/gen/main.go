// Command gen writes the list of built-in objects that the router knows
// without asking a server, from the catalogues of real servers, one DSN for
// each major version. Every name gets one character per version: the worst
// volatility over its overloads (i, s, v), x for what has none, - where the
// version lacks it. Views list the stable and volatile functions they reach.
//
//	go run ./internal/catalog/gen -o router/builtin_data.txt DSN…
package main

import (
	"bytes"
	"context"
	"flag"
	"fmt"
	"os"
	"time"

	"github.com/jackc/pgx/v5"
)

// The versions of the list, oldest first; the columns of the output.
const (
	oldest = 13
	newest = 18
)

func main() {
	out := flag.String("o", "", "file to write; standard output when empty")
	flag.Parse()
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Minute)
	defer cancel()
	if err := run(ctx, *out, flag.Args()); err != nil {
		fmt.Fprintln(os.Stderr, "gen:", err)
		os.Exit(1)
	}
}

// run reads every server and writes the list.
func run(ctx context.Context, out string, dsns []string) error {
	l := newList()
	for _, dsn := range dsns {
		if err := readServer(ctx, l, dsn); err != nil {
			return err
		}
	}
	for v := oldest; v <= newest; v++ {
		if l.servers[v] == "" {
			return fmt.Errorf("no server of version %d given", v)
		}
	}
	var b bytes.Buffer
	l.write(&b)
	if out == "" {
		_, err := os.Stdout.Write(b.Bytes())
		return err
	}
	return os.WriteFile(out, b.Bytes(), 0o644)
}

// readServer adds what one server has.
func readServer(ctx context.Context, l *list, dsn string) error {
	c, err := pgx.Connect(ctx, dsn)
	if err != nil {
		return fmt.Errorf("connect: %w", err)
	}
	defer c.Close(ctx)
	var num int
	var full string
	err = c.QueryRow(ctx, "SELECT current_setting('server_version_num')::int, current_setting('server_version')").Scan(&num, &full)
	if err != nil {
		return fmt.Errorf("ask for the version: %w", err)
	}
	major := num / 10000
	if major < oldest || major > newest {
		return fmt.Errorf("version %s is outside %d to %d", full, oldest, newest)
	}
	l.servers[major] = fmt.Sprintf("%d.%d", major, num%10000)
	for _, s := range simpleSources {
		if err := readSimple(ctx, c, l, s, major); err != nil {
			return err
		}
	}
	return readViews(ctx, c, l, major)
}
