// Command parsercheck compares the router's classification, which reads
// tokens, with what PostgreSQL's own parser says of the same statements.
//
// It walks SQL found on the machine (what PostgreSQL and its extensions ship,
// pgbench's scripts), what ORMs and drivers were recorded to send (record),
// reports, files named on its command line, and generated queries. Every query
// nested in another statement is judged once more by itself. Two numbers come
// out: how often the router took for a read what the tree says is none, which
// must be zero, and the share of the tree's reads that the router recognised.
//
// It is a module of its own, so that pgroute depends on no parser and no cgo.
package main
