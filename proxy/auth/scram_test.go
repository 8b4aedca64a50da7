package auth

import (
	"bytes"
	"strings"
	"testing"

	"github.com/pgroute/pgroute/internal/pg"
	"github.com/pgroute/pgroute/internal/secret"
)

// The exchange of RFC 7677, section 3.
const (
	rfcClientFirst = "n=user,r=rOprNGfwEbeRWgbNEkqO"
	rfcNonce       = "rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0"
	rfcSalt        = "W22ZaJ0SNY7soEsUEjb6gQ=="
	rfcServerFirst = "r=" + rfcNonce + ",s=" + rfcSalt + ",i=4096"
	rfcClientFinal = "c=biws,r=" + rfcNonce + ",p=dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ="
	rfcServerFinal = "v=6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4="
)

func rfcKeys(t *testing.T) *SCRAMKeys {
	t.Helper()
	salt, _ := decodeBase64(rfcSalt)
	k, err := DeriveSCRAMKeys(secret.New("pencil"), string(salt), 4096)
	if err != nil {
		t.Fatal(err)
	}
	return k
}

func TestClientMatchesRFC7677(t *testing.T) {
	keys := rfcKeys(t)
	c := scramClient{
		keys: func(string, int) (*SCRAMKeys, error) { return keys, nil },
		gs2:  "n,,", nonce: rfcNonce[:20], clientFirst: rfcClientFirst,
	}
	got, err := c.final(rfcServerFirst)
	if err != nil || got != rfcClientFinal {
		t.Fatalf("client-final-message %q, %v", got, err)
	}
	if err := c.verify(rfcServerFinal); err != nil {
		t.Fatal(err)
	}
}

func TestServerMatchesRFC7677AndRecoversTheClientKey(t *testing.T) {
	keys := rfcKeys(t)
	s := scramServer{
		verifier: keys.Verifier(), state: scramChallenged, gs2: "n,,",
		clientFirst: rfcClientFirst, serverFirst: rfcServerFirst, nonce: rfcNonce,
	}
	got, done, err := s.step([]byte(rfcClientFinal))
	if err != nil || !done || string(got) != rfcServerFinal {
		t.Fatalf("server-final-message %q, %v, %v", got, done, err)
	}
	if !keysEqual(&s.keys.clientKey, &keys.clientKey) {
		t.Fatal("the recovered ClientKey is not the client's")
	}
}

func TestPasswordLogsIn(t *testing.T) {
	r := roleOf(t, "ann", verifierOf(t, "pencil"))
	a, sent, err := withPassword(r, "pencil").run()
	if err != nil {
		t.Fatal(err)
	}
	if c := a.Credential(); c.Describe() != "SCRAM keys" {
		t.Fatalf("credential is %s", c.Describe())
	}
	if !bytes.Equal(sent[0].Data, []byte("SCRAM-SHA-256\x00\x00")) {
		t.Fatalf("mechanisms %q", sent[0].Data)
	}
}

// TestRecoveredKeyLogsInElsewhere is the pass-through: what the first login
// left behind opens a second server that has the same verifier.
func TestRecoveredKeyLogsInElsewhere(t *testing.T) {
	r := roleOf(t, "ann", verifierOf(t, "pencil"))
	first, _, err := withPassword(r, "pencil").run()
	if err != nil {
		t.Fatal(err)
	}
	second := withPassword(r, "")
	second.client.Credential = first.Credential()
	again, _, err := second.run()
	if err != nil {
		t.Fatal(err)
	}
	c1, c2 := first.Credential(), again.Credential()
	if !c1.Equal(&c2) {
		t.Fatal("the second server recovered another key")
	}
}

func TestKeyOfAnOldPasswordIsExplained(t *testing.T) {
	r := roleOf(t, "ann", verifierOf(t, "pencil"))
	first, _, err := withPassword(r, "pencil").run()
	if err != nil {
		t.Fatal(err)
	}
	k, err := DeriveSCRAMKeys(secret.New("new"), "another salt", testIterations)
	if err != nil {
		t.Fatal(err)
	}
	scram := k.Verifier()
	changed, _ := ParseVerifier(scram.Encode().Reveal())
	l := withPassword(roleOf(t, "ann", changed), "")
	l.client.Credential = first.Credential()
	_, _, err = l.run()
	e := wantError(t, err, pg.InvalidPassword,
		`server a holds another SCRAM verifier of user "ann" than the one this session logged in with`)
	if e.Hint == "" {
		t.Error("no hint")
	}
}

func TestWrongPasswordFails(t *testing.T) {
	r := roleOf(t, "ann", verifierOf(t, "pencil"))
	a, _, err := withPassword(r, "pen").run()
	e := wantError(t, err, pg.InvalidPassword, `password authentication failed for user "ann"`)
	if e.Cause == nil || e.Cause.Error() != `Password does not match for user "ann".` {
		t.Errorf("cause %v", e.Cause)
	}
	if c := a.Credential(); !c.IsZero() {
		t.Error("a failed login left a credential")
	}
}

// change replaces part of one kind of message.
func change(toClient bool, code int32, old, new string) func(bool, int32, []byte) []byte {
	return func(dir bool, c int32, body []byte) []byte {
		if dir != toClient || c != code {
			return body
		}
		return bytes.Replace(body, []byte(old), []byte(new), 1)
	}
}

// flip changes one bit of base64 text after a marker.
func flip(toClient bool, code int32, marker string) func(bool, int32, []byte) []byte {
	return func(dir bool, c int32, body []byte) []byte {
		if i := bytes.Index(body, []byte(marker)); dir == toClient && c == code && i >= 0 {
			p := &body[i+len(marker)]
			if *p++; *p > 'z' || *p == ':' || *p == '[' || *p == ',' || *p == '0' {
				*p = 'A'
			}
		}
		return body
	}
}

func TestTamperedMessagesFail(t *testing.T) {
	const mismatch = `authentication of user "ann" to server a: `
	r := roleOf(t, "ann", verifierOf(t, "pencil"))
	for name, c := range map[string]struct {
		tamper  func(bool, int32, []byte) []byte
		state   pg.SQLState
		message string
	}{
		"client nonce changed under way": {flip(true, ReqSASLContinue, "r="), pg.ProtocolViolation, mismatch + "invalid SCRAM response from the server (nonce mismatch)"},
		"final nonce":                    {flip(false, ReqSASLContinue, "r="), pg.ProtocolViolation, "invalid SCRAM response"},
		"proof":                          {flip(false, ReqSASLContinue, ",p="), pg.InvalidPassword, `password authentication failed for user "ann"`},
		"proof cut":                      {change(false, ReqSASLContinue, ",p=", ",p=AAAA"), pg.ProtocolViolation, "malformed SCRAM message"},
		"server signature":               {flip(true, ReqSASLFinal, "v="), pg.InvalidAuthorization, mismatch + "incorrect server signature"},
		"iteration count":                {change(true, ReqSASLContinue, ",i=64", ",i=65"), pg.InvalidPassword, `password authentication failed for user "ann"`},
		"iterations beyond reason":       {change(true, ReqSASLContinue, ",i=64", ",i=2000000000"), pg.ProtocolViolation, mismatch + "malformed SCRAM message from the server (invalid iteration count)"},
		"salt":                           {change(true, ReqSASLContinue, ",s=", ",s=!"), pg.ProtocolViolation, mismatch + "malformed SCRAM message from the server (invalid salt)"},
		"binding flag":                   {change(false, ReqSASLContinue, "c=biws", "c=eSws"), pg.ProtocolViolation, "unexpected SCRAM channel-binding attribute in client-final-message"},
		"server error":                   {change(true, ReqSASLFinal, "v=", "e=other-error,"), pg.InvalidPassword, mismatch + "the server refused the SCRAM exchange"},
	} {
		l := withPassword(r, "pencil")
		l.tamper = c.tamper
		_, _, err := l.run()
		t.Run(name, func(t *testing.T) { wantError(t, err, c.state, c.message) })
	}
}

func TestChannelBinding(t *testing.T) {
	r := roleOf(t, "ann", verifierOf(t, "pencil"))
	end, other := []byte("certificate hash"), []byte("another certificate's hash")
	for _, c := range []struct {
		name           string
		server, client []byte
		tamper         func(bool, int32, []byte) []byte
		want           string
	}{
		{"both sides see one certificate", end, end, nil, ""},
		{"somebody in the middle", end, other, nil, "SCRAM channel binding check failed"},
		{"the client cannot", end, nil, nil, ""},
		{"the server cannot", nil, end, nil, ""},
		{"PLUS removed from the list", end, end, change(true, ReqSASL, "SCRAM-SHA-256-PLUS\x00", ""), "SCRAM channel binding negotiation error"},
		{"PLUS added to the list", nil, end, change(true, ReqSASL, "SCRAM-SHA-256\x00", "SCRAM-SHA-256-PLUS\x00SCRAM-SHA-256\x00"), "client selected an invalid SASL authentication mechanism"},
	} {
		t.Run(c.name, func(t *testing.T) {
			l := withPassword(r, "pencil")
			l.server.EndPoint, l.client.EndPoint, l.tamper = c.server, c.client, c.tamper
			_, _, err := l.run()
			switch {
			case c.want == "" && err != nil, c.want != "" && (err == nil || !strings.HasPrefix(err.Error(), c.want)):
				t.Fatalf("got %v, want %q", err, c.want)
			}
		})
	}
}

// BenchmarkSCRAMLogin is what one login costs an event loop.
func BenchmarkSCRAMLogin(b *testing.B) {
	keys := &SCRAMKeys{salt: "0123456789abcdef", iterations: DefaultIterations, clientKey: key{1}, serverKey: key{2}}
	keys.storedKey = keys.clientKey.hash()
	role := Role{Name: "ann", Found: true, Verifier: Verifier{kind: KindSCRAM, scram: keys.Verifier()}}
	mock := testMock()
	b.ReportAllocs()
	for b.Loop() {
		client := NewServerAuth(ServerAuthOptions{User: "ann", Credential: SCRAMCredential(keys)})
		server := NewClientAuth(ClientAuthOptions{Method: SCRAM, Role: role, Mock: mock})
		req, err := server.Start()
		for err == nil && !req.Done {
			msg, _, _ := client.Respond(req.Code, req.Data)
			req, err = server.Step(msg)
		}
		if err != nil {
			b.Fatal(err)
		}
	}
}
