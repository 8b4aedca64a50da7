package admin

import (
	"slices"
	"sync/atomic"

	"github.com/pgroute/pgroute/health"
	"github.com/pgroute/pgroute/proxy"
	"github.com/pgroute/pgroute/router"
)

// total makes a counter of one of the data plane's totals.
func total(name, help string, of func(*proxy.Counters) *atomic.Uint64) family {
	return counter(name, help, func(m *sample) uint64 { return of(m.counters).Load() })
}

// sessionFamilies tell what client sessions do.
func sessionFamilies() []family {
	return append(clientFamilies(), stateFamilies()...)
}

// clientFamilies count clients coming, going and failing.
func clientFamilies() []family {
	type all = proxy.Counters
	type count = *atomic.Uint64
	return []family{
		gauge("pgroute_clients", "Client connections.", func(m *sample) int64 { return m.clients }),
		gauge("pgroute_max_clients", "The limit of client connections.", func(m *sample) int { return m.max }),
		total("pgroute_logins_total", "Logins that succeeded.", func(c *all) count { return &c.Logins }),
		total("pgroute_login_failures_total", "Logins refused because of the role or its password.", func(c *all) count { return &c.LoginFailures }),
		total("pgroute_login_timeouts_total", "Clients that did not log in in time.", func(c *all) count { return &c.LoginTimeouts }),
		total("pgroute_refused_connections_total", "Connections turned away before a login: too many clients, or a protocol not offered.", func(c *all) count { return &c.Refused }),
		total("pgroute_cancel_requests_total", "Cancel requests of clients.", func(c *all) count { return &c.CancelRequests }),
		counters("pgroute_errors_total", "Errors that pgroute itself sent to clients, by SQLSTATE; those of servers pass and are not counted.",
			func(m *sample, out emit) {
				for state, n := range m.counters.ErrorsByState() {
					out(float64(n), state)
				}
			}, "sqlstate"),
		total("pgroute_panics_total", "Sessions that ended in a panic; each is a defect of pgroute.", func(c *all) count { return &c.Panics }),
		total("pgroute_bad_moves_total", "Sessions ended because they moved as none should; each is a defect of pgroute.", func(c *all) count { return &c.BadMoves }),
	}
}

// stateFamilies tell what sessions wait for and what keeps them.
func stateFamilies() []family {
	type all = proxy.Counters
	type count = *atomic.Uint64
	return []family{
		gauges("pgroute_sessions", "Client sessions by what they do.", readPhases, "phase"),
		gauges("pgroute_pinned_sessions", "Sessions that keep their server connection, by what they left on it; one may have several reasons.",
			func(m *sample, out emit) {
				for i, name := range proxy.PinNames() {
					out(float64(m.counters.Pinned(i)), name)
				}
			}, "reason"),
		counters("pgroute_pins_total", "How often sessions became pinned, by reason.",
			func(m *sample, out emit) {
				for i, name := range proxy.PinNames() {
					out(float64(m.counters.Pins[i].Load()), name)
				}
			}, "reason"),
		gauge("pgroute_held_statements", "Statements held until a node can take them.", func(m *sample) int { return m.health.Switch.Held }),
		counter("pgroute_holds_total", "Statements that were held.", func(m *sample) uint64 { return m.health.Switch.Began }),
		counters("pgroute_holds_ended_total", "How the holding of statements ended.",
			func(m *sample, out emit) {
				for _, e := range health.HoldEnds() {
					out(float64(m.health.Switch.Ended[e]), e.String())
				}
			}, "end"),
		total("pgroute_hold_timeouts_total", "Statements that failed after hold_timeout.", func(c *all) count { return &c.HoldTimeouts }),
		total("pgroute_holds_refused_total", "Statements that failed because too many were held.", func(c *all) count { return &c.HoldRefused }),
		total("pgroute_queue_timeouts_total", "Statements that failed because no server connection was free within queue_timeout.", func(c *all) count { return &c.QueueTimeouts }),
		total("pgroute_fence_waits_total", "Reads that waited for a standby to catch up.", func(c *all) count { return &c.FenceWaits }),
		total("pgroute_fences_passed_total", "Reads for which a standby had caught up, at once or while they waited.", func(c *all) count { return &c.Fenced }),
		total("pgroute_fences_missed_total", "Reads for which no standby caught up in time.", func(c *all) count { return &c.FenceMissed }),
		total("pgroute_reruns_total", "Reads run again elsewhere after a standby failed or refused them.", func(c *all) count { return &c.Reruns }),
		total("pgroute_standby_refusals_total", "Statements taken for reads that a standby refused; they were run again on the primary.", func(c *all) count { return &c.Refused25006 }),
		total("pgroute_transactions_moved_total", "Transactions begun again on another server, where their next statement belonged.", func(c *all) count { return &c.Moved }),
		total("pgroute_misplaced_refused_total", "Statements refused because they came in a read-only transaction bound to a standby and would have acted there.", func(c *all) count { return &c.Misplaced }),
		gauge("pgroute_learned_statements", "Texts that standbys refused and that go to the primary for a while.", readLearned),
	}
}

func readPhases(m *sample, out emit) {
	names := make([]string, 0, len(m.phases))
	for name := range m.phases {
		names = append(names, name)
	}
	slices.Sort(names)
	for _, name := range names {
		out(float64(m.phases[name]), name)
	}
}

func readLearned(m *sample) (n int) {
	for i := range m.loops {
		n += m.loops[i].Learned
	}
	return n
}

// routingFamilies tell where units went, and why.
func routingFamilies() []family {
	return []family{
		counters("pgroute_decisions_total", "Units (a query string, or an extended batch up to Sync) by what was done with them and why; one that was held or run again counts each time.",
			readDecisions, "action", "cause"),
		counters("pgroute_classifications_total", "Units placed by the router, by the reason for their class; what follows in a transaction, or on a pinned connection, is not placed.",
			func(m *sample, out emit) {
				for _, r := range router.Reasons() {
					out(float64(m.counters.Reasons(r)), r.String())
				}
			}, "reason"),
		counters("pgroute_transactions_total", "Transactions on the primary that might have written (BEGIN without READ ONLY), by what they turned out to be: standbys could have carried those that were read_only_in_fact.",
			func(m *sample, out emit) {
				for i, kind := range proxy.TxKinds() {
					out(float64(m.counters.Transactions(i)), kind)
				}
			}, "kind"),
		counters("pgroute_shadow_decisions_total", "In shadow mode, what would have been done with units that went to the primary.",
			func(m *sample, out emit) {
				for _, a := range []router.Action{router.ActionStandby, router.ActionFence} {
					out(float64(m.counters.Shadowed(a)), a.String())
				}
			}, "action"),
	}
}

// readDecisions reports the pairs that can happen, and any other that did.
func readDecisions(m *sample, out emit) {
	for _, c := range router.Causes() {
		usual := actionsOf(c)
		for _, a := range router.Actions() {
			if n := m.counters.Decisions(a, c); n > 0 || slices.Contains(usual, a) {
				out(float64(n), a.String(), c.String())
			}
		}
	}
}

// actionsOf tells what a cause can lead to, so that a scrape is not mostly
// series that stay zero for ever.
func actionsOf(c router.Cause) []router.Action {
	switch {
	case c <= router.CauseSerializable, c == router.CauseAskedPrimary, c == router.CauseShadow,
		c == router.CauseFenceSlow, c == router.CauseReadOnPrimary:
		return []router.Action{router.ActionPrimary}
	case c <= router.CausePinned:
		return []router.Action{router.ActionBound}
	case c == router.CauseAskedNode:
		return []router.Action{router.ActionPrimary, router.ActionStandby}
	case c <= router.CauseAskedStandby:
		return []router.Action{router.ActionStandby}
	case c <= router.CauseFenceRebalance:
		return []router.Action{router.ActionFence}
	case c == router.CauseNoStandby:
		return []router.Action{router.ActionPrimary, router.ActionHold}
	case c <= router.CausePrimaryLost:
		return []router.Action{router.ActionHold}
	}
	return []router.Action{router.ActionRefuse}
}
