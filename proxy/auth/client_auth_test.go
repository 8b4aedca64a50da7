package auth

import (
	"crypto/x509"
	"crypto/x509/pkix"
	"errors"
	"fmt"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/pgroute/pgroute/internal/pg"
	"github.com/pgroute/pgroute/internal/secret"
)

func mustParse(t *testing.T, text string) Verifier {
	t.Helper()
	v, err := ParseVerifier(text)
	if err != nil {
		t.Fatal(err)
	}
	return v
}

// md5Of is pg_authid.rolpassword of an md5 role.
func md5Of(t *testing.T, password, user string) Verifier {
	t.Helper()
	return mustParse(t, hashMD5(secret.New(password), user).Reveal())
}

func TestMD5HashHasPostgresForm(t *testing.T) {
	// What PostgreSQL stores for role alice with password secret.
	if got := hashMD5(secret.New("secret"), "alice").Reveal(); got != "md5"+hexMD5("secretalice") || len(got) != 35 {
		t.Fatal(got)
	}
	if got := hexMD5("abc"); got != "900150983cd24fb0d6963f7d28e17f72" { // RFC 1321
		t.Fatal(got)
	}
}

// TestMD5PassesThrough logs in with a password, and then to a second server
// with the hash the first login left.
func TestMD5PassesThrough(t *testing.T) {
	r := roleOf(t, "ann", md5Of(t, "pencil", "ann"))
	l := withPassword(r, "pencil")
	l.server.Method = MD5
	first, sent, err := l.run()
	if err != nil || sent[0].Code != ReqMD5 || len(sent[0].Data) != 4 {
		t.Fatalf("%v, %v", sent, err)
	}
	l.client.Credential = first.Credential()
	if d := l.client.Credential.Describe(); d != "md5 hash" {
		t.Fatal(d)
	}
	if _, _, err := l.run(); err != nil {
		t.Fatal(err)
	}
	wrong := withPassword(r, "pen")
	wrong.server.Method = MD5
	_, _, err = wrong.run()
	wantError(t, err, pg.InvalidPassword, `password authentication failed for user "ann"`)
}

// TestMethodFollowsTheVerifier goes through what a role may have and what its
// client is then asked for, as in PostgreSQL.
func TestMethodFollowsTheVerifier(t *testing.T) {
	scram, md5, plain := verifierOf(t, "pencil"), md5Of(t, "pencil", "ann"), mustParse(t, "pencil")
	for _, c := range []struct {
		name       string
		method     Method
		role       Role
		code       int32
		fine       bool
		credential string
	}{
		{"trust", Trust, Role{Name: "ann"}, ReqOk, true, "none"},
		{"trust, plain known", Trust, roleOf(t, "ann", plain), ReqOk, true, "password"},
		{"trust, md5 known", Trust, roleOf(t, "ann", md5), ReqOk, true, "md5 hash"},
		{"trust, verifier known", Trust, roleOf(t, "ann", scram), ReqOk, true, "none"},
		{"cert", Cert, roleOf(t, "ann", scram), ReqOk, true, "none"},
		{"scram", SCRAM, roleOf(t, "ann", scram), ReqSASL, true, "SCRAM keys"},
		{"scram from plain", SCRAM, roleOf(t, "ann", plain), ReqSASL, true, "password"},
		{"scram, md5 known", SCRAM, roleOf(t, "ann", md5), ReqSASL, false, ""},
		{"md5", MD5, roleOf(t, "ann", md5), ReqMD5, true, "md5 hash"},
		{"md5 from plain", MD5, roleOf(t, "ann", plain), ReqMD5, true, "password"},
		{"md5, verifier known", MD5, roleOf(t, "ann", scram), ReqSASL, true, "SCRAM keys"},
		{"md5, nobody known", MD5, Role{Name: "ann"}, ReqSASL, false, ""},
		{"scram, no password", SCRAM, Role{Name: "ann", Found: true}, ReqSASL, false, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			l := withPassword(c.role, "pencil")
			l.server.Method = c.method
			a, sent, err := l.run()
			if sent[0].Code != c.code || (err == nil) != c.fine {
				t.Fatalf("asked for %d, %v", sent[0].Code, err)
			}
			if cred := a.Credential(); c.fine && cred.Describe() != c.credential {
				t.Fatalf("left %s", cred.Describe())
			}
			if !c.fine {
				wantError(t, err, pg.InvalidPassword, `password authentication failed for user "ann"`)
			}
		})
	}
}

// TestWhoMayNotGetIn: the client learns nothing but failure, the log why.
func TestWhoMayNotGetIn(t *testing.T) {
	now := time.Unix(1e9, 0)
	good := roleOf(t, "ann", verifierOf(t, "pencil"))
	expired, later, broken := good, good, good
	expired.ValidUntil, later.ValidUntil = now.Add(-time.Second), now.Add(time.Second)
	broken.problem = "the verifier is broken"
	for reason, r := range map[string]Role{
		`Role "ann" does not exist.`:                     {Name: "ann"},
		`User "ann" has no password assigned.`:           {Name: "ann", Found: true},
		`User "ann" has an expired password.`:            expired,
		`User "ann" does not have a valid SCRAM secret.`: roleOf(t, "ann", md5Of(t, "pencil", "ann")),
		"the verifier is broken":                         broken,
	} {
		_, _, err := withPassword(r, "pencil").run()
		e := wantError(t, err, pg.InvalidPassword, `password authentication failed for user "ann"`)
		if e.Cause == nil || e.Cause.Error() != reason {
			t.Errorf("cause %v, want %s", e.Cause, reason)
		}
	}
	if _, _, err := withPassword(later, "pencil").run(); err != nil {
		t.Error(err)
	}
}

func TestRoleThatMayNotLogInLearnsItAfterItsPassword(t *testing.T) {
	r := roleOf(t, "ann", verifierOf(t, "pencil"))
	r.NoLogin = true
	_, _, err := withPassword(r, "pencil").run()
	wantError(t, err, pg.InvalidAuthorization, `role "ann" is not permitted to log in`)
	_, _, err = withPassword(r, "pen").run()
	wantError(t, err, pg.InvalidPassword, `password authentication failed for user "ann"`)
}

// shape reduces a login to what its client can see: the requests with nonces
// masked, and the error.
func shape(sent []Request, err error) string {
	var b strings.Builder
	for _, r := range sent {
		data := string(r.Data)
		if r.Code == ReqSASLContinue {
			nonce, rest, _ := strings.Cut(data, ",")
			data = fmt.Sprintf("%d %s", len(nonce), rest)
		}
		fmt.Fprintf(&b, "%d %q %v\n", r.Code, data, r.Done)
	}
	var e *pg.Error
	if errors.As(err, &e) {
		fmt.Fprintln(&b, e.Severity, e.State, e.Message, e.Hint)
	}
	return b.String()
}

// TestUnknownUserLooksLikeAWrongPassword compares all a client can see: every
// message has the form and length it has for a role that exists, and the
// salt of a name never changes.
func TestUnknownUserLooksLikeAWrongPassword(t *testing.T) {
	mock := testMock()
	salt := mock.salt("ann")
	k, err := DeriveSCRAMKeys(secret.New("pencil"), salt, testIterations)
	if err != nil {
		t.Fatal(err)
	}
	scram := k.Verifier()
	known := Role{Name: "ann", Found: true, Verifier: Verifier{kind: KindSCRAM, scram: scram}}
	view := func(r Role) string {
		_, sent, err := withPassword(r, "guess").run()
		return shape(sent, err)
	}
	want := view(known)
	for range 3 {
		if got := view(Role{Name: "ann"}); got != want {
			t.Fatalf("unknown role:\n%s\nwrong password:\n%s", got, want)
		}
	}
	if mock.salt("bob") == salt || NewMock(secret.New("other"), 0).salt("ann") == salt {
		t.Fatal("the salt does not depend on name and seed")
	}
	if NewMock(secret.New("seed"), 0).salt("ann") != salt || NewMock(secret.Text{}, 0).salt("ann") == NewMock(secret.Text{}, 0).salt("ann") {
		t.Fatal("a seed must fix the salt, and no seed must not")
	}
	if NewMock(secret.Text{}, 0).verifier("x").iterations != DefaultIterations {
		t.Fatal("default iterations")
	}
}

// TestUnknownUserCostsTheSame compares the work of both exchanges, without a
// clock: the same number of allocations means the same path was taken.
func TestUnknownUserCostsTheSame(t *testing.T) {
	mock, known := testMock(), roleOf(t, "ann", verifierOf(t, "pencil"))
	final := func(r Role) func() {
		return func() {
			a := NewClientAuth(ClientAuthOptions{Method: SCRAM, Role: r, Mock: mock})
			b := NewServerAuth(ServerAuthOptions{User: "ann", Credential: SCRAMCredential(known.keysForTest())})
			first, _, _ := b.Respond(ReqSASL, []byte("SCRAM-SHA-256\x00\x00"))
			challenge, _ := a.Step(first)
			nonce, _, _ := strings.Cut(string(challenge.Data), ",")
			_, _ = a.Step([]byte("c=biws," + nonce + ",p=" + encode(make([]byte, keyLen))))
		}
	}
	a, b := testing.AllocsPerRun(50, final(known)), testing.AllocsPerRun(50, final(Role{Name: "ann"}))
	if a+5 < b || b+5 < a {
		t.Errorf("%v allocations for a known role, %v for an unknown one", a, b)
	}
}

// keysForTest gives any keys, so that a client can begin an exchange.
func (r *Role) keysForTest() *SCRAMKeys {
	return &SCRAMKeys{salt: r.Verifier.scram.salt, iterations: r.Verifier.scram.iterations}
}

func TestPasswordMessageIsChecked(t *testing.T) {
	r := roleOf(t, "ann", md5Of(t, "pencil", "ann"))
	for body, want := range map[string]string{
		"":                           "invalid password packet size",
		"x":                          "invalid password packet size",
		"x\x00y\x00":                 "invalid password packet size",
		"\x00":                       "empty password returned by client",
		strings.Repeat("x", 70_000):  "invalid message length",
		"md5" + hexMD5("x") + "\x00": `password authentication failed for user "ann"`,
	} {
		a := NewClientAuth(ClientAuthOptions{Method: MD5, Role: r, Mock: testMock()})
		if _, err := a.Start(); err != nil {
			t.Fatal(err)
		}
		_, err := a.Step([]byte(body))
		var e *pg.Error
		if !errors.As(err, &e) || e.Message != want || e.Severity != pg.SeverityFatal {
			t.Errorf("%.20q: %v", body, err)
		}
	}
}

func TestMessagesOfTheWrongKindAreRefused(t *testing.T) {
	scram := NewClientAuth(ClientAuthOptions{Method: SCRAM, Role: Role{Name: "ann"}, Mock: testMock()})
	wantError(t, scram.Unexpected('Q'), pg.ProtocolViolation, "expected SASL response, got message type 81")
	md5 := NewClientAuth(ClientAuthOptions{Method: MD5, Role: roleOf(t, "ann", md5Of(t, "x", "ann"))})
	wantError(t, md5.Unexpected('Q'), pg.ProtocolViolation, "expected password response, got message type 81")
	trust := NewClientAuth(ClientAuthOptions{Method: Trust, Role: Role{Name: "ann"}})
	if _, err := trust.Step(nil); err == nil {
		t.Error("a password where none was asked for")
	}
	if _, err := trust.Start(); err != nil {
		t.Error(err)
	}
	_, err := trust.Step(nil)
	wantError(t, err, pg.ProtocolViolation, "the authentication exchange is over")
}

// errReader is a source of randomness that has run dry.
type errReader struct{}

func (errReader) Read([]byte) (int, error) { return 0, errors.New("no entropy") }

func TestNoRandomnessNoLogin(t *testing.T) {
	l := withPassword(roleOf(t, "ann", verifierOf(t, "pencil")), "pencil")
	l.server.Random = errReader{}
	_, _, err := l.run()
	wantError(t, err, pg.InternalError, "could not generate random nonce")
	l.server.Random, l.client.Random = nil, errReader{}
	_, _, err = l.run()
	wantError(t, err, pg.InternalError, "could not generate random nonce")
	md5 := NewClientAuth(ClientAuthOptions{Method: MD5, Role: roleOf(t, "ann", md5Of(t, "x", "ann")), Random: errReader{}})
	_, err = md5.Start()
	wantError(t, err, pg.InternalError, "could not generate random MD5 salt")
}

func TestMethodNames(t *testing.T) {
	for m := range methods {
		if got, err := ParseMethod(m.String()); err != nil || got != m {
			t.Errorf("%s: %v, %v", m, got, err)
		}
	}
	if _, err := ParseMethod("peer"); err == nil {
		t.Error("peer is no method")
	}
}

func TestCertificateMustNameTheUser(t *testing.T) {
	cert := &x509.Certificate{Subject: pkix.Name{CommonName: "ann"}}
	if err := CheckCertificate(cert, "ann"); err != nil {
		t.Error(err)
	}
	wantError(t, CheckCertificate(cert, "bob"), pg.InvalidAuthorization, `certificate authentication failed for user "bob"`)
	wantError(t, CheckCertificate(&x509.Certificate{}, ""), pg.InvalidAuthorization, `certificate authentication failed for user ""`)
	wantError(t, CheckCertificate(nil, "ann"), pg.InvalidAuthorization, "connection requires a valid client certificate")
}

func TestEndPointFollowsTheSignature(t *testing.T) {
	for algorithm, want := range map[x509.SignatureAlgorithm]int{
		x509.SHA1WithRSA: 32, x509.MD5WithRSA: 32, x509.SHA256WithRSA: 32, x509.ECDSAWithSHA256: 32,
		x509.SHA384WithRSA: 48, x509.ECDSAWithSHA512: 64, x509.PureEd25519: 0, x509.UnknownSignatureAlgorithm: 0,
	} {
		if got := EndPoint(&x509.Certificate{SignatureAlgorithm: algorithm, Raw: []byte("x")}); len(got) != want {
			t.Errorf("%v: %d bytes", algorithm, len(got))
		}
	}
}

// TestNothingPrintsKeys formats every type that holds a secret.
func TestNothingPrintsKeys(t *testing.T) {
	r := roleOf(t, "ann", mustParse(t, "hunter2"))
	scram := roleOf(t, "ann", verifierOf(t, "hunter2"))
	client := NewClientAuth(ClientAuthOptions{Method: SCRAM, Role: r, Mock: testMock()})
	cred := PasswordCredential(secret.New("hunter2"))
	server := NewServerAuth(ServerAuthOptions{User: "ann", Credential: cred})
	users := &UsersFile{}
	for _, v := range []any{
		r, &r, r.Verifier, &r.Verifier, scram, scram.Verifier, scram.Verifier.scram, r.derived, *r.derived,
		client, *client, client.scram, cred, &cred, server, testMock(), *testMock(), NewKeyCache(), users,
		Record{Verifier: r.Verifier}, NewLookup(LookupOptions{Mock: testMock()}), NewQuerySource(QueryOptions{}),
	} {
		for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%x", "%d"} {
			if out := fmt.Sprintf(verb, v); out != secret.Placeholder {
				t.Errorf("%s of %s prints %s", verb, reflect.TypeOf(v), out)
			}
		}
	}
}
