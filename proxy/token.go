package proxy

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/pgroute/pgroute/backend"
	"github.com/pgroute/pgroute/health"
	"github.com/pgroute/pgroute/internal/cluster"
	"github.com/pgroute/pgroute/internal/pg"
)

// A token is a position in the cluster's history, as text for other sessions
// and other instances of pgroute: "system identifier/timeline/LSN". Who sets
// pgroute.min_lsn to it sees everything the giver had written and seen.

// token writes a position; empty for none.
func token(p pg.Position) string {
	if p.LSN == pg.InvalidLSN {
		return ""
	}
	return fmt.Sprintf("%d/%d/%s", p.SystemID, p.Timeline, p.LSN)
}

// parseToken reads a token of this cluster, or a bare LSN, which is one of the
// accepted timeline. The empty string is no position.
func parseToken(s string, snap *cluster.Snapshot) (p pg.Position, ok bool) {
	if s == "" {
		return pg.Position{}, true
	}
	parts := strings.SplitN(s, "/", 3)
	p = pg.Position{SystemID: snap.SystemID, Timeline: snap.Timeline}
	if len(parts) == 3 {
		system, err1 := strconv.ParseUint(parts[0], 10, 64)
		timeline, err2 := strconv.ParseUint(parts[1], 10, 32)
		known := snap.SystemID == 0 || system == snap.SystemID
		if err1 != nil || err2 != nil || timeline == 0 || !known {
			return pg.Position{}, false
		}
		p.SystemID, p.Timeline, s = system, pg.TimelineID(timeline), parts[2]
	}
	lsn, err := pg.ParseLSN(s)
	if err != nil || lsn == pg.InvalidLSN || p.Timeline == 0 {
		return pg.Position{}, false
	}
	p.LSN = lsn
	return p, true
}

// tokenWait bounds how long SHOW pgroute.lsn may take.
const tokenWait = time.Second

// asked is the answer to the one question for a token that a session may have
// open. The unit that wants it stays at the head of the input meanwhile.
type asked struct {
	number uint64 // tells late answers to a session that is elsewhere by now
	there  bool   // the answer is here, for the unit at hand
	at     pg.Position
}

// askToken has the primary asked for its position now, which covers whatever
// the session has written or seen so far. The input waits for the answer.
func (s *session) askToken(u *unit) {
	if s.asked == nil {
		s.asked = &asked{}
	}
	s.asked.number++
	number, link := s.asked.number, s.link
	if link == nil {
		s.await(u, 2*tokenWait, waitToken)
	} else {
		s.state.busy = true
	}
	s.w.monitor.AwaitFence(health.FenceRequest{Budget: tokenWait}, func(r health.FenceResult) {
		s.w.loop.Post(func() { s.gotToken(number, link, r.Fence) })
	})
}

// gotToken goes on with the unit that wanted the token.
func (s *session) gotToken(number uint64, link *backend.Conn, at pg.Position) {
	waits := s.phase == phaseWaiting && s.wait.kind == waitToken || s.phase == phaseLinked && s.state.busy
	if s.asked.number != number || s.link != link || !waits {
		return
	}
	s.asked.there, s.asked.at = true, at
	if link != nil {
		s.state.busy = false
	} else {
		s.unwaitTimer()
		s.move(phaseIdle)
	}
	s.resume()
}

// takeToken gives the answer that came for the unit at hand.
func (s *session) takeToken() (string, *pg.Error) {
	at := s.asked.at
	s.asked.there = false
	if at.LSN == pg.InvalidLSN {
		at = s.knownPosition()
	}
	if at.LSN == pg.InvalidLSN {
		return "", pg.Errorf(pg.CannotConnectNow, "pgroute could not learn the primary's position").
			WithHint("No primary answered within %s; try again.", tokenWait)
	}
	return token(at), nil
}

// knownPosition is a position that covers the session by what was probed: for
// clusters without a standby that could be read, where nobody asks for fences.
func (s *session) knownPosition() pg.Position {
	snap, k := s.w.view.Snap, &s.facts.Session
	p := snap.PrimaryNode()
	if p == nil || p.Timeline != snap.Timeline || !p.SampledAt.After(k.DirtySince) || !p.SampledAt.After(k.ReadAt) {
		return pg.Position{}
	}
	return pg.Position{SystemID: snap.SystemID, Timeline: snap.Timeline, LSN: p.SafeLSN}
}
