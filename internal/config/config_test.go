package config

import (
	"os"
	"reflect"
	"strings"
	"testing"
)

// exampleNodes are the nodes proxy.toml names, because there is no default.
func exampleNodes() []string {
	return []string{"host=10.0.0.1 port=5432", "host=10.0.0.2 port=5432 sslmode=verify-full"}
}

// proxyTOML is the file at the root of the repository.
func proxyTOML(t *testing.T) string {
	t.Helper()
	data, err := os.ReadFile("../../proxy.toml")
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

func TestProxyTOMLIsTheDefault(t *testing.T) {
	got, err := Load("../../proxy.toml")
	if err != nil {
		t.Fatal(err)
	}
	want := Default()
	want.Cluster.Nodes = exampleNodes()
	for _, s := range settings() {
		if g, w := s.value(got), s.value(want); !same(g, w) {
			t.Errorf("%s: proxy.toml says %s, the default is %s", s.key, show(g), show(w))
		}
		if got.origins[s.key] == "" {
			t.Errorf("proxy.toml does not name %s", s.key)
		}
	}
	if changes := Diff(got, want); len(changes) != 0 {
		t.Errorf("Diff finds %v", changes)
	}
	if len(got.Nodes) != 2 || got.Nodes[1].Addr != "10.0.0.2:5432" || len(got.Warnings) != 0 {
		t.Errorf("nodes %d, warnings %v", len(got.Nodes), got.Warnings)
	}
}

// TestEveryKeyIsDocumented holds the comment above each key against the tag
// that says whether a reload suffices.
func TestEveryKeyIsDocumented(t *testing.T) {
	all, section := settings(), ""
	var comment []string
	for n, line := range strings.Split(proxyTOML(t), "\n") {
		name, _, assigned := strings.Cut(line, " = ")
		switch {
		case strings.HasPrefix(line, "#"):
			comment = append(comment, line)
			continue
		case strings.HasPrefix(line, "["):
			section = strings.Trim(line, "[]") + "."
		case assigned:
			s, ok := find(all, section+name)
			want := "[restart]"
			if s.reloads() {
				want = "[reload]"
			}
			if text := strings.Join(comment, "\n"); !ok || !strings.HasSuffix(text, want) {
				t.Errorf("line %d: the comment on %s must end in %s", n+1, s.key, want)
			}
		}
		comment = nil
	}
}

const minimal = "[cluster]\nnodes = [\"h\"]\n"

// problemsOf parses and returns what is wrong, line by line.
func problemsOf(t *testing.T, text string) []string {
	t.Helper()
	_, err := Parse([]byte(text), "f")
	if err == nil {
		return nil
	}
	if _, ok := err.(Problems); !ok {
		t.Fatalf("error of type %T", err)
	}
	return strings.Split(err.Error(), "\n")
}

func TestMistakesAreReportedTogetherWithLineAndAdvice(t *testing.T) {
	got := problemsOf(t, `listen = ["127.0.0.1:6432", 5]
pool = { size = "x", sise = 2, max_clients = 0 }
[cluster]
nodes = ["host=a name=a", "host=b name=a", "host=c wieght=1 target_session_attrs=any", "host=a port=5432 name=b"]
[auth]
auht_query = "x"
[pol]
size = 1
[[routing]]
mode = "spilt"
[health]
interval = 5
timeout = "2 years"
max_lag_bytes = "16mb"
size = 3
[log]
level = "loud"
`)
	want := []string{
		`f:1: listen: holds a whole number, but must be a list of strings such as ["a", "b"]`,
		`f:2: pool.size: is a string here, but must be a whole number`,
		`f:2: unknown key "pool.sise"; did you mean "pool.size"?`,
		`f:6: unknown key "auth.auht_query"; did you mean "auth.auth_query"?`,
		`f:7: unknown section [pol]; did you mean "pool"?`,
		`f:9: [[routing]] is a list of tables, and pgroute has none; write [routing]`,
		`f:12: health.interval: "5" has no unit; use us, ms, s, min, h or d`,
		`f:13: health.timeout: "2 years" has the unknown unit "years"; use us, ms, s, min, h or d`,
		`f:14: health.max_lag_bytes: "16mb" has the unknown unit "mb"; use B, kB, MB, GB or TB`,
		`f:15: unknown key "health.size"; did you mean "pool.size"?`,
		`f:4: cluster.nodes: node 2: the name "a" is taken; give one of the two another name=`,
		`f:4: cluster.nodes: node 3: target_session_attrs has no place here: pgroute finds out the roles itself; remove it; unknown key "wieght"; did you mean "weight"?`,
		`f:4: cluster.nodes: node 4: a:5432 is listed twice; remove one`,
		`f:2: pool.max_clients: 0 is out of range; must be from 1 to 1000000`,
		`f:17: log.level: "loud" is not known; must be one of debug, info, warn, error`,
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}

func TestEachMistakeIsNamed(t *testing.T) {
	for text, want := range map[string]string{
		"":                                                    "cluster.nodes: no node is named",
		"[cluster]\nnodes = []":                               "f:2: cluster.nodes: no node is named",
		minimal + "nodes = [\"x\"]":                           "f:3: not valid TOML",
		"listen = []\n" + minimal:                             "f:1: listen: no address",
		"listen = [\"6432\"]\n" + minimal:                     `f:1: listen: "6432" must be host:port`,
		"listen = [\"h:99999\"]\n" + minimal:                  "must end in a port number",
		"listen = [\"unix:x\"]\n" + minimal:                   "must name an absolute path",
		"listen = [\"a:1\", \"a:1\"]\n" + minimal:             "is listed twice",
		"admin_listen = \"127.0.0.1:6432\"\n" + minimal:       "is in listen as well",
		minimal + "[auth]\nmethod = \"cert\"":                 "needs TLS toward clients",
		minimal + "[auth]\nmethod = \"peer\"":                 `f:4: auth.method: "peer" is not known; must be one of trust, scram-sha-256, md5, cert`,
		minimal + "[auth]\nauth_query = \"\"":                 "has nothing to check passwords against",
		minimal + "[auth]\nauth_query = \"SELECT 1\"":         "does not use $1",
		minimal + "[failover]\nhold_timeout = \"2h\"":         "hold_timeout: 2h is out of range; must be from 0 to 1h",
		minimal + "[health]\nmax_lag_time = \"10us\"":         "out of range; must be from 1ms to 100d, or 0 for none",
		minimal + "[pool]\nsize = 1e3":                        "is a number with a fraction here",
		minimal + "[pool]\nsize = 99999999999":                "is no whole number of 32 bits",
		minimal + "[routing]\nprimary_functions = [[\"f\"]]":  "holds a list",
		minimal + "[routing]\nmode = { a = 1 }":               "is a table here",
		minimal + "[admin]\npprof = \"on\"":                   "is a string here, but must be true or false",
		minimal + "[pool.x]\nsize = 1":                        "unknown section [pool.x]",
		minimal + "[routing]\nmode = 1979-05-27":              "is a date or time here",
		"x = 1\n" + minimal:                                   `f:1: unknown key "x"`,
		"listen = 1 2":                                        "f:1: not valid TOML",
		minimal + "[cluster.x]":                               "unknown section",
		"[cluster]\nmonitor_user = \"\"\nnodes = [\"h\"]":     "f:2: cluster.monitor_user: is empty",
		"[cluster]\nmonitor_database = \"\"\nnodes = [\"h\"]": "cluster.monitor_database: is empty",
		minimal + "[routing]\nprimary_functions = [\"f\"]\nstandby_functions = [\"f\"]": `f:5: routing.standby_functions: "f" is in primary_functions as well`,
	} {
		got := strings.Join(problemsOf(t, text), "\n")
		if !strings.Contains(got, want) {
			t.Errorf("%q: got %q, want %q in it", text, got, want)
		}
	}
}

func TestTrustStaysOnThisMachine(t *testing.T) {
	for addr, fine := range map[string]bool{
		"127.0.0.1:6432": true, "[::1]:6432": true, "localhost:1": true, "unix:/run/x": true, "127.9.9.9:1": true,
		"0.0.0.0:6432": false, ":6432": false, "10.0.0.1:6432": false, "[::]:6432": false, "db.example:6432": false,
	} {
		text := "listen = [\"" + addr + "\"]\n" + minimal + "[auth]\nmethod = \"trust\"\n"
		if got := problemsOf(t, text); (got == nil) != fine {
			t.Errorf("%s: %q", addr, got)
		}
		if got := problemsOf(t, text+"allow_trust_remote = true"); got != nil {
			t.Errorf("%s, allowed: %q", addr, got)
		}
	}
}

func TestUnlikelyValuesWarn(t *testing.T) {
	c, err := Parse([]byte(minimal+"[pool]\nmax_lifetime = \"1min\""), "f")
	if err != nil || len(c.Warnings) != 2 {
		t.Fatalf("%v, %v", c.Warnings, err)
	}
}
