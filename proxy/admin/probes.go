package admin

import (
	"context"
	"fmt"
	"net/http"
	"strings"

	"github.com/pgroute/pgroute/internal/cluster"
)

// readiness tells whether a login could be served now.
type readiness struct {
	State   string // ready, degraded or not_ready
	Reasons []string
}

// States of readiness. Degraded is ready: clients log in and read, but writes
// are held or refused.
const (
	stateReady    = "ready"
	stateDegraded = "degraded"
	stateNotReady = "not_ready"
)

// readiness judges the newest snapshot.
func (m *sample) readiness() readiness {
	var why []string
	if m.draining {
		why = append(why, "pgroute is shutting down")
	}
	if m.clients >= int64(m.max) {
		why = append(why, fmt.Sprintf("%d clients are connected and max_clients is %d", m.clients, m.max))
	}
	logins, reads := m.readable()
	if m.snap.PrimaryNode() == nil && logins == 0 {
		why = append(why, "no primary is known and no standby can be read: "+m.writesWhy())
	}
	switch {
	case len(why) > 0:
		return readiness{stateNotReady, why}
	case m.snap.Writes == cluster.WritesOpen:
		return readiness{State: stateReady}
	}
	verb := "held"
	if m.snap.Writes == cluster.WritesRefused {
		verb = "refused"
	}
	why = append(why, "writes are "+verb+": "+m.writesWhy())
	if len(reads) > 0 {
		why = append(why, "reads go to "+strings.Join(reads, ", "))
	}
	return readiness{stateDegraded, why}
}

// writesWhy says why writes are not open, even before anything was observed.
func (m *sample) writesWhy() string {
	if m.snap.WritesWhy != "" {
		return m.snap.WritesWhy
	}
	return strings.ReplaceAll(m.snap.Writes.String(), "_", " ")
}

// readable counts the standbys that can serve a login, and names those that
// are given reads.
func (m *sample) readable() (logins int, reads []string) {
	for i := range m.snap.Nodes {
		n := &m.snap.Nodes[i]
		if !n.Up || n.Exclusion != cluster.Eligible {
			continue
		}
		logins++
		if n.Weight > 0 {
			reads = append(reads, n.Name)
		}
	}
	return logins, reads
}

// serveReady answers 200 while a login could be served.
func (s *Sources) serveReady(w http.ResponseWriter, _ *http.Request) {
	r := s.takeQuick().readiness()
	code := http.StatusOK
	if r.State == stateNotReady {
		code = http.StatusServiceUnavailable
	}
	reply(w, code, append([]string{r.State}, r.Reasons...))
}

// serveHealth answers 200 while the process is alive: every event loop runs
// what it is given. A server that is down is no reason to restart pgroute.
func (s *Sources) serveHealth(w http.ResponseWriter, r *http.Request) {
	ctx, cancel := context.WithTimeout(r.Context(), loopLimit)
	defer cancel()
	lines, code := []string{"ok"}, http.StatusOK
	for i, l := range s.Server.Workers(ctx) {
		if !l.Responsive {
			lines[0], code = "not ok", http.StatusServiceUnavailable
			lines = append(lines, fmt.Sprintf("event loop %d did not answer within %s", i, loopLimit))
		}
	}
	reply(w, code, lines)
}

// reply writes lines of plain text.
func reply(w http.ResponseWriter, code int, lines []string) {
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	w.WriteHeader(code)
	_, _ = w.Write([]byte(strings.Join(lines, "\n") + "\n"))
}
