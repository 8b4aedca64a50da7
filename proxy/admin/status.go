package admin

import "time"

// Status is what /status shows. Its JSON names are an interface: fields may be
// added, none changes its meaning. Times are RFC 3339 and left out while there
// is none, durations are seconds, LSNs are as PostgreSQL prints them and empty
// while unknown. Nothing in it is secret, and no text of a statement is in it.
type Status struct {
	Version       string         `json:"version"`
	At            time.Time      `json:"at"`
	Started       time.Time      `json:"started"`
	State         string         `json:"state"` // ready, degraded or not_ready, as /readyz
	StateReasons  []string       `json:"state_reasons"`
	Configuration Configuration  `json:"configuration"`
	Cluster       Cluster        `json:"cluster"`
	Nodes         []Node         `json:"nodes"`
	Replication   Replication    `json:"replication"`
	Clients       Clients        `json:"clients"`
	Sessions      Sessions       `json:"sessions"`
	Routing       Routing        `json:"routing"`
	Holds         Holds          `json:"holds"`
	Fences        Fences         `json:"fences"`
	Servers       Servers        `json:"servers"`
	Pools         []Pool         `json:"pools"`
	Catalogs      []CatalogState `json:"catalogs"`
	Auth          Auth           `json:"auth"`
	Loops         []Loop         `json:"loops"`
	Events        []Event        `json:"events"` // oldest first
}

// Configuration is the part of proxy.toml that explains what is seen.
type Configuration struct {
	Listen          []string `json:"listen"`
	Mode            string   `json:"mode"`
	Consistency     string   `json:"consistency"`
	ReadFromPrimary string   `json:"read_from_primary"`
	FenceWait       string   `json:"fence_wait"`
	MaxLagBytes     string   `json:"max_lag_bytes"`
	MaxLagTime      string   `json:"max_lag_time"`
	HoldTimeout     string   `json:"hold_timeout"`
	QueueTimeout    string   `json:"queue_timeout"`
	PoolSize        int      `json:"pool_size"`
	AuthMethod      string   `json:"auth_method"`
}

// Cluster is what was accepted, and where a switch stands.
type Cluster struct {
	SystemID    uint64     `json:"system_id,string"`
	Timeline    uint32     `json:"timeline"`
	Primary     string     `json:"primary"` // empty while none is known
	Writes      string     `json:"writes"`
	Reason      string     `json:"reason"`
	Why         string     `json:"why"` // in words, empty while writes are open
	Switch      string     `json:"switch"`
	SwitchSince time.Time  `json:"switch_since"`
	LastGap     float64    `json:"last_gap_seconds"`
	History     []Ancestor `json:"history"`
}

// Ancestor is a timeline that the accepted one descends from.
type Ancestor struct {
	Timeline uint32 `json:"timeline"`
	End      string `json:"end"`
}

// Node is one server.
type Node struct {
	Name       string    `json:"name"`
	Address    string    `json:"address"`
	Zone       string    `json:"zone"`
	Weight     int       `json:"weight"`
	Role       string    `json:"role"`
	Up         bool      `json:"up"`
	Since      time.Time `json:"since"` // of role, reachability and exclusion
	Explained  string    `json:"explained"`
	Eligible   bool      `json:"eligible"`
	Exclusion  string    `json:"exclusion"`
	Timeline   uint32    `json:"timeline"`
	InsertLSN  string    `json:"insert_lsn"`
	FlushLSN   string    `json:"flush_lsn"` // of a writable node; standbys can have no more
	ReplayLSN  string    `json:"replay_lsn"`
	LagBytes   *uint64   `json:"lag_bytes"` // null while unknown
	LagTime    *float64  `json:"lag_seconds"`
	Staleness  *float64  `json:"staleness_seconds"`
	Sampled    time.Time `json:"sampled,omitzero"`
	Receiver   string    `json:"receiver_status"`
	Sender     string    `json:"sender"`
	SyncState  string    `json:"sync_state"`
	Version    int       `json:"server_version"`
	LastError  string    `json:"last_error"`
	Probes     uint64    `json:"probes"`
	Failures   uint64    `json:"probe_failures"`
	ProbeTime  float64   `json:"mean_probe_seconds"`
	AsPrimary  uint64    `json:"queries_as_primary"`
	AsStandby  uint64    `json:"queries_as_standby"`
	Unanswered int32     `json:"outstanding"`
	Pool       PoolCount `json:"connections"`
	// Latency is the moving average of reads there in seconds, null while
	// unknown or for a primary.
	Latency *float64 `json:"read_latency_seconds"`
}

// PoolCount counts server connections and who wants one.
type PoolCount struct {
	Total   int `json:"total"`
	Idle    int `json:"idle"`
	Dialing int `json:"dialing"`
	Waiting int `json:"waiting"`
}

// Pool is the connections of one node, database and user.
type Pool struct {
	Node     string `json:"node"`
	Database string `json:"database"`
	User     string `json:"user"`
	PoolCount
}

// Replication is what the primary told of its standbys and slots.
type Replication struct {
	ToldBy    string     `json:"told_by"` // empty while nobody has
	At        time.Time  `json:"at,omitzero"`
	Denied    bool       `json:"denied"` // the monitor role lacks pg_monitor
	Receivers []Receiver `json:"receivers"`
	Slots     []Slot     `json:"slots"`
}

// Receiver is a row of pg_stat_replication.
type Receiver struct {
	Node        string  `json:"node"` // empty when it is none of ours
	Application string  `json:"application_name"`
	Client      string  `json:"client"`
	State       string  `json:"state"`
	SyncState   string  `json:"sync_state"`
	Slot        string  `json:"slot"`
	Sent        string  `json:"sent_lsn"`
	Write       string  `json:"write_lsn"`
	Flush       string  `json:"flush_lsn"`
	Replay      string  `json:"replay_lsn"`
	ReplayLag   float64 `json:"replay_lag_seconds"`
}

// Slot is a row of pg_replication_slots.
type Slot struct {
	Name     string `json:"name"`
	Kind     string `json:"kind"`
	Active   bool   `json:"active"`
	Status   string `json:"wal_status"`
	Retained uint64 `json:"retained_bytes"`
}

// Clients counts client sessions.
type Clients struct {
	Connected      int64             `json:"connected"`
	Max            int               `json:"max"`
	Phases         map[string]int64  `json:"phases"`
	Pinned         map[string]int64  `json:"pinned"` // by reason
	Logins         uint64            `json:"logins"`
	LoginFailures  uint64            `json:"login_failures"`
	LoginTimeouts  uint64            `json:"login_timeouts"`
	Refused        uint64            `json:"refused"`
	CancelRequests uint64            `json:"cancel_requests"`
	Errors         map[string]uint64 `json:"errors"` // of pgroute itself, by SQLSTATE; zeros are left out
	Panics         uint64            `json:"panics"`
	BadMoves       uint64            `json:"bad_moves"`
}

// Sessions lists clients that are not idle, those that wait first.
type Sessions struct {
	Busy  int       `json:"not_idle"`
	Shown []Session `json:"shown"` // a hundred at most
}

// Session is one client.
type Session struct {
	PID           uint32   `json:"pid"` // as the client was told
	Client        string   `json:"client"`
	User          string   `json:"user"`
	Database      string   `json:"database"`
	Phase         string   `json:"phase"`
	Node          string   `json:"node"`
	InTransaction bool     `json:"in_transaction"`
	Pins          string   `json:"pins"`
	Waits         string   `json:"waits_for"`
	Waited        *float64 `json:"waited_seconds"` // null when it does not wait
}

// Routing tells where units went. Only what has happened is listed.
type Routing struct {
	Decisions []Decided         `json:"decisions"`
	Reasons   map[string]uint64 `json:"classification_reasons"`
	Shadow    map[string]uint64 `json:"shadow"`
	Reruns    uint64            `json:"reruns"`
	Refusals  uint64            `json:"standby_refusals"`
	Learned   int               `json:"learned_statements"`
	// Moved counts transactions that were begun again on another server,
	// Misplaced statements refused because they would have acted on a standby.
	Moved     uint64 `json:"transactions_moved"`
	Misplaced uint64 `json:"misplaced_refused"`
	// Transactions counts those that might have written, by what they turned
	// out to be; WouldHaveSplit those that a standby could have carried, had
	// it been known at their BEGIN.
	Transactions   map[string]uint64 `json:"transactions"`
	WouldHaveSplit uint64            `json:"would_have_split"`
}

// Decided counts the units that went one way for one cause.
type Decided struct {
	Action    string `json:"action"`
	Cause     string `json:"cause"`
	Explained string `json:"explained"`
	Count     uint64 `json:"count"`
}

// Holds counts statements kept until a node can take them.
type Holds struct {
	Now           int               `json:"now"`
	Total         uint64            `json:"total"`
	Ended         map[string]uint64 `json:"ended"`
	Timeouts      uint64            `json:"timeouts"`
	Refused       uint64            `json:"refused"`
	QueueTimeouts uint64            `json:"queue_timeouts"`
}

// Fences counts the waiting for standbys to catch up.
type Fences struct {
	Waits    uint64            `json:"waits"`
	Passed   uint64            `json:"passed"`
	Missed   uint64            `json:"missed"`
	Waiting  int               `json:"waiting"`
	Requests uint64            `json:"requests"`
	Queries  uint64            `json:"queries"`
	Polls    uint64            `json:"polls"`
	Lost     uint64            `json:"lost"`
	Results  map[string]uint64 `json:"results"`
	// CatchUp is how long each node usually takes, by name.
	CatchUp map[string]float64 `json:"catch_up_seconds"`
}

// Servers counts server connections over all nodes.
type Servers struct {
	Dialled    uint64 `json:"dialled"`
	DialFailed uint64 `json:"dial_failures"`
	Reused     uint64 `json:"reused"`
	Lost       uint64 `json:"lost"`
}

// CatalogState is the catalogue of one database.
type CatalogState struct {
	Database  string    `json:"database"`
	Fresh     bool      `json:"fresh"`
	Version   uint64    `json:"version"`
	Functions int       `json:"functions"`
	Relations int       `json:"relations"`
	Operators int       `json:"operators"`
	Types     int       `json:"types"`
	Loaded    time.Time `json:"loaded,omitzero"`
	LoadTime  float64   `json:"load_seconds"`
	Checked   time.Time `json:"checked,omitzero"`
	Error     string    `json:"error"`
}

// Auth counts the looking-up of roles.
type Auth struct {
	Queries uint64 `json:"queries"`
	Hits    uint64 `json:"cache_hits"`
	Entries int    `json:"cache_entries"`
}

// Loop is one event loop.
type Loop struct {
	Responsive    bool   `json:"responsive"`
	Sessions      int64  `json:"sessions"`
	Connections   int    `json:"connections"`
	Iterations    uint64 `json:"iterations"`
	BytesIn       uint64 `json:"received_bytes"`
	BytesOut      uint64 `json:"sent_bytes"`
	ClassHits     uint64 `json:"class_cache_hits"`
	ClassMisses   uint64 `json:"class_cache_misses"`
	ClassEntries  int    `json:"class_cache_entries"`
	ClassBytes    int    `json:"class_cache_bytes"`
	Prepared      int    `json:"prepared_statements"`
	PreparedBytes int    `json:"prepared_statement_bytes"`
}

// Event is something that happened to the cluster.
type Event struct {
	At       time.Time `json:"at"`
	Kind     string    `json:"kind"`
	Node     string    `json:"node"`
	Timeline uint32    `json:"timeline"`
	Reason   string    `json:"reason"`
	Detail   string    `json:"detail"`
}
