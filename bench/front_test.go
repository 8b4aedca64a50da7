package bench

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/pgroute/pgroute/internal/config"
	"github.com/pgroute/pgroute/internal/lab"
)

// sampleConfig is for three nodes that nobody started.
func sampleConfig() frontConfig {
	return frontConfig{
		version: "PgBouncer 1.18.0", dir: "/tmp/x", port: 7000, spare: 7001, pool: 30, clients: 500,
		nodes: []*lab.Node{{Name: "primary", Port: 6500, Dir: "/p"}, {Name: "standby1", Port: 6501, Dir: "/s1"}, {Name: "standby2", Port: 6502, Dir: "/s2"}},
	}
}

// contains checks lines, so that a value does not pass as the prefix of another.
func contains(t *testing.T, text string, lines ...string) {
	t.Helper()
	for _, line := range lines {
		if !strings.Contains("\n"+text, "\n"+line+"\n") {
			t.Errorf("no line %q in\n%s", line, text)
		}
	}
}

// TestPgrouteConfigIsAccepted reads it the way pgroute serve does: unknown keys fail.
func TestPgrouteConfigIsAccepted(t *testing.T) {
	c := sampleConfig()
	c.level = "strong"
	path := filepath.Join(t.TempDir(), "proxy.toml")
	if err := os.WriteFile(path, pgrouteConfig(c), 0o600); err != nil {
		t.Fatal(err)
	}
	cfg, err := config.Read(config.Sources{Path: path})
	if err != nil {
		t.Fatal(err)
	}
	if len(cfg.Nodes) != 3 || cfg.Pool.Size != 30 || cfg.Pool.MaxClients != 500 || cfg.Routing.Consistency != config.Strong {
		t.Errorf("got %+v", cfg)
	}
}

func TestPgbouncerConfig(t *testing.T) {
	c := sampleConfig()
	text := pgbouncerConfig(c, "session", "/tmp/x/users.txt")
	contains(t, text, "* = host=127.0.0.1 port=6500", "pool_mode = session", "default_pool_size = 30", "max_client_conn = 500", "so_reuseport = 0")
	if strings.Contains(text, "max_prepared_statements") {
		t.Error("1.18 does not know max_prepared_statements")
	}
	c.version = "PgBouncer 1.25.0"
	contains(t, pgbouncerConfig(c, "transaction", ""), "max_prepared_statements = 200")
}

func TestPgpoolReadsFromStandbys(t *testing.T) {
	c := sampleConfig()
	text := pgpoolConfig(c)
	contains(t, text, "backend_weight0 = 0", "backend_weight1 = 1", "backend_port2 = 6502", "num_init_children = 31")
	c.nodes = c.nodes[:1]
	contains(t, pgpoolConfig(c), "backend_weight0 = 1")
}

func TestHaproxyConfig(t *testing.T) {
	contains(t, haproxyConfig(sampleConfig()), "    server primary 127.0.0.1:6500", "    maxconn 500", "    bind 127.0.0.1:7000")
}

func TestWhatAFrontCannotCarry(t *testing.T) {
	for _, c := range []struct {
		serves        func(string, string, int, int) string
		version, mode string
		clients, pool int
		can           bool
	}{
		{pgbouncerTransactions, "PgBouncer 1.18.0", "simple", 100, 20, true},
		{pgbouncerTransactions, "PgBouncer 1.18.0", "extended", 100, 20, true},
		{pgbouncerTransactions, "PgBouncer 1.18.0", "prepared", 1, 20, false},
		{pgbouncerTransactions, "PgBouncer 1.21.0", "prepared", 100, 20, true},
		{pgbouncerTransactions, "PgBouncer 2.0", "prepared", 100, 20, true},
		{pgbouncerTransactions, "unknown", "prepared", 100, 20, false},
		{pgbouncerSessions, "", "prepared", 20, 20, true},
		{pgbouncerSessions, "", "prepared", 21, 20, false},
		{pgbouncerSessions, "", "simple", 1, 20, false},
	} {
		if why := c.serves(c.version, c.mode, c.clients, c.pool); (why == "") != c.can {
			t.Errorf("%s, %s, %d clients on %d servers: %q", c.version, c.mode, c.clients, c.pool, why)
		}
	}
}

func TestOptionsThatCannotWorkAreRefused(t *testing.T) {
	good := OverheadOptions{Modes: []string{"simple"}, Clients: []int{1}, Rounds: 1, Duration: 1e9, Scale: 1, Standbys: 1}
	if err := good.validate(); err != nil {
		t.Fatal(err)
	}
	for name, spoil := range map[string]func(*OverheadOptions){
		"mode": func(o *OverheadOptions) { o.Modes = []string{"fast"} }, "no mode": func(o *OverheadOptions) { o.Modes = nil },
		"no clients": func(o *OverheadOptions) { o.Clients = nil }, "0 clients": func(o *OverheadOptions) { o.Clients = []int{1, 0} },
		"rounds": func(o *OverheadOptions) { o.Rounds = 0 }, "duration": func(o *OverheadOptions) { o.Duration = 1 },
	} {
		o := good
		spoil(&o)
		if o.validate() == nil {
			t.Errorf("%s: accepted", name)
		}
	}
	good.Targets = []string{"pgcat"}
	if good.checkTargets(Setup{}.fronts()) == nil {
		t.Error("a target that nobody knows")
	}
	if (FailoverOptions{Standbys: 1, Rounds: 1, Clients: 1, Around: 1, Sync: true}).validate() == nil {
		t.Error("nobody would be left to confirm commits")
	}
	if (StalenessOptions{Levels: []string{"some"}, Clients: 1, Pairs: 1, Standbys: 1}).validate() == nil {
		t.Error("a level that nobody knows")
	}
	if (ReadScalingOptions{}).validate() == nil {
		t.Error("nothing to measure")
	}
}
