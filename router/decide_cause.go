package router

import "strconv"

// Action says what is to be done with a routing unit.
type Action uint8

// Actions.
const (
	// ActionPrimary sends the unit to Decision.Node, the accepted primary.
	ActionPrimary Action = iota
	// ActionStandby sends it to Decision.Node, over a server connection that
	// belongs to Decision.Life.
	ActionStandby
	// ActionBound sends it where the session is linked already.
	ActionBound
	// ActionFence waits until a standby of Decision.Standbys has replayed
	// Decision.Fence, up to the fence wait, then does Decision.Otherwise.
	ActionFence
	// ActionHold keeps it until a snapshot allows another decision, bounded
	// by the hold timeout; then Decision.Cause says what to tell the client.
	ActionHold
	// ActionRefuse answers at once with Decision.State and Decision.Cause.
	ActionRefuse
	actions
)

var actionNames = [actions]string{"primary", "standby", "bound", "fence", "hold", "refuse"}

// String gives the label used in metrics and explanations.
func (a Action) String() string {
	if a < actions {
		return actionNames[a]
	}
	return "action " + strconv.Itoa(int(a))
}

// Actions lists every value, for metrics that start at zero.
func Actions() []Action {
	all := make([]Action, actions)
	for i := range all {
		all[i] = Action(i)
	}
	return all
}

// Cause says why a unit went where it went. It complements Reason, which says
// why a statement has its class.
type Cause uint8

// Causes. The first group leads to the primary by the statement's class, the
// second by the session's place or wish, the third to a standby, the fourth
// to waiting for one, the fifth to the primary for want of one, the last
// nowhere.
const (
	CauseUnknownStatement Cause = iota
	CauseWrite
	CauseSession
	CauseTransaction
	CauseSerializable

	CauseInTransaction
	CauseInBatch
	CausePinned
	CauseAskedPrimary
	CauseAskedNode
	CauseShadow

	CauseRead
	CauseReadSticky
	CauseReadOnlyTransaction
	CauseAskedStandby

	CauseFenceUnknown
	CauseFenceAhead
	CauseFenceStrong
	CauseFenceMonotonic
	CauseFenceStale
	CauseFenceRebalance

	CauseFenceSlow
	CauseNoStandby
	CauseReadOnPrimary

	CauseNoPrimaryYet
	CausePrimaryLost
	CauseSplitBrain
	CauseUnknownNode
	CauseNodeUnusable
	causes
)

var causeNames = [causes]string{
	"unknown_statement", "write", "session", "transaction", "serializable",
	"in_transaction", "in_batch", "pinned", "asked_primary", "asked_node", "shadow",
	"read", "read_sticky", "read_only_transaction", "asked_standby",
	"fence_unknown", "fence_ahead", "fence_strong", "fence_monotonic", "fence_stale", "fence_rebalance",
	"fence_slow", "no_standby", "read_on_primary",
	"no_primary_yet", "primary_lost", "split_brain", "unknown_node", "node_unusable",
}

var causeTexts = [causes]string{
	"the statement is not known to be a read",
	"the statement writes, locks or needs the answer of the primary",
	"the statement sets or reads session state",
	"the transaction may write",
	"a standby refuses SERIALIZABLE",

	"the transaction stays on its node",
	"the batch stays on its node",
	"the session has state on its server connection",
	"the primary was asked for",
	"the node was asked for by name",
	"shadow mode sends everything to the primary",

	"a read, and this standby is eligible",
	"a read, and this standby served the session's last one",
	"a read-only transaction, and this standby is eligible",
	"a standby was asked for",

	"the session was active on the primary and its fence is not known yet",
	"no eligible standby is known to have replayed the fence",
	"strong consistency asks for a fence of its own",
	"no other standby is known to have replayed what the last read saw",
	"no standby is known to be within max_staleness",
	"the session's standby has much more work than another",

	"a standby is expected to take longer to catch up than the fence wait",
	"no standby is eligible",
	"the primary takes its share of the reads",

	"no primary was found yet",
	"the primary is lost and none has taken over",
	"two writable nodes without clear descent",
	"no node of that name",
	"the node asked for cannot be used",
}

// String gives the label used in metrics and logs.
func (c Cause) String() string {
	if c < causes {
		return causeNames[c]
	}
	return "cause " + strconv.Itoa(int(c))
}

// Text gives one clause in plain words, for explanations and error messages.
func (c Cause) Text() string {
	if c < causes {
		return causeTexts[c]
	}
	return c.String()
}

// Causes lists every value, for metrics that start at zero.
func Causes() []Cause {
	all := make([]Cause, causes)
	for i := range all {
		all[i] = Cause(i)
	}
	return all
}
