package config

import (
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/pgroute/pgroute/internal/secret"
)

// write puts a file into a directory of the test.
func write(t *testing.T, name, text string, mode os.FileMode) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, []byte(text), mode); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestLaterSourcesWin(t *testing.T) {
	path := write(t, "p.toml", "[cluster]\nnodes = [\"file\"]\n[pool]\nsize = 1\nmax_clients = 1\nmax_prepared = 1\n", 0o600)
	c, err := Read(Sources{
		Path:      path,
		Environ:   []string{"PGROUTE_POOL_SIZE=2", "PGROUTE_POOL_MAX_CLIENTS=2", "PGROUTE_SERVICE_HOST=10.0.0.1", "PGROUTE_LAB_DIR=/x"},
		Overrides: []Override{{Key: "pool.size", Value: "3", Origin: "--pool-size"}},
	})
	if err != nil {
		t.Fatal(err)
	}
	if c.Pool.Size != 3 || c.Pool.MaxClients != 2 || c.Pool.MaxPrepared != 1 || c.Pool.QueueTimeout != Default().Pool.QueueTimeout {
		t.Fatalf("%+v", c.Pool)
	}
}

// TestEveryKeyCanComeFromTheEnvironment sets each key to another value than
// its default by a variable, and finds it changed.
func TestEveryKeyCanComeFromTheEnvironment(t *testing.T) {
	base := []string{"PGROUTE_NODES=h"}
	file := write(t, "password", "x", 0o600)
	for _, s := range settings() {
		for _, name := range s.variables() {
			c, err := Read(Sources{Environ: append(base[:1:1], name+"="+otherValue(&s, file))})
			if err != nil {
				t.Errorf("%s: %v", name, err)
				continue
			}
			if before, after := s.value(Default()), s.value(c); same(before, after) {
				t.Errorf("%s changes nothing", name)
			}
		}
	}
}

// otherValue is a valid value that is nobody's default.
func otherValue(s *setting, file string) string {
	switch s.key {
	case "auth.auth_query":
		return "SELECT $1"
	case "auth.method":
		return "md5"
	case "cluster.password_file":
		return file
	}
	if choices := strings.Fields(s.field.Tag.Get("oneof")); len(choices) > 0 {
		return choices[len(choices)-1]
	}
	switch {
	case s.field.Type == reflect.TypeFor[Duration]():
		return "11s"
	case s.field.Type == reflect.TypeFor[ByteSize]():
		return "11MB"
	case s.field.Type.Kind() == reflect.Bool:
		return fmt.Sprint(!s.value(Default()).Bool())
	case s.field.Type.Kind() == reflect.Int:
		return "11"
	}
	return "127.0.0.1:1111"
}

func TestSidecarNeedsNoFile(t *testing.T) {
	c, err := Read(Sources{
		Environ:   []string{"PGUSER=watcher", "PGPASSWORD=hunter2", "PGROUTE_LISTEN=127.0.0.1:1, unix:/run/x"},
		Overrides: []Override{{Key: "cluster.nodes", Value: "a:1,b:2", Origin: "--nodes"}},
	})
	if err != nil {
		t.Fatal(err)
	}
	m := c.Cluster
	if m.MonitorUser != "watcher" || m.MonitorPassword.Reveal() != "hunter2" || len(c.Nodes) != 2 || c.Nodes[1].Addr != "b:2" || len(c.Listen) != 2 {
		t.Fatalf("%v %v %v", m.MonitorUser, c.Nodes, c.Listen)
	}
	if text := fmt.Sprintf("%+v %#v", c, *c); strings.Contains(text, "hunter2") {
		t.Error("the password is printed")
	}
}

func TestListsWithCommasUseSemicolons(t *testing.T) {
	got := splitList("host=a options='-c x=1,2'; host=b ;")
	if !reflect.DeepEqual(got, []string{"host=a options='-c x=1,2'", "host=b"}) {
		t.Fatalf("%q", got)
	}
}

func TestWhereTheMonitorPasswordComesFrom(t *testing.T) {
	file := write(t, "password", "from file\n", 0o600)
	for _, c := range []struct {
		text string
		want string
	}{
		{`monitor_password = "from key"`, "from key"},
		{`password_file = "` + file + `"`, "from file"},
		{"monitor_password = \"from key\"\npassword_file = \"" + file + `"`, "from key"},
		{"", "from libpq"},
	} {
		path := write(t, "p.toml", minimal+c.text, 0o600)
		got, err := Read(Sources{Path: path, Environ: []string{"PGPASSWORD=from libpq"}})
		if err != nil || got.Cluster.MonitorPassword.Reveal() != c.want {
			t.Errorf("%q: got %v", c.text, err)
		}
	}
}

func TestPasswordFileOthersMayReadIsRefused(t *testing.T) {
	file := write(t, "password", "x", 0o600)
	if err := os.Chmod(file, 0o644); err != nil {
		t.Fatal(err)
	}
	path := write(t, "p.toml", minimal+"password_file = \""+file+"\"", 0o600)
	_, err := Load(path)
	if err == nil || !strings.Contains(err.Error(), path+":3: cluster.password_file: "+file+": has group or world access") {
		t.Fatal(err)
	}
}

func TestMistakesNameTheirSource(t *testing.T) {
	_, err := Read(Sources{
		Environ:   []string{"PGROUTE_NODES=h", "PGROUTE_POOL_SIZE=many", "PGROUTE_ADMIN_PPROF=maybe", "PGROUTE_WORKERS=-1"},
		Overrides: []Override{{Key: "health.interval", Value: "1", Origin: "--interval"}, {Key: "nope", Value: "1", Origin: "--nope"}},
	})
	want := strings.Join([]string{
		`environment variable PGROUTE_POOL_SIZE: pool.size: "many" is no whole number of 32 bits; must be a whole number`,
		`environment variable PGROUTE_ADMIN_PPROF: admin.pprof: "maybe" is neither true nor false; must be true or false`,
		`--interval: health.interval: "1" has no unit; use us, ms, s, min, h or d; must be a time such as "500ms", "30s" or "5min"`,
		`--nope: unknown key "nope"`,
		`environment variable PGROUTE_WORKERS: workers: -1 is out of range; must be from 0 to 1024`,
	}, "\n")
	if err == nil || err.Error() != want {
		t.Fatalf("got\n%v\nwant\n%s", err, want)
	}
}

func TestMissingAndHugeFilesFail(t *testing.T) {
	if _, err := Load(filepath.Join(t.TempDir(), "none")); err == nil || !strings.Contains(err.Error(), "read configuration") {
		t.Error(err)
	}
	path := write(t, "p.toml", "", 0o600)
	if err := os.Truncate(path, maxFile+1); err != nil {
		t.Fatal(err)
	}
	if _, err := Load(path); err == nil || !strings.Contains(err.Error(), "larger than") {
		t.Error(err)
	}
}

func TestDiffTellsWhatNeedsARestart(t *testing.T) {
	parse := func(text string) *Config {
		c, err := Parse([]byte(text), "f")
		if err != nil {
			t.Fatal(err)
		}
		return c
	}
	old := parse("[cluster]\nnodes = [\"host=a password=hunter2\", \"b:1\"]\nmonitor_password = \"hunter2\"\n")
	got := Diff(old, parse("workers = 2\n[cluster]\nnodes = [\"b:1\"]\nmonitor_password = \"hunter3\"\n[pool]\nsize = 30\nidle_timeout = \"5min\"\n[routing]\nmode = \"shadow\""))
	var lines []string
	for _, c := range got {
		lines = append(lines, c.String())
	}
	want := []string{
		`workers: 0 -> 2 (needs a restart)`,
		`cluster.nodes: ["host='a'", "b:1"] -> ["b:1"] (needs a restart)`,
		`cluster.monitor_password: [redacted] -> [redacted] (needs a restart)`,
		`routing.mode: "split" -> "shadow"`,
		`pool.size: 20 -> 30`,
		`pool.idle_timeout: "10min" -> "5min"`,
	}
	if !reflect.DeepEqual(lines, want) {
		t.Fatalf("got\n%s\nwant\n%s", strings.Join(lines, "\n"), strings.Join(want, "\n"))
	}
	if again := Diff(old, old); again != nil {
		t.Fatalf("%v", again)
	}
}

func TestShowTellsValueAndOrigin(t *testing.T) {
	c, err := Read(Sources{Environ: []string{"PGROUTE_NODES=postgres://u:hunter2@a/", "PGPASSWORD=hunter2", "PGROUTE_POOL_SIZE=5"}})
	if err != nil {
		t.Fatal(err)
	}
	got := make(map[string]Shown)
	for _, s := range c.Show() {
		if got[s.Key] = s; strings.Contains(s.Value, "hunter2") {
			t.Errorf("%+v", s)
		}
	}
	for _, want := range []Shown{
		{"pool.size", "5", "environment variable PGROUTE_POOL_SIZE", true},
		{"health.interval", `"500ms"`, "", false},
		{"cluster.nodes", `["host='a' user='u'"]`, "environment variable PGROUTE_NODES", false},
	} {
		if got[want.Key] != want {
			t.Errorf("got %+v, want %+v", got[want.Key], want)
		}
	}
}

func TestDurations(t *testing.T) {
	for text, want := range map[string]time.Duration{
		"0": 0, "500ms": 500 * time.Millisecond, "30s": 30 * time.Second, "5min": 5 * time.Minute, "5m": 5 * time.Minute,
		"1h30m": 90 * time.Minute, "1 d": 24 * time.Hour, " 1.5s ": 1500 * time.Millisecond, "10us": 10 * time.Microsecond,
		"10µs": 10 * time.Microsecond, "1d 2h": 26 * time.Hour, "7ns": 7,
	} {
		var d Duration
		if err := d.UnmarshalText([]byte(text)); err != nil || d.Duration != want {
			t.Errorf("%q: %v, %v", text, d.Duration, err)
			continue
		}
		var back Duration
		if err := back.UnmarshalText([]byte(d.String())); err != nil || back != d {
			t.Errorf("%q prints as %q, which reads as %v, %v", text, d, back.Duration, err)
		}
	}
	for _, text := range []string{"", "5", "-1s", "s", "1x", "1..5s", "99999999d", "1e3s", "NaNs", "1 2s", "1s2", "."} {
		var d Duration
		if err := d.UnmarshalText([]byte(text)); err == nil {
			t.Errorf("%q is %v", text, d.Duration)
		}
	}
}

func TestByteSizes(t *testing.T) {
	for text, want := range map[string]uint64{
		"0": 0, "16MB": 16 << 20, "512kB": 512 << 10, "1 GB": 1 << 30, "1.5GB": 3 << 29, "2TB": 2 << 40, "100": 100, "100B": 100, "1KB": 1024,
	} {
		var b ByteSize
		if err := b.UnmarshalText([]byte(text)); err != nil || b.Bytes() != want {
			t.Errorf("%q: %v, %v", text, b.Bytes(), err)
			continue
		}
		var back ByteSize
		if err := back.UnmarshalText([]byte(b.String())); err != nil || back != b {
			t.Errorf("%q prints as %q, which reads as %v, %v", text, b, back.Bytes(), err)
		}
	}
	for _, text := range []string{"", "MB", "-1", "1mb", "1MB1", "1PB", "9999999999999TB", "1e3"} {
		var b ByteSize
		if err := b.UnmarshalText([]byte(text)); err == nil {
			t.Errorf("%q is %v", text, b.Bytes())
		}
	}
}

// FuzzParse looks for input that panics, or that passes and is out of bounds.
func FuzzParse(f *testing.F) {
	data, err := os.ReadFile("../../proxy.toml")
	if err != nil {
		f.Fatal(err)
	}
	f.Add(string(data))
	for _, text := range []string{
		minimal, "pool = { size = 1, x.y = 2 }", "[[pool]]\n[pool.\"a.b\"]", "listen=[\"a\",[1,{}]]",
		"a.b.c = 1\n'' = 2\n\"\\u0000\" = 3", "[cluster]\nnodes=[\"postgres://%zz\",\"host='\\\\\",\"host=a,b\"]",
		"workers = 0x7fffffff\n[pool]\nsize = 1_0\n[health]\ninterval = 0.5\ntimeout = 1979-05-27T07:32:00Z",
		"cluster = { nodes = [\"h\"] }\n[auth]\nmethod=\"trust\"",
	} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		c, err := Parse([]byte(text), "f")
		if (c == nil) == (err == nil) {
			t.Fatal("neither or both of configuration and error")
		}
		if err == nil && (len(c.Nodes) == 0 || len(c.Listen) == 0 || c.Pool.Size < 1 || c.Health.Interval.Duration <= 0) {
			t.Fatalf("%+v passes", c)
		}
	})
}

func TestSecretsAreComparedNotPrinted(t *testing.T) {
	a := &Cluster{MonitorPassword: secret.New("a")}
	if text := fmt.Sprintf("%v %+v", a, *a); strings.Contains(text, "{") {
		t.Fatal(text)
	}
}
