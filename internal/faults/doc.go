// Package faults holds no code, only tests: a whole pgroute in front of real
// servers that are killed, frozen, stopped, promoted and brought back while
// clients work. Each test breaks one thing and is named for the promise that
// must hold all the same.
//
// What clients were told is kept in ledgers and compared with what the
// surviving servers hold; every checker is shown to catch a planted violation.
package faults
