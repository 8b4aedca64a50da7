// Package catalog keeps, for every database that sessions use, what the
// router must know of its functions, relations, operators and types, as an
// immutable value (Live) that implements router.Catalog.
//
// A load reads pg_proc, pg_class, pg_type, pg_operator, pg_cast, pg_rewrite,
// pg_policy and their kin in one snapshot of the primary, as the monitor role,
// which needs no more than CONNECT. Objects made by initdb come from
// router.Builtins instead. What one object needs, all that reach it need:
// verdicts travel from functions to views, operators, casts, domains, row
// security policies, parents of partitions and other functions, until nothing
// changes (graph.go).
//
// # Whom to believe
//
// A volatile function needs the primary, whatever it does. A stable or
// immutable one is believed, unless its source names something that needs the
// primary: volatility is a promise of its author, and PostgreSQL does not stop
// a stable function from taking an advisory lock.
//
// # When the catalogue changes
//
// DDL that passes through pgroute calls Hold when it is sent and Release when
// its transaction has ended; in between and until a look at the primary that
// began afterwards, the database has only built-in objects and everything else
// is unknown, so goes to the primary. A catalogue is never taken for fresh by
// a look that began before the DDL ended.
//
// DDL done elsewhere is found by asking the primary every Interval whether
// anything was committed at all and, if so, whether the rows that matter have
// changed. For that long, or fifty times what the question costs if that is
// more, an old verdict may be used. What can go wrong then: a function or view
// that was harmless and has become one that writes is tried on a standby that
// has replayed the change, which refuses it (25006), and the statement is run
// again on the primary. What a standby does not refuse (an advisory lock, a
// dblink call) would be done there, once, in that window only; nothing short of
// asking the primary before every read could close it.
//
// When the primary cannot be reached no DDL is expected, and the catalogue
// stays in use, so that reads go on. When it can be reached and yet cannot be
// asked, the catalogue is dropped after Trust.
//
// The package starts goroutines only inside Run, and For never blocks.
package catalog
