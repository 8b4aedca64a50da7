package cluster

import (
	"time"

	"github.com/pgroute/pgroute/internal/pg"
)

// WriteState says whether writes can go anywhere, and why not.
type WriteState uint8

// Write states. All but WritesOpen hold writes; WritesRefused answers them
// at once, because waiting would not help.
const (
	WritesOpen    WriteState = iota
	WritesStartup            // no primary was found yet
	WritesLost               // the primary stopped answering
	WritesRefused            // two writable nodes without clear descent
	writeStates
)

var writeStateNames = [writeStates]string{"open", "no_primary_yet", "primary_lost", "split_brain"}

// String gives the label used in metrics, logs and on the status page.
func (w WriteState) String() string { return writeStateNames[w] }

// Snapshot is the topology at one moment. It is immutable.
type Snapshot struct {
	Version  uint64 // grows with every published snapshot
	At       time.Time
	SystemID uint64        // 0 until the first primary was accepted
	Timeline pg.TimelineID // the accepted timeline, 0 until then
	Primary  NodeID        // NoNode while none is known
	Writes   WriteState
	// WritesWhy says in words why Writes is not open, naming the nodes; it is
	// safe to show to clients. Empty while writes are open.
	WritesWhy string
	// History lists the ancestors of Timeline, oldest first; see Resolve.
	History []Ancestor
	// SegmentSize is wal_segment_size in bytes, for pg.LSN.RecordEnd.
	SegmentSize uint64
	Nodes       []Node
}

// Node gives the node with that ID, or nil for NoNode and unknown IDs.
func (s *Snapshot) Node(id NodeID) *Node {
	if s == nil || id < 0 || int(id) >= len(s.Nodes) {
		return nil
	}
	return &s.Nodes[id]
}

// PrimaryNode gives the accepted primary, or nil while none is known.
func (s *Snapshot) PrimaryNode() *Node {
	if s == nil {
		return nil
	}
	return s.Node(s.Primary)
}

// ByName finds a node by its name; nil when there is none.
func (s *Snapshot) ByName(name string) *Node {
	for i := range s.Nodes {
		if s.Nodes[i].Name == name {
			return &s.Nodes[i]
		}
	}
	return nil
}
