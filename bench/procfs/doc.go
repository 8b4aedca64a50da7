// Package procfs reads what a process and everything it started have used of
// the machine: CPU time from /proc/PID/stat, memory from /proc/PID/smaps_rollup.
// It is Linux's /proc and nothing else; on other systems every call fails.
package procfs
