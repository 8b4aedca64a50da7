// Package lab runs a real PostgreSQL cluster on this machine: a primary made
// by initdb and standbys made by pg_basebackup -R, streaming over physical
// slots. It can crash, stop, start, promote and rewind nodes, and pause replay.
//
// One directory holds everything a lab has: data directories, logs, sockets,
// passwords and lab.json, by which another process finds it (Open). Who runs
// and in which role is never remembered; it is read from the processes and
// asked of the servers, so promotion by anyone else is seen too.
//
// The process that called Start owns the nodes: its death stops them (Linux),
// and Stop deletes the directory. What a crashed run left behind is stopped
// and removed by the next Start in the same directory.
//
// # Roles
//
// Every cluster has three roles and no application schema:
//
//   - postgres, the superuser;
//   - replicator (LOGIN REPLICATION), which standbys stream as;
//   - pgroute (LOGIN REPLICATION, member of pg_monitor), the monitor. It is no
//     superuser. REPLICATION lets it read timeline histories; SELECT on
//     pg_catalog.pg_authid in database postgres lets auth_query read verifiers.
//
// The package refuses to touch a directory that is not a lab's, or processes
// that do not run in one. A lab is throw-away: fsync is off by default.
package lab
