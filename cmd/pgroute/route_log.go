package main

import (
	"bytes"
	"iter"
	"regexp"
)

// logged is a query string that a server has logged.
type logged struct {
	session string // the server process, empty when the prefix does not tell
	text    []byte
}

// logLine finds statements in a server's log of the stderr format: what
// log_statement and log_min_duration_statement write, in front of it whatever
// log_line_prefix says. Parse and bind steps are left out: only what was
// executed counts.
func logLine() *regexp.Regexp {
	return regexp.MustCompile(`^(.*?)LOG:  (?:duration: [0-9.]+ ms  )?(?:statement|execute (?:fetch from )?[^:]+): (.*)`)
}

// processID finds %p of the usual prefixes: "[123]" or "pid=123".
func processID() *regexp.Regexp { return regexp.MustCompile(`\[([0-9]+)(?:-[0-9]+)?\]|pid=([0-9]+)`) }

// splitLog gives the query strings of a server's log. Lines that begin with a
// tab go on with the one before.
func splitLog(text []byte) iter.Seq[logged] {
	return func(yield func(logged) bool) {
		head, pid := logLine(), processID()
		var entry *logged
		flush := func() bool { return entry == nil || yield(*entry) }
		for line := range bytes.Lines(text) {
			if len(line) > 0 && line[0] == '\t' {
				if entry != nil {
					entry.text = append(entry.text, line[1:]...)
				}
				continue
			}
			if !flush() {
				return
			}
			entry = nil
			if m := head.FindSubmatch(line); m != nil {
				entry = &logged{text: append(bytes.Clone(m[2]), '\n')}
				if p := pid.FindSubmatch(m[1]); p != nil {
					entry.session = string(p[1]) + string(p[2])
				}
			}
		}
		flush()
	}
}

// routeLog routes what a server's log tells, each process being a session.
func routeLog(text []byte, sim *simulator, rep *routeReport) {
	sessions := map[string]*simulator{}
	for e := range splitLog(text) {
		s := sessions[e.session]
		if s == nil {
			s = newSimulator(sim.cat, sim.path, sim.view.Snap)
			sessions[e.session] = s
		}
		rep.add(s.route(e.text))
	}
}
