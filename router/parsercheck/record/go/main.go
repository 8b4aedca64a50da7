// Command record is a shop in GORM (pgx below) or Bun (its own driver).
package main

import (
	"context"
	"fmt"
	"os"
	"runtime/debug"
	"time"
)

// show prints one result.
func show(what string, values ...any) { fmt.Println(append([]any{what}, values...)...) }

// must ends the program.
func must(err error) {
	if err != nil {
		fmt.Fprintf(os.Stderr, "%+v\n%s", err, debug.Stack())
		os.Exit(1)
	}
}

// version of a module this program was built with.
func version(path string) string {
	info, _ := debug.ReadBuildInfo()
	for _, m := range info.Deps {
		if m.Path == path {
			return m.Version
		}
	}
	return "?"
}

// day of January 2024.
func day(n int) time.Time { return time.Date(2024, 1, n, 12, 0, 0, 0, time.UTC) }

func main() {
	if os.Args[1] == "bun" {
		bunShop(context.Background())
		return
	}
	gormShop()
}
