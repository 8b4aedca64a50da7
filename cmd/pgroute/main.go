// Command pgroute routes PostgreSQL connections: serve, check, route, lab, bench.
package main

import (
	"context"
	"errors"
	"os"
	"os/signal"
	"syscall"

	"github.com/alecthomas/kong"
)

// cli is the command line; every command is a field.
type cli struct {
	Serve ServeCmd `cmd:"" help:"Run the proxy."`
	Check CheckCmd `cmd:"" help:"Validate the configuration and say what each node answers, and which privileges are missing."`
	Route RouteCmd `cmd:"" help:"Say where statements would go, and why: class, reason, effects, target."`
	Lab   LabCmd   `cmd:"" help:"Run a real PostgreSQL cluster on this machine with pgroute in front."`
	Bench BenchCmd `cmd:"" help:"Measure pgroute against a direct connection and other proxies."`
}

func main() {
	var c cli
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	k := kong.Parse(&c, kong.Name("pgroute"), kong.UsageOnError(), kong.BindTo(ctx, (*context.Context)(nil)))
	err := k.Run()
	var status exitError
	if errors.As(err, &status) {
		os.Exit(status.code)
	}
	k.FatalIfErrorf(err)
}
