package proxy

import (
	"math"
	"strings"
	"time"

	"github.com/pgroute/pgroute/internal/cluster"
	"github.com/pgroute/pgroute/internal/pg"
	"github.com/pgroute/pgroute/internal/wire"
	"github.com/pgroute/pgroute/router"
)

// Settings of pgroute's own, pgroute.*, say what a session wants of the
// router. They are not PostgreSQL's: no server is ever told of them, they know
// no transaction, and RESET ALL and DISCARD ALL end them.

// ownPrefix begins the names of pgroute's own settings.
const ownPrefix = "pgroute."

// wishes are what a session has asked for, strongest first.
type wishes struct {
	set     router.Wish // by SET
	startup router.Wish // by the startup packet
}

// SQLSTATEs of settings that cannot be (errcodes.txt).
const (
	undefinedObject pg.SQLState = "42704"
	cannotChange    pg.SQLState = "55P02"
)

// ownSettings lists the settings for hints, in words.
const ownSettings = "pgroute.role, pgroute.consistency, pgroute.max_staleness, pgroute.min_lsn, and pgroute.lsn, which can only be shown"

// noLimit stands for max_staleness = 0, which lifts a limit of the
// configuration's.
const noLimit = time.Duration(math.MaxInt64)

// isOwnSetting tells pgroute's settings by their name.
func isOwnSetting(name string) bool {
	return len(name) >= len(ownPrefix) && strings.EqualFold(name[:len(ownPrefix)], ownPrefix)
}

// setWish changes one field of a wish by the setting's name, in lower case.
func setWish(w *router.Wish, name, value string, snap *cluster.Snapshot) *pg.Error {
	ok, allowed := true, ""
	switch name {
	case "pgroute.role":
		w.Target, ok = router.ParseTarget(value)
		allowed = "any, primary, standby"
	case "pgroute.consistency":
		w.Consistency, ok = router.ParseConsistency(value)
		allowed = "eventual, session, proxy, strong"
	case "pgroute.max_staleness":
		w.MaxStaleness, ok = router.ParseStaleness(value)
		w.HasStaleness = ok
		if ok && w.MaxStaleness == 0 {
			w.MaxStaleness = noLimit
		}
		allowed = `a time such as 200ms or 5s, a number of milliseconds, or 0 for no limit`
	case "pgroute.min_lsn":
		w.MinLSN, ok = parseToken(value, snap)
		allowed = "what SHOW pgroute.lsn gave in another session of this cluster, or an LSN of the present primary"
	default:
		return noSuchSetting(name)
	}
	if !ok {
		return pg.Errorf(pg.InvalidParameterValue, "invalid value for parameter %q: %q", name, value).
			WithHint("Available values: %s.", allowed)
	}
	return nil
}

// noSuchSetting is the error for what is not among pgroute's settings, or can
// only be shown.
func noSuchSetting(name string) *pg.Error {
	if name == "pgroute.lsn" {
		return pg.Errorf(cannotChange, "parameter %q cannot be changed", name).
			WithHint("SET pgroute.min_lsn to what SHOW pgroute.lsn gave in another session.")
	}
	return pg.Errorf(undefinedObject, "unrecognized configuration parameter %q", name).
		WithHint("pgroute has %s.", ownSettings)
}

// resetWish takes one field of a wish back.
func resetWish(w *router.Wish, name string) *pg.Error {
	switch name {
	case "pgroute.role":
		w.Target, w.Node = router.TargetAny, cluster.NoNode
	case "pgroute.consistency":
		w.Consistency = router.ConsistencyUnset
	case "pgroute.max_staleness":
		w.HasStaleness, w.MaxStaleness = false, 0
	case "pgroute.min_lsn":
		w.MinLSN = pg.Position{}
	default:
		return noSuchSetting(name)
	}
	return nil
}

// showWish gives the value in force. That of pgroute.lsn is asked elsewhere.
func showWish(w *router.Wish, name string) (string, *pg.Error) {
	switch name {
	case "pgroute.role":
		return w.Target.String(), nil
	case "pgroute.consistency":
		return w.Consistency.String(), nil
	case "pgroute.max_staleness":
		if !w.HasStaleness || w.MaxStaleness == noLimit {
			return "0", nil
		}
		return w.MaxStaleness.String(), nil
	case "pgroute.min_lsn":
		return token(w.MinLSN), nil
	}
	return "", noSuchSetting(name)
}

// startupWish reads pgroute's settings out of a startup packet: the parameters
// of that name, and those in options. Parameters win, as they do in PostgreSQL.
func startupWish(st *wire.Startup, snap *cluster.Snapshot) (router.Wish, *pg.Error) {
	w := router.Wish{Node: cluster.NoNode}
	var own []string
	for i := 0; i+1 < len(st.Params); i += 2 {
		name, value := st.Params[i], st.Params[i+1]
		switch {
		case name == "options":
			pairs, err := parseOptions(value)
			if err != nil {
				return w, err
			}
			own = append(pairs, own...)
		case isOwnSetting(name):
			own = append(own, name, value)
		}
	}
	for i := 0; i+1 < len(own); i += 2 {
		if !isOwnSetting(own[i]) {
			continue
		}
		if err := setWish(&w, strings.ToLower(own[i]), own[i+1], snap); err != nil {
			err.Severity = pg.SeverityFatal
			return w, err
		}
	}
	return w, nil
}

// withoutOwn gives the settings, name and value in turns, that are the server's.
func withoutOwn(pairs []string) []string {
	var kept []string
	for i := 0; i+1 < len(pairs); i += 2 {
		if !isOwnSetting(pairs[i]) {
			kept = append(kept, pairs[i], pairs[i+1])
		}
	}
	return kept
}

// beginWishes puts what the startup packet asks for over the configuration.
func (s *session) beginWishes(startup router.Wish) {
	s.facts.Wish = s.w.tune.Wish
	if startup != (router.Wish{Node: cluster.NoNode}) {
		s.wishes = &wishes{startup: startup, set: router.Wish{Node: cluster.NoNode}}
		s.mergeWishes()
	}
}

// mergeWishes makes of all wishes what the router follows.
func (s *session) mergeWishes() {
	w := s.wishes.set.Over(&s.wishes.startup)
	s.facts.Wish = w.Over(&s.w.tune.Wish)
}

// changeWish applies SET or RESET; nothing changes when it fails.
func (s *session) changeWish(change func(*router.Wish) *pg.Error) *pg.Error {
	none := router.Wish{Node: cluster.NoNode}
	if s.wishes == nil {
		s.wishes = &wishes{set: none, startup: none}
	}
	w := s.wishes.set
	if err := change(&w); err != nil {
		return err
	}
	s.wishes.set = w
	s.mergeWishes()
	return nil
}

// forgetWishes ends what SET asked for: RESET ALL and DISCARD ALL.
func (s *session) forgetWishes() {
	if s.wishes != nil {
		s.wishes.set = router.Wish{Node: cluster.NoNode}
		s.mergeWishes()
	}
}
