package auth

import (
	"errors"
	"strings"
	"testing"

	"github.com/pgroute/pgroute/internal/pg"
	"github.com/pgroute/pgroute/internal/secret"
)

// login options with a password, over TLS.
func serverOptions(c Credential) ServerAuthOptions {
	return ServerAuthOptions{Node: "a", User: "ann", Credential: c, TLS: true}
}

func TestServersThatTrustNeedNothing(t *testing.T) {
	_, done, err := NewServerAuth(serverOptions(Credential{})).Respond(ReqOk, nil)
	if !done || err != nil {
		t.Fatal(done, err)
	}
}

func TestCleartextOnlyWhereNobodyListens(t *testing.T) {
	o := serverOptions(PasswordCredential(secret.New("pencil")))
	for _, c := range []struct{ tls, allow, fine bool }{{true, false, true}, {false, true, true}, {false, false, false}} {
		o.TLS, o.AllowCleartext = c.tls, c.allow
		msg, _, err := NewServerAuth(o).Respond(ReqPassword, nil)
		if c.fine && (err != nil || string(msg) != "pencil\x00") {
			t.Errorf("%+v: %q, %v", c, msg, err)
		}
		if !c.fine {
			e := wantError(t, err, pg.InvalidAuthorization, `server a asked for a cleartext password to authenticate user "ann", but the connection is not encrypted`)
			if msg != nil || e.Hint == "" {
				t.Errorf("%q, hint %q", msg, e.Hint)
			}
		}
	}
}

func TestMissingSecretsAreExplained(t *testing.T) {
	md5 := Credential{md5: hashMD5(secret.New("pencil"), "ann")}
	keys := SCRAMCredential(&SCRAMKeys{})
	for _, c := range []struct {
		credential Credential
		code       int32
		data, want string
	}{
		{Credential{}, ReqPassword, "", "asked for a cleartext password to authenticate user \"ann\", but pgroute knows no password of that user"},
		{keys, ReqPassword, "", "pgroute knows no password of that user"},
		{md5, ReqPassword, "", "pgroute knows no password of that user"},
		{Credential{}, ReqMD5, "salt", "asked for md5 to authenticate user \"ann\", but pgroute knows no password and no md5 hash of that user"},
		{keys, ReqMD5, "salt", "knows no password and no md5 hash"},
		{Credential{}, ReqSASL, "SCRAM-SHA-256\x00\x00", "asked for SCRAM-SHA-256 to authenticate user \"ann\", but pgroute knows no password and no SCRAM key of that user"},
		{md5, ReqSASL, "SCRAM-SHA-256\x00\x00", "knows no password and no SCRAM key"},
		{keys, ReqSASL, "OAUTHBEARER\x00\x00", "pgroute knows none of its mechanisms (OAUTHBEARER)"},
		{keys, ReqSASL, "", "pgroute knows none of its mechanisms ()"},
		{keys, 7, "", "server a asked for GSSAPI to authenticate user \"ann\", but pgroute does not support it"},
		{keys, 2, "", "Kerberos V5"}, {keys, 6, "", "SCM"}, {keys, 9, "", "SSPI"}, {keys, 99, "", "authentication method 99"},
	} {
		msg, done, err := NewServerAuth(serverOptions(c.credential)).Respond(c.code, []byte(c.data))
		var e *pg.Error
		if msg != nil || done || !errors.As(err, &e) || e.State != pg.InvalidAuthorization || !strings.Contains(e.Message, c.want) {
			t.Errorf("%d: %q, %v, %v; want %q", c.code, msg, done, err, c.want)
		}
	}
}

// step is one message a server sends in the wrong place.
type step struct {
	code int32
	data string
}

func TestServersThatBreakTheProtocolAreLeft(t *testing.T) {
	sasl := step{ReqSASL, "SCRAM-SHA-256\x00\x00"}
	for name, steps := range map[string][]step{
		"Ok before the proof":       {sasl, {ReqOk, ""}},
		"continue before SASL":      {{ReqSASLContinue, "r=x,s=QQ==,i=1"}},
		"final before SASL":         {{ReqSASLFinal, "v=x"}},
		"SASL twice":                {sasl, sasl},
		"md5 within SASL":           {sasl, {ReqMD5, "salt"}},
		"md5 twice":                 {{ReqMD5, "salt"}, {ReqMD5, "salt"}},
		"Ok twice":                  {{ReqOk, ""}, {ReqOk, ""}},
		"cleartext after md5":       {{ReqMD5, "salt"}, {ReqPassword, ""}},
		"short salt":                {{ReqMD5, "sal"}},
		"a message beyond reason":   {{ReqSASL, strings.Repeat("x", maxServerMessage+1)}},
		"nonce that is not ours":    {sasl, {ReqSASLContinue, "r=x,s=QQ==,i=1"}},
		"no nonce":                  {sasl, {ReqSASLContinue, "s=QQ==,i=1"}},
		"empty":                     {sasl, {ReqSASLContinue, ""}},
		"mandatory extension":       {sasl, {ReqSASLContinue, "m=x,r=x"}},
		"continue with NUL and all": {sasl, {ReqSASLContinue, "r=\x00"}},
	} {
		t.Run(name, func(t *testing.T) {
			a := NewServerAuth(serverOptions(PasswordCredential(secret.New("x"))))
			var err error
			var done bool
			for i, s := range steps {
				if err != nil || (done && i < len(steps)-1) {
					t.Fatalf("step %d: %v", i, err)
				}
				_, done, err = a.Respond(s.code, []byte(s.data))
			}
			var e *pg.Error
			if !errors.As(err, &e) || e.State != pg.ProtocolViolation || !strings.Contains(e.Message, `user "ann" to server a`) {
				t.Fatalf("%v", err)
			}
		})
	}
}

// TestServerThatSkipsItsProofIsLeft: after the client's proof the server must
// show that it holds the verifier; a bare Ok is what an impostor would send.
func TestServerThatSkipsItsProofIsLeft(t *testing.T) {
	l := withPassword(roleOf(t, "ann", verifierOf(t, "pencil")), "pencil")
	a := NewClientAuth(ClientAuthOptions{Method: SCRAM, Role: l.server.Role, Mock: testMock()})
	b := NewServerAuth(l.client)
	req, _ := a.Start()
	msg, _, _ := b.Respond(req.Code, req.Data)
	req, err := a.Step(msg)
	if err != nil {
		t.Fatal(err)
	}
	if _, _, err := b.Respond(req.Code, req.Data); err != nil {
		t.Fatal(err)
	}
	_, done, err := b.Respond(ReqOk, nil)
	if done {
		t.Fatal("accepted")
	}
	wantError(t, err, pg.ProtocolViolation, `authentication of user "ann" to server a: the server sent AuthenticationOk in the middle of the exchange`)
}

func TestServerFinalIsChecked(t *testing.T) {
	for final, state := range map[string]pg.SQLState{
		"e=invalid-proof": pg.InvalidPassword, "": pg.ProtocolViolation, "v=": pg.ProtocolViolation, "v=QQ==": pg.ProtocolViolation,
		"x=1": pg.ProtocolViolation, "v=" + encode(make([]byte, keyLen)): pg.InvalidAuthorization,
		"v=" + encode(make([]byte, keyLen)) + ",x=1": pg.ProtocolViolation,
	} {
		l := withPassword(roleOf(t, "ann", verifierOf(t, "pencil")), "pencil")
		l.tamper = func(toClient bool, code int32, body []byte) []byte {
			if toClient && code == ReqSASLFinal {
				return []byte(final)
			}
			return body
		}
		_, _, err := l.run()
		var e *pg.Error
		if !errors.As(err, &e) || e.State != state {
			t.Errorf("%q: %v, want %s", final, err, state)
		}
	}
}

func TestDerivedKeysAreRemembered(t *testing.T) {
	c := NewKeyCache()
	a, err := c.Derive(secret.New("pencil"), "salt", 10)
	if err != nil {
		t.Fatal(err)
	}
	if b, _ := c.Derive(secret.New("pencil"), "salt", 10); a != b {
		t.Error("the same keys were derived twice")
	}
	for _, other := range []struct {
		password, salt string
		iterations     int
	}{{"pencils", "alt", 10}, {"pencil", "salt2", 10}, {"pencil", "salt", 11}, {"tpencil", "sal", 10}} {
		if b, _ := c.Derive(secret.New(other.password), other.salt, other.iterations); a == b || keysEqual(&a.clientKey, &b.clientKey) {
			t.Errorf("%v gives the same keys", other)
		}
	}
	var none *KeyCache
	if b, err := none.Derive(secret.New("pencil"), "salt", 10); err != nil || !keysEqual(&a.clientKey, &b.clientKey) {
		t.Error("without a cache the keys differ")
	}
}

func TestCredentialsCompare(t *testing.T) {
	keys := func(b byte) *SCRAMKeys { return &SCRAMKeys{clientKey: key{b}, salt: "s", iterations: 1} }
	all := []Credential{
		{}, PasswordCredential(secret.New("a")), PasswordCredential(secret.New("b")),
		{md5: secret.New("md5x")}, SCRAMCredential(keys(1)), SCRAMCredential(keys(2)),
	}
	for i := range all {
		for j := range all {
			if all[i].Equal(&all[j]) != (i == j) {
				t.Errorf("Equal of %d and %d", i, j)
			}
		}
		if all[i].IsZero() != (i == 0) {
			t.Errorf("IsZero of %d", i)
		}
	}
	if a, b := SCRAMCredential(keys(1)), SCRAMCredential(keys(1)); !a.Equal(&b) {
		t.Error("copies of keys differ")
	}
}
