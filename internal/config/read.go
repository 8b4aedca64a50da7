package config

import (
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/pgroute/pgroute/internal/secret"
)

// envPrefix begins the name of every environment variable that sets a key.
const envPrefix = "PGROUTE_"

// maxFile bounds the configuration file, in bytes.
const maxFile = 1 << 20

// Override sets one key from outside the file, as a command line flag does.
type Override struct {
	Key    string // "pool.size"
	Value  string // lists are separated by commas or semicolons
	Origin string // "--pool-size", for error messages
}

// Sources are the places a configuration comes from, the weakest first.
type Sources struct {
	Path string // of proxy.toml; "" means that there is none
	// Environ is what os.Environ gives: PGROUTE_<KEY> for every key, and
	// PGUSER and PGPASSWORD for the monitor role where nothing else names them.
	Environ   []string
	Overrides []Override
}

// Load reads and validates the file alone.
func Load(path string) (*Config, error) { return Read(Sources{Path: path}) }

// Parse validates the text of a file called name. password_file is not read,
// but certificate files that nodes name are looked at.
func Parse(data []byte, name string) (*Config, error) {
	c := newConfig()
	problems, ok := decode(c, data, name)
	if ok {
		c.finish(&problems)
	}
	return c.orError(problems)
}

// orError gives the configuration or what is wrong with it, never both.
func (c *Config) orError(problems Problems) (*Config, error) {
	if len(problems) > 0 {
		return nil, problems
	}
	return c, nil
}

// Read reads all sources and validates the result. The error is of type
// Problems.
func Read(s Sources) (*Config, error) {
	c := newConfig()
	var problems Problems
	if s.Path != "" {
		data, err := readFile(s.Path)
		if err != nil {
			problems.add("", "", "read configuration: %v", err)
			return nil, problems
		}
		var ok bool
		if problems, ok = decode(c, data, s.Path); !ok {
			return nil, problems
		}
	}
	c.applyEnviron(s.Environ, &problems)
	c.applyOverrides(s.Overrides, &problems)
	c.applyMonitor(s.Environ, &problems)
	c.finish(&problems)
	return c.orError(problems)
}

// newConfig is Default with room for origins.
func newConfig() *Config {
	c := Default()
	c.origins = make(map[string]string)
	return c
}

// readFile reads the file up to the bound.
func readFile(path string) ([]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer func() { _ = f.Close() }()
	data, err := io.ReadAll(io.LimitReader(f, maxFile+1))
	if err == nil && len(data) > maxFile {
		return nil, fmt.Errorf("%s: larger than %d bytes", path, maxFile)
	}
	return data, err
}

// applyEnviron sets the keys that PGROUTE_ variables name. Other variables
// with that prefix are left alone, since orchestrators make some from the
// names of services (PGROUTE_SERVICE_HOST) and the lab sets its own.
func (c *Config) applyEnviron(environ []string, problems *Problems) {
	all := settings()
	for _, entry := range environ {
		name, value, _ := strings.Cut(entry, "=")
		if !strings.HasPrefix(name, envPrefix) {
			continue
		}
		for i := range all {
			if s := &all[i]; s.named(name) {
				c.set(s, value, "environment variable "+name, problems)
			}
		}
	}
}

// named reports whether the variable sets the key.
func (s *setting) named(variable string) bool {
	for _, v := range s.variables() {
		if v == variable {
			return true
		}
	}
	return false
}

// applyOverrides sets what flags name.
func (c *Config) applyOverrides(overrides []Override, problems *Problems) {
	all := settings()
	for _, o := range overrides {
		if s, ok := find(all, o.Key); ok {
			c.set(&s, o.Value, o.Origin, problems)
		} else {
			problems.add(o.Origin, "", "unknown key %q", o.Key)
		}
	}
}

// set sets one key from text and remembers where it came from.
func (c *Config) set(s *setting, value, origin string, problems *Problems) {
	if err := s.setText(c, value); err != nil {
		problems.add(origin, s.key, "%v; must be %s", err, s.expects())
	}
	c.origins[s.key] = origin
}

// applyMonitor finds name and password of the monitor role: from the key
// itself, password_file, then libpq's variables.
func (c *Config) applyMonitor(environ []string, problems *Problems) {
	m := &c.Cluster
	if user := lookup(environ, "PGUSER"); user != "" && c.origins["cluster.monitor_user"] == "" {
		m.MonitorUser = user
		c.origins["cluster.monitor_user"] = "environment variable PGUSER"
	}
	switch {
	case !m.MonitorPassword.IsZero():
		if m.PasswordFile != "" {
			c.Warnings = append(c.Warnings, "cluster.password_file is not read because monitor_password is set")
		}
	case m.PasswordFile != "":
		data, err := secret.ReadFile(m.PasswordFile)
		if err != nil {
			problems.add(c.origins["cluster.password_file"], "cluster.password_file", "%v", err)
		}
		m.MonitorPassword = secret.New(strings.TrimRight(string(data), "\r\n"))
	default:
		m.MonitorPassword = secret.New(lookup(environ, "PGPASSWORD"))
	}
}

// lookup finds a variable; the last one counts, as for a process.
func lookup(environ []string, name string) (value string) {
	for _, entry := range environ {
		if v, ok := strings.CutPrefix(entry, name+"="); ok {
			value = v
		}
	}
	return value
}
