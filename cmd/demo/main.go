package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"syscall"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/pgroute/pgroute/internal/lab"
)

// Limits, far above what the tour takes.
const (
	tourLimit = 4 * time.Minute
	stopLimit = time.Minute
)

func main() {
	pgroute := flag.String("pgroute", "bin/pgroute", "the pgroute binary to tour")
	pgBin := flag.String("pg-bin", "", "directory of PostgreSQL's programs (default: the newest found)")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := run(ctx, *pgroute, *pgBin); err != nil {
		fmt.Fprintln(os.Stderr, "\ndemo:", err)
		os.Exit(1)
	}
}

// run brings everything up, gives the tour, and tears down.
func run(ctx context.Context, pgroute, pgBin string) (err error) {
	ctx, cancel := context.WithTimeout(ctx, tourLimit)
	defer cancel()
	began := time.Now()
	dir, err := os.MkdirTemp("", "pgroute-demo-*")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	l, err := lab.Start(ctx, lab.Options{Dir: filepath.Clean(dir), Standbys: 2, PgBin: pgBin})
	if err != nil {
		return err
	}
	defer func() {
		stopCtx, cancel := context.WithTimeout(context.Background(), stopLimit)
		defer cancel()
		err = errors.Join(err, l.Stop(stopCtx))
	}()
	t := &tour{lab: l, out: os.Stdout}
	defer t.disconnect(context.WithoutCancel(ctx))
	if err := t.setUp(ctx, pgroute); err != nil {
		return err
	}
	if err := t.steps(ctx); err != nil {
		return err
	}
	t.say("That was the tour, in %v. Every connection of the application is still the first.", time.Since(began).Round(time.Second))
	return nil
}

// setUp starts pgroute, makes an application's role and schema, and connects.
func (t *tour) setUp(ctx context.Context, program string) error {
	program, err := filepath.Abs(program)
	if err != nil {
		return err
	}
	ports, err := lab.ReservePorts(2)
	if err != nil {
		return err
	}
	defer ports.Release()
	listen, admin := fmt.Sprintf("127.0.0.1:%d", ports.Numbers[0]), fmt.Sprintf("127.0.0.1:%d", ports.Numbers[1])
	proxy, err := t.lab.StartProxy(ctx, lab.ProxyOptions{Program: program, Listen: listen, Admin: admin})
	if err != nil {
		return err
	}
	if err := t.lab.Node("primary").Exec(ctx, schema); err != nil {
		return err
	}
	if err := t.lab.WaitCaughtUp(ctx); err != nil {
		return err
	}
	dsn := "postgres://" + appRole + "@" + listen + "/postgres"
	if err := t.connect(ctx, dsn); err != nil {
		return fmt.Errorf("connect to pgroute: %w", err)
	}
	t.say("A cluster of %s is up: primary, standby1, standby2, and pgroute in front.", t.lab.Version())
	t.say("The application connects to %s; status page %s", dsn, proxy.StatusURL())
	return nil
}

// connect opens the client and the readers, once and for all.
func (t *tour) connect(ctx context.Context, dsn string) (err error) {
	if t.client, err = pgx.Connect(ctx, dsn); err != nil {
		return err
	}
	for range readers {
		conn, err := pgx.Connect(ctx, dsn)
		if err != nil {
			return err
		}
		t.readers = append(t.readers, conn)
	}
	return nil
}

// disconnect closes what connect opened.
func (t *tour) disconnect(ctx context.Context) {
	for _, conn := range t.readers {
		conn.Close(ctx)
	}
	if t.client != nil {
		t.client.Close(ctx)
	}
}

// appRole owns the application's schema. Statements of other roles, such as
// pgroute's own questions, do not count on the tour.
const appRole = "shop"

const schema = `
CREATE ROLE shop LOGIN;
GRANT CREATE ON SCHEMA public TO shop;
SET ROLE shop;
CREATE TABLE orders (id serial PRIMARY KEY, item text NOT NULL);
CREATE FUNCTION place_order(what text) RETURNS int LANGUAGE sql AS
	'INSERT INTO orders (item) VALUES (what) RETURNING id';
INSERT INTO orders (item) SELECT 'item ' || i FROM generate_series(1, 100) i;
`
