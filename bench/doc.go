// Package bench measures pgroute against a direct connection and against other
// proxies, on a real cluster that it starts for the purpose:
//
//   - Overhead: CPU of the proxy per query, throughput, latency, and memory per
//     idle client, of every proxy installed, in turn;
//   - ReadScaling: throughput of reads over the number of standbys;
//   - Failover: how long writes wait after a promotion, and what clients see;
//   - Staleness: reads that miss their own session's write, per level.
//
// Every result is a Report: a table for people, JSON for programs, and plots.
// Absolute numbers belong to one machine; what counts are ratios of targets that
// took turns in the same run, which is why this package runs the rivals itself,
// with configurations of its own (README.md in this directory tells which).
//
// The package owns every process it starts: they die with it, also when it is
// killed. It installs nothing and never touches a service of the system.
package bench
