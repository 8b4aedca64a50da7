package proxy

import (
	"strings"
	"sync"
	"time"

	"github.com/pgroute/pgroute/backend"
	"github.com/pgroute/pgroute/internal/pg"
	"github.com/pgroute/pgroute/internal/wire"
	"github.com/pgroute/pgroute/proxy/auth"
)

var errCanceled = pg.Errorf(pg.QueryCanceled, "canceling statement due to user request")

// welcome is what a client is told after it authenticated. It is shared by
// sessions of one kind and never changed.
type welcome struct {
	reported []backend.Reported
	defaults backend.Defaults
	cred     auth.Credential
	at       time.Time
}

// welcomeLife is how long a welcome serves for further logins. A change by
// ALTER ROLE … SET or ALTER DATABASE … SET is seen by new logins after it.
const welcomeLife = 5 * time.Second

// maxWelcomes bounds how many are kept.
const maxWelcomes = 1000

// welcomeFrom makes the welcome of a server connection that nobody has used.
func welcomeFrom(c *backend.Conn) *welcome {
	w := &welcome{defaults: c.Defaults, at: time.Now()}
	for _, r := range c.Reported {
		if r.Name == "in_hot_standby" {
			r.Value = "off"
		}
		w.reported = append(w.reported, r)
	}
	return w
}

// welcomes remembers them by database, user and startup settings, so that a
// storm of logins does not become one on the server.
type welcomes struct {
	mu sync.Mutex
	m  map[welcomeKey]*welcome
}

type welcomeKey struct {
	database, user string
	base           backend.Settings
}

// get gives a welcome that is young enough and was got with the same
// credential: the server would have let this client in as well.
func (w *welcomes) get(database, user string, base backend.Settings, cred *auth.Credential) (*welcome, bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	got := w.m[welcomeKey{database, user, base}]
	if got == nil || time.Since(got.at) > welcomeLife || !got.cred.Equal(cred) {
		return nil, false
	}
	return got, true
}

func (w *welcomes) put(database, user string, base backend.Settings, cred auth.Credential, got *welcome) {
	got.cred = cred
	w.mu.Lock()
	defer w.mu.Unlock()
	if len(w.m) >= maxWelcomes {
		clear(w.m)
	}
	w.m[welcomeKey{database, user, base}] = got
}

// baseSettings are the settings a startup packet makes: its parameters that
// are settings, and those in options (pg_split_opts, process_postgres_switches
// in src/backend/tcop/postgres.c).
func baseSettings(st *wire.Startup) (backend.Settings, *pg.Error) {
	var pairs []string
	for i := 0; i+1 < len(st.Params); i += 2 {
		switch name := st.Params[i]; name {
		case "user", "database", "replication":
		case "options":
			more, err := parseOptions(st.Params[i+1])
			if err != nil {
				return backend.Settings{}, err
			}
			pairs = append(more, pairs...) // other parameters win over options
		default:
			pairs = append(pairs, name, st.Params[i+1])
		}
	}
	return backend.NewSettings(withoutOwn(pairs)...), nil
}

// parseOptions reads "-c name=value" and "--name=value".
func parseOptions(s string) ([]string, *pg.Error) {
	args := splitOptions(s)
	var pairs []string
	for i := 0; i < len(args); i++ {
		arg := args[i]
		switch {
		case arg == "-c" && i+1 < len(args):
			i++
			arg = args[i]
		case strings.HasPrefix(arg, "--"):
			arg = arg[2:]
		case strings.HasPrefix(arg, "-c"):
			arg = arg[2:]
		default:
			return nil, pg.Fatalf(pg.FeatureNotSupported, "pgroute does not carry the command-line option %q", arg).
				WithHint("Use -c name=value in the connection option options.")
		}
		name, value, ok := strings.Cut(arg, "=")
		if !ok {
			return nil, pg.Fatalf(pg.SyntaxError, "-c %s requires a value", arg)
		}
		pairs = append(pairs, strings.ReplaceAll(name, "-", "_"), value)
	}
	return pairs, nil
}

// splitOptions splits at white space that no backslash precedes.
func splitOptions(s string) []string {
	var args []string
	var arg strings.Builder
	in, escaped := false, false
	for _, c := range []byte(s) {
		switch {
		case escaped:
			arg.WriteByte(c)
			escaped = false
		case c == '\\':
			in, escaped = true, true
		case c == ' ' || c >= '\t' && c <= '\r':
			if in {
				args = append(args, arg.String())
				arg.Reset()
			}
			in = false
		default:
			arg.WriteByte(c)
			in = true
		}
	}
	if in {
		args = append(args, arg.String())
	}
	return args
}
