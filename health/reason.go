package health

// Reason says why writes are open, held or refused. The values are metric
// labels and appear in events and on the status page.
type Reason uint8

// Reasons. The first two leave writes open.
const (
	ReasonSteady           Reason = iota // the accepted primary answers
	ReasonUnverified                     // accepted without its history: no REPLICATION
	ReasonStarting                       // not every node was asked yet
	ReasonNoPrimary                      // no node is writable, none ever was
	ReasonPrimaryDown                    // the accepted primary does not answer
	ReasonPrimaryDemoted                 // it answers as a standby
	ReasonHistoryPending                 // a candidate's history is not read yet
	ReasonNotDescendant                  // a candidate does not descend
	ReasonForeignSystem                  // a candidate belongs to another cluster
	ReasonStreamsElsewhere               // a standby streams a timeline the candidate does not know
	ReasonRivals                         // two writable nodes without clear descent
	ReasonUnverifiedRivals               // two writable nodes, and the history cannot be read
	reasons
)

var reasonNames = [reasons]string{
	"steady", "unverified", "starting", "no_primary", "primary_down", "primary_demoted",
	"history_pending", "not_descendant", "foreign_system", "streams_elsewhere",
	"rivals", "unverified_rivals",
}

// String gives the label used in metrics, events and explanations.
func (r Reason) String() string {
	if r < reasons {
		return reasonNames[r]
	}
	return "unknown"
}

// Reasons lists every value, for metrics that start at zero.
func Reasons() []Reason {
	all := make([]Reason, reasons)
	for i := range all {
		all[i] = Reason(i)
	}
	return all
}
