// Command demo is the tour behind make demo: a real cluster with pgroute in
// front, and one client connection that writes, reads, sees a standby fall
// behind and the primary die. Where a statement ran is not guessed: after every
// step each node is asked, through pg_stat_statements, what it executed.
//
// It exits with an error when anything goes otherwise than told.
package main
