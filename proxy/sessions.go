package proxy

import (
	"cmp"
	"context"
	"slices"
	"strings"
	"time"

	"github.com/pgroute/pgroute/internal/cluster"
	"github.com/pgroute/pgroute/internal/wire"
)

// SessionInfo is what a client session does at one moment. Its texts are not
// in it.
type SessionInfo struct {
	PID            uint32 // as BackendKeyData told the client
	Client         string // address
	User, Database string
	Phase          string
	// Node serves the session, or is what it waits for; NoNode for none.
	Node cluster.NodeID
	// Transaction: a transaction is open on the link.
	Transaction bool
	Pins        string // reasons why it keeps its connection, comma separated
	// Waits says what for, and Since when; empty while it does not wait.
	Waits string
	Since time.Time
}

var waitNames = [...]string{
	waitNone: "", waitConn: "server_connection", waitFence: "fence", waitHold: "hold", waitRetry: "primary_retry",
}

// Sessions describes up to limit sessions that do something or keep something:
// all but the idle ones, the held and waiting ones first. total counts them
// all. Loops that do not answer before ctx ends are left out.
func (s *Server) Sessions(ctx context.Context, limit int) (list []SessionInfo, total int) {
	answers := make(chan []SessionInfo, len(s.workers))
	asked := 0
	for _, w := range s.workers {
		if w.loop.Post(func() { answers <- w.busySessions() }) {
			asked++
		}
	}
	for range asked {
		select {
		case some := <-answers:
			list = append(list, some...)
		case <-ctx.Done():
		}
	}
	slices.SortFunc(list, func(a, b SessionInfo) int {
		return cmp.Or(strings.Compare(b.Waits, a.Waits), a.Since.Compare(b.Since), cmp.Compare(a.PID, b.PID))
	})
	return list[:min(limit, len(list))], len(list)
}

// busySessions is called on the loop.
func (w *worker) busySessions() (list []SessionInfo) {
	for s := range w.sessions {
		if s.phase != phaseIdle && s.phase != phaseClosing {
			list = append(list, s.info())
		}
	}
	return list
}

// info describes a session.
func (s *session) info() SessionInfo {
	i := SessionInfo{
		PID: s.key.pid, Phase: s.phase.String(), Node: cluster.NoNode, Pins: s.state.pins.String(),
	}
	if addr := s.conn.RemoteAddr(); addr != nil {
		i.Client = addr.String()
	}
	switch {
	case s.user != nil:
		i.User, i.Database = s.user.tenant.User, s.user.tenant.Database
	case s.login != nil:
		i.User, i.Database = s.login.user, s.login.database
	}
	switch {
	case s.link != nil:
		i.Node, i.Transaction = s.node, s.link.Tx() != wire.TxIdle
	case s.wait != nil && s.wait.kind != waitNone:
		i.Waits, i.Since = waitNames[s.wait.kind], s.wait.since
		if s.wait.kind == waitConn || s.wait.kind == waitRetry {
			i.Node = s.target
		}
	}
	return i
}
