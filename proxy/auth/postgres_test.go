package auth

import (
	"context"
	"errors"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgconn"

	"github.com/pgroute/pgroute/internal/lab"
	"github.com/pgroute/pgroute/internal/lab/labtest"
	"github.com/pgroute/pgroute/internal/pg"
	"github.com/pgroute/pgroute/internal/secret"
)

// cluster is a real primary and standby with roles of every kind.
type cluster struct {
	*lab.Lab
	source *QuerySource
	lookup *Lookup
}

// fullQuery also asks for what PostgreSQL heeds at login.
const fullQuery = "SELECT rolname, rolpassword, rolcanlogin, rolvaliduntil FROM pg_authid WHERE rolname = $1"

const roles = `
CREATE ROLE ann LOGIN PASSWORD 'pencil';
CREATE ROLE "Zo""ë" LOGIN PASSWORD 'ª pass';
CREATE ROLE nologin NOLOGIN PASSWORD 'pencil';
CREATE ROLE nopass LOGIN;
CREATE ROLE expired LOGIN PASSWORD 'pencil' VALID UNTIL '2001-01-01';
CREATE ROLE forever LOGIN PASSWORD 'pencil' VALID UNTIL 'infinity';
CREATE ROLE clear LOGIN PASSWORD 'pencil';
SET password_encryption = 'md5';
CREATE ROLE mdfive LOGIN PASSWORD 'pencil';
`

// startCluster starts servers that ask for SCRAM, md5 or cleartext by role.
func startCluster(t *testing.T) *cluster {
	t.Helper()
	l := labtest.Start(t, lab.Options{Standbys: 1, Auth: lab.AuthSCRAM, HBA: []string{
		"host all mdfive 127.0.0.1/32 md5", "host all clear 127.0.0.1/32 password",
	}})
	if err := l.Node("primary").Exec(t.Context(), roles); err != nil {
		t.Fatal(err)
	}
	c := &cluster{Lab: l}
	c.source, c.lookup = c.newLookup(t, fullQuery)
	return c
}

// newLookup asks both nodes, the primary first.
func (c *cluster) newLookup(t *testing.T, sql string) (*QuerySource, *Lookup) {
	t.Helper()
	var nodes []QueryNode
	for _, name := range []string{"primary", "standby1"} {
		config, err := pgconn.ParseConfig(c.Node(name).DSN(lab.Monitor, "postgres"))
		if err != nil {
			t.Fatal(err)
		}
		nodes = append(nodes, QueryNode{Name: name, Config: config})
	}
	s := NewQuerySource(QueryOptions{SQL: sql, Nodes: func() []QueryNode { return nodes }})
	t.Cleanup(s.Close)
	l := NewLookup(LookupOptions{Source: s, Mock: testMock(), TTL: 5 * time.Second, Revalidate: true})
	t.Cleanup(l.Close)
	return s, l
}

// connect logs in to a node with a credential.
func (c *cluster) connect(t *testing.T, node, user string, cred Credential) error {
	t.Helper()
	a := NewServerAuth(ServerAuthOptions{Node: node, User: user, Credential: cred, AllowCleartext: true})
	return dial(t, c.Node(node).Addr(), user).login(a)
}

// admit lets a client in as pgroute would: looked up, authenticated by m.
func (c *cluster) admit(t *testing.T, m Method, user, password string) (*ClientAuth, error) {
	t.Helper()
	login := withPassword(find(t, c.lookup, user), password)
	login.server.Method, login.server.Now = m, time.Now()
	a, _, err := login.run()
	return a, err
}

func TestAgainstPostgres(t *testing.T) {
	c := startCluster(t)
	for name, f := range map[string]func(*testing.T, *cluster){
		"passwords log in": passwordsLogIn, "keys pass through": keysPassThrough, "md5 passes through": md5PassesThrough,
		"real clients log in": realClientsLogIn, "psql logs in": psqlLogsIn, "role attributes count": roleAttributesCount,
		"errors are PostgreSQL's": errorsArePostgres, "queries may be functions": queriesMayBeFunctions,
		"bad queries are explained": badQueriesAreExplained, "names need not be text": namesNeedNotBeText,
	} {
		t.Run(name, func(t *testing.T) { f(t, c) })
	}
	// These change what the others rely on, so they come last.
	t.Run("changed password counts at once", func(t *testing.T) { changedPassword(t, c) })
	t.Run("standby answers when the primary is gone", func(t *testing.T) { standbyAnswers(t, c) })
}

func passwordsLogIn(t *testing.T, c *cluster) {
	for user, password := range map[string]string{"ann": "pencil", "mdfive": "pencil", "clear": "pencil", `Zo"ë`: "a pass"} {
		if err := c.connect(t, "primary", user, PasswordCredential(secret.New(password))); err != nil {
			t.Errorf("%s: %v", user, err)
		}
		err := c.connect(t, "primary", user, PasswordCredential(secret.New("wrong")))
		var e *serverError
		if !errors.As(err, &e) || e.state != string(pg.InvalidPassword) {
			t.Errorf("%s with a wrong password: %v", user, err)
		}
	}
}

// keysPassThrough is what pgroute is about: no password anywhere, and yet
// every node lets the session in.
func keysPassThrough(t *testing.T, c *cluster) {
	if err := c.WaitCaughtUp(t.Context()); err != nil {
		t.Fatal(err)
	}
	for _, m := range []Method{SCRAM, MD5} {
		a, err := c.admit(t, m, "ann", "pencil")
		if err != nil {
			t.Fatal(err)
		}
		for _, node := range []string{"primary", "standby1"} {
			if err := c.connect(t, node, "ann", a.Credential()); err != nil {
				t.Errorf("%s: %v", node, err)
			}
		}
	}
}

func md5PassesThrough(t *testing.T, c *cluster) {
	a, err := c.admit(t, MD5, "mdfive", "pencil")
	if err != nil {
		t.Fatal(err)
	}
	if err := c.connect(t, "primary", "mdfive", a.Credential()); err != nil {
		t.Error(err)
	}
	_, err = c.admit(t, SCRAM, "mdfive", "pencil")
	wantError(t, err, pg.InvalidPassword, `password authentication failed for user "mdfive"`)
}

// realClientsLogIn lets pgx, which has its own SCRAM, log in to ClientAuth.
func realClientsLogIn(t *testing.T, c *cluster) {
	for _, try := range []struct {
		method         Method
		user, password string
		fine           bool
	}{
		{SCRAM, "ann", "pencil", true}, {SCRAM, "ann", "wrong", false}, {SCRAM, "nobody", "pencil", false},
		{MD5, "mdfive", "pencil", true}, {MD5, "mdfive", "wrong", false}, {MD5, "ann", "pencil", true}, {Trust, "ann", "", true},
	} {
		a := NewClientAuth(ClientAuthOptions{Method: try.method, Role: find(t, c.lookup, try.user), Mock: testMock(), Now: time.Now()})
		ours, theirs := net.Pipe()
		served := make(chan error, 1)
		go func() {
			err := errors.New("the connection broke")
			defer func() { served <- err }()
			err = newPeer(t, ours).serve(a)
		}()
		config, err := pgconn.ParseConfig("host=pipe sslmode=disable user=" + try.user + " password=" + try.password)
		if err != nil {
			t.Fatal(err)
		}
		config.LookupFunc = func(context.Context, string) ([]string, error) { return []string{"pipe"}, nil }
		config.DialFunc = func(context.Context, string, string) (net.Conn, error) { return theirs, nil }
		_, err = pgconn.ConnectConfig(t.Context(), config)
		var refused *pgconn.PgError
		switch {
		case try.fine && err != nil:
			t.Errorf("%+v: %v", try, err)
		case !try.fine && (!errors.As(err, &refused) || refused.Code != string(pg.InvalidPassword)):
			t.Errorf("%+v: %v", try, err)
		}
		if err := <-served; (err == nil) != try.fine {
			t.Errorf("%+v: served with %v", try, err)
		}
		_ = theirs.Close()
	}
}

// psqlLogsIn lets libpq log in to ClientAuth, over TCP. The connection ends
// after the login, so psql fails either way; what it says tells how far it got.
func psqlLogsIn(t *testing.T, c *cluster) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = l.Close() }()
	for _, try := range []struct{ user, password, says string }{
		{"ann", "pencil", "server closed the connection"},
		{`Zo"ë`, "ª pass", "server closed the connection"},
		{"ann", "wrong", `FATAL:  password authentication failed for user "ann"`},
		{"nobody", "pencil", `FATAL:  password authentication failed for user "nobody"`},
	} {
		a := NewClientAuth(ClientAuthOptions{Method: SCRAM, Role: find(t, c.lookup, try.user), Mock: testMock(), Now: time.Now()})
		served := make(chan struct{})
		go func() {
			defer close(served)
			if conn, err := l.Accept(); err == nil {
				_ = newPeer(t, conn).serve(a)
				_ = conn.Close()
			}
		}()
		psql := exec.CommandContext(t.Context(), filepath.Join(c.PgBin(), "psql"), "-X", "-w", "-h", "127.0.0.1",
			"-p", strconv.Itoa(l.Addr().(*net.TCPAddr).Port), "-U", try.user, "-d", "postgres", "-c", "SELECT 1")
		psql.Env = append(os.Environ(), "PGPASSWORD="+try.password, "PGSSLMODE=disable", "PGGSSENCMODE=disable", "LC_ALL=C.UTF-8")
		out, _ := psql.CombinedOutput()
		<-served
		if !strings.Contains(string(out), try.says) {
			t.Errorf("%s with %q: psql says %s", try.user, try.password, out)
		}
	}
}

// roleAttributesCount compares ClientAuth with the server for roles that may
// not get in: the same SQLSTATE and message.
func roleAttributesCount(t *testing.T, c *cluster) {
	for _, user := range []string{"nologin", "nopass", "expired", "nobody", "forever"} {
		_, ours := c.admit(t, SCRAM, user, "pencil")
		theirs := c.connect(t, "primary", user, PasswordCredential(secret.New("pencil")))
		var a *pg.Error
		var b *serverError
		if errors.As(ours, &a) != errors.As(theirs, &b) {
			t.Fatalf("%s: %v here, %v there", user, ours, theirs)
		}
		if b != nil && (string(a.State) != b.state || a.Message != b.message) {
			t.Errorf("%s: %v here, %v there", user, ours, theirs)
		}
		if (b == nil) != (user == "forever") {
			t.Errorf("%s: %v", user, theirs)
		}
	}
}

// errorsArePostgres sends every malformed exchange to the server and compares
// its answer with ours.
func errorsArePostgres(t *testing.T, c *cluster) {
	for _, b := range brokenMessages() {
		t.Run(b.name, func(t *testing.T) {
			p := dial(t, c.Node("primary").Addr(), "ann")
			nonce, bodies := "", b.bodies
			for {
				kind, body := p.receive()
				if kind == 'E' {
					got := readError(body)
					if got.state != string(b.state) || got.message != b.message || got.detail != b.more {
						t.Fatalf("PostgreSQL says %v", got)
					}
					return
				}
				if len(bodies) == 0 {
					t.Fatalf("PostgreSQL goes on with %q", body)
				}
				nonce = nonceOf(string(body[4:]))
				p.send('p', []byte(strings.ReplaceAll(bodies[0], "NONCE", nonce)))
				bodies = bodies[1:]
			}
		})
	}
}

// queriesMayBeFunctions: the function proxy.toml recommends, word for word,
// and what else a query may return.
func queriesMayBeFunctions(t *testing.T, c *cluster) {
	if err := c.Node("primary").Exec(t.Context(), recommendedFunction(t)); err != nil {
		t.Fatal(err)
	}
	for sql, found := range map[string]bool{
		"SELECT * FROM get_auth($1)":                               true,
		"SELECT $1::text, null":                                    true,
		"SELECT null::text, 'x' WHERE $1 <> ''":                    false,
		"SELECT rolname, rolpassword FROM pg_authid WHERE $1 = ''": false,
	} {
		_, l := c.newLookup(t, sql)
		r := find(t, l, "ann")
		if v, _ := r.Verifier.SCRAM(); r.Found != found || (strings.Contains(sql, "get_auth") && v.Iterations() != DefaultIterations) {
			t.Errorf("%s: found %v", sql, r.Found)
		}
	}
}

// recommendedFunction takes the SQL out of the comment on auth_query.
func recommendedFunction(t *testing.T) string {
	t.Helper()
	data, err := os.ReadFile("../../proxy.toml")
	if err != nil {
		t.Fatal(err)
	}
	_, rest, _ := strings.Cut(string(data), "#   CREATE FUNCTION")
	sql, _, found := strings.Cut(rest, "#   auth_query =")
	if !found {
		t.Fatal("proxy.toml does not show the function")
	}
	return "CREATE FUNCTION" + strings.ReplaceAll(sql, "\n#", "\n")
}

func badQueriesAreExplained(t *testing.T, c *cluster) {
	for sql, want := range map[string]string{
		"SELECT rolname, rolpassword FROM pg_authid WHERE $1 <> ''": "rows for one user",
		"SELECT $1::text":                                  "one column",
		"SELECT 'bob', 'x' WHERE $1 <> ''":                 "returned another",
		"SELEKT $1":                                        "42601",
		"SELECT $1::text, 'x', 1 AS rolcanlogin":           "another type",
		"SELECT $1::text, 'x', now()::text rolvaliduntil":  "another type",
		"SELECT $1::text, 'x' FROM pg_read_file('/etc/x')": "42501",
	} {
		_, l := c.newLookup(t, sql)
		_, err := l.Find(t.Context(), "ann")
		e := wantError(t, err, pg.CannotConnectNow, `no server can be asked about user "ann" at the moment`)
		if !strings.Contains(e.Cause.Error(), want) {
			t.Errorf("%s: %v", sql, e.Cause)
		}
	}
}

// namesNeedNotBeText: bytes that are no UTF-8 cannot be a role's name.
func namesNeedNotBeText(t *testing.T, c *cluster) {
	if r := find(t, c.lookup, "a\xff"); r.Found {
		t.Fatal("found")
	}
}

func changedPassword(t *testing.T, c *cluster) {
	old, err := c.admit(t, SCRAM, "ann", "pencil")
	if err != nil {
		t.Fatal(err)
	}
	if err := c.Node("primary").Exec(t.Context(), "ALTER ROLE ann PASSWORD 'changed'"); err != nil {
		t.Fatal(err)
	}
	if _, err := c.admit(t, SCRAM, "ann", "pencil"); err == nil {
		t.Fatal("the old password still opens")
	}
	a, err := c.admit(t, SCRAM, "ann", "changed")
	if err != nil {
		t.Fatal(err)
	}
	if err := c.connect(t, "primary", "ann", a.Credential()); err != nil {
		t.Error(err)
	}
	wantError(t, c.connect(t, "primary", "ann", old.Credential()), pg.InvalidPassword,
		`server primary holds another SCRAM verifier of user "ann" than the one this session logged in with`)
	if err := c.Node("primary").Exec(t.Context(), "DROP ROLE nopass"); err != nil {
		t.Fatal(err)
	}
	if r := find(t, c.lookup, "nopass"); r.Found {
		t.Error("a dropped role is still found")
	}
}

// standbyAnswers loses the primary between two logins; the connection that
// was kept to it is dead then.
func standbyAnswers(t *testing.T, c *cluster) {
	find(t, c.lookup, "forever")
	if err := c.WaitCaughtUp(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := c.Kill(t.Context(), "primary"); err != nil {
		t.Fatal(err)
	}
	if r := find(t, c.lookup, "forever"); !r.Found || r.Cached {
		t.Errorf("found %v, from memory %v", r.Found, r.Cached)
	}
	a, err := c.admit(t, SCRAM, "forever", "pencil")
	if err != nil {
		t.Fatal(err)
	}
	if err := c.connect(t, "standby1", "forever", a.Credential()); err != nil {
		t.Error(err)
	}
}
