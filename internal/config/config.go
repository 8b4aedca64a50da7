package config

import (
	"time"

	"github.com/pgroute/pgroute/internal/secret"
)

// Config is the whole configuration. Whoever holds one may keep it and must
// not change it. What each key means is written in proxy.toml.
type Config struct {
	Listen          []string `toml:"listen"`
	AdminListen     string   `toml:"admin_listen"`
	Workers         int      `toml:"workers" min:"0" max:"1024"`
	ShutdownTimeout Duration `toml:"shutdown_timeout" reload:"yes" min:"0" max:"1d"`

	Cluster  Cluster  `toml:"cluster"`
	Health   Health   `toml:"health"`
	Routing  Routing  `toml:"routing"`
	Pool     Pool     `toml:"pool"`
	Client   Client   `toml:"client"`
	Failover Failover `toml:"failover"`
	Auth     Auth     `toml:"auth"`
	Log      Log      `toml:"log"`
	Admin    Admin    `toml:"admin"`

	// Nodes are Cluster.Nodes, taken apart.
	Nodes []Node `toml:"-"`
	// Warnings are things that look wrong but stop nothing.
	Warnings []string `toml:"-"`

	origins map[string]string // where a key that is not at its default was set
}

// Cluster says where the nodes are and how pgroute itself logs in there. It
// does not print, because connection strings may hold passwords.
type Cluster struct {
	secret.Redacted
	Nodes           []string    `toml:"nodes"`
	MonitorUser     string      `toml:"monitor_user"`
	MonitorPassword secret.Text `toml:"monitor_password"`
	PasswordFile    string      `toml:"password_file"`
	MonitorDatabase string      `toml:"monitor_database"`
	StateFile       string      `toml:"state_file"`
}

// Health says how nodes are probed and when a standby lags too far.
type Health struct {
	Interval    Duration `toml:"interval" min:"10ms" max:"1h"`
	Timeout     Duration `toml:"timeout" min:"10ms" max:"1h"`
	MaxLagBytes ByteSize `toml:"max_lag_bytes" none:"0"`
	MaxLagTime  Duration `toml:"max_lag_time" none:"0" min:"1ms" max:"100d"`
}

// Routing says which statements go where.
type Routing struct {
	Mode             Mode        `toml:"mode" reload:"yes" oneof:"split shadow primary"`
	Consistency      Consistency `toml:"consistency" reload:"yes" oneof:"eventual session proxy strong"`
	FenceWait        Duration    `toml:"fence_wait" reload:"yes" min:"0" max:"1min"`
	MaxStaleness     Duration    `toml:"max_staleness" reload:"yes" none:"0" min:"1ms" max:"100d"`
	WarmUp           Duration    `toml:"warm_up" reload:"yes" none:"0" min:"10ms" max:"1h"`
	ReadFromPrimary  Fallback    `toml:"read_from_primary" reload:"yes" oneof:"fallback always never"`
	Prefer           string      `toml:"prefer" reload:"yes"`
	PrimaryFunctions []string    `toml:"primary_functions"`
	StandbyFunctions []string    `toml:"standby_functions"`
	CacheSize        ByteSize    `toml:"cache_size" min:"0" max:"64GB"`
}

// Pool bounds server connections, and the waiting for them.
type Pool struct {
	Size           int      `toml:"size" reload:"yes" min:"1" max:"100000"`
	MaxClients     int      `toml:"max_clients" reload:"yes" min:"1" max:"1000000"`
	QueueTimeout   Duration `toml:"queue_timeout" reload:"yes" min:"1ms" max:"1d"`
	ConnectTimeout Duration `toml:"connect_timeout" reload:"yes" min:"10ms" max:"1h"`
	IdleTimeout    Duration `toml:"idle_timeout" reload:"yes" none:"0" min:"1s" max:"100d"`
	MaxLifetime    Duration `toml:"max_lifetime" reload:"yes" none:"0" min:"1s" max:"100d"`
	MaxPrepared    int      `toml:"max_prepared" reload:"yes" min:"1" max:"1000000"`
}

// Client bounds what clients may do with their connections.
type Client struct {
	LoginTimeout             Duration `toml:"login_timeout" reload:"yes" min:"100ms" max:"1h"`
	IdleTimeout              Duration `toml:"idle_timeout" reload:"yes" none:"0" min:"1s" max:"100d"`
	IdleInTransactionTimeout Duration `toml:"idle_in_transaction_timeout" reload:"yes" none:"0" min:"100ms" max:"100d"`
	KeepaliveIdle            Duration `toml:"tcp_keepalive_idle" reload:"yes" none:"0" min:"1s" max:"1d"`
	KeepaliveInterval        Duration `toml:"tcp_keepalive_interval" reload:"yes" min:"1s" max:"1d"`
	KeepaliveCount           int      `toml:"tcp_keepalive_count" reload:"yes" min:"1" max:"100"`
}

// Failover bounds the holding of writes while no primary is known.
type Failover struct {
	HoldTimeout Duration `toml:"hold_timeout" reload:"yes" min:"0" max:"1h"`
	MaxHeld     int      `toml:"max_held" reload:"yes" min:"0" max:"1000000"`
}

// Auth says how clients and pgroute prove who they are.
type Auth struct {
	Method               AuthMethod `toml:"method" reload:"yes" oneof:"trust scram-sha-256 md5 cert"`
	AllowTrustRemote     bool       `toml:"allow_trust_remote" reload:"yes"`
	Query                string     `toml:"auth_query" reload:"yes"`
	UsersFile            string     `toml:"users_file" reload:"yes"`
	CacheTTL             Duration   `toml:"cache_ttl" reload:"yes" min:"0" max:"1h"`
	Revalidate           bool       `toml:"revalidate" reload:"yes"`
	Iterations           int        `toml:"scram_iterations" reload:"yes" min:"1" max:"1000000"`
	AllowCleartextServer bool       `toml:"allow_cleartext_servers"`
}

// Log says what is logged, and how.
type Log struct {
	Level  LogLevel  `toml:"level" reload:"yes" oneof:"debug info warn error"`
	Format LogFormat `toml:"format" oneof:"text json"`
}

// Admin says what the admin listener shows beside metrics and status.
type Admin struct {
	Pprof bool `toml:"pprof"`
}

// Mode is [routing] mode.
type Mode string

// Modes of routing.
const (
	ModeSplit   Mode = "split"
	ModeShadow  Mode = "shadow"
	ModePrimary Mode = "primary"
)

// Consistency is [routing] consistency.
type Consistency string

// Levels of consistency.
const (
	Eventual Consistency = "eventual"
	Session  Consistency = "session"
	Proxy    Consistency = "proxy"
	Strong   Consistency = "strong"
)

// Fallback is [routing] read_from_primary.
type Fallback string

// When the primary takes reads that a standby could have had.
const (
	ReadFallback Fallback = "fallback"
	ReadAlways   Fallback = "always"
	ReadNever    Fallback = "never"
)

// AuthMethod is [auth] method.
type AuthMethod string

// Methods by which clients prove who they are.
const (
	AuthTrust AuthMethod = "trust"
	AuthSCRAM AuthMethod = "scram-sha-256"
	AuthMD5   AuthMethod = "md5"
	AuthCert  AuthMethod = "cert"
)

// LogLevel is [log] level; slog.Level reads it with UnmarshalText.
type LogLevel string

// LogFormat is [log] format.
type LogFormat string

// Default gives the configuration without any file. It names no node, so it
// does not pass Validate yet.
func Default() *Config {
	return &Config{
		Listen:          []string{"127.0.0.1:6432"},
		AdminListen:     "127.0.0.1:9187",
		ShutdownTimeout: dur(30 * time.Second),
		Cluster:         Cluster{MonitorUser: "pgroute", MonitorDatabase: "postgres"},
		Health: Health{
			Interval: dur(500 * time.Millisecond), Timeout: dur(2 * time.Second),
			MaxLagBytes: Bytes(16 << 20), MaxLagTime: dur(5 * time.Second),
		},
		Routing: Routing{
			Mode: ModeSplit, Consistency: Session, FenceWait: dur(20 * time.Millisecond),
			WarmUp: dur(5 * time.Second), ReadFromPrimary: ReadFallback, CacheSize: Bytes(16 << 20),
		},
		Pool: Pool{
			Size: 20, MaxClients: 10_000, QueueTimeout: dur(30 * time.Second),
			ConnectTimeout: dur(5 * time.Second), IdleTimeout: dur(10 * time.Minute),
			MaxLifetime: dur(time.Hour), MaxPrepared: 200,
		},
		Client: Client{
			LoginTimeout: dur(30 * time.Second), KeepaliveIdle: dur(time.Minute),
			KeepaliveInterval: dur(10 * time.Second), KeepaliveCount: 6,
		},
		Failover: Failover{HoldTimeout: dur(30 * time.Second), MaxHeld: 10_000},
		Auth: Auth{
			Method: AuthSCRAM, CacheTTL: dur(5 * time.Second), Revalidate: true, Iterations: 4096,
			Query: "SELECT rolname, rolpassword FROM pg_authid WHERE rolname = $1",
		},
		Log: Log{Level: "info", Format: "text"},
	}
}

// dur shortens the table above.
func dur(d time.Duration) Duration { return Duration{d} }
