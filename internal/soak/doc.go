// Package soak holds no code, only a test: several sessions at once send
// random statements over random objects through a whole pgroute to real
// servers, while DDL changes what those objects do. Functions lie about their
// volatility, views, operators, casts and policies hide them.
//
// Every function gives the same value whatever else it does, so that an answer
// through pgroute can be compared with the primary's own at any time. What the
// standbys were really asked is read from their logs and statistics, not from
// pgroute: see verdict_test.go for what must hold.
//
// The test in `go test` is short and has a fixed seed. PGROUTE_SOAK=5m makes it
// run that long with a new seed, which is printed; PGROUTE_SOAK_SEED repeats one.
package soak
