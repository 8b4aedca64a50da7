package auth

import (
	"errors"
	"strings"
	"testing"

	"github.com/pgroute/pgroute/internal/pg"
)

// broken is what a client may send and what PostgreSQL answers: SQLSTATE,
// message and detail. TestErrorsAreThoseOfPostgres sends the same to a server.
type broken struct {
	name          string
	bodies        []string // of 'p' messages; NONCE stands for the nonce received
	state         pg.SQLState
	message, more string
}

// scramFirst wraps client-first-message.
func scramFirst(message string) string { return string(sasl(mechanismSCRAM, message)) }

func brokenMessages() []broken {
	const protocol, bad = pg.ProtocolViolation, "malformed SCRAM message"
	good, proof := scramFirst("n,,n=,r=abc"), ",p="+encode(make([]byte, keyLen))
	return []broken{
		{"no mechanism", []string{"x"}, protocol, "invalid string in message", ""},
		{"unknown mechanism", []string{string(sasl("OTHER", "n,,n=,r=x"))}, protocol, "client selected an invalid SASL authentication mechanism", ""},
		{"PLUS without TLS", []string{string(sasl(mechanismPlus, "p=tls-server-end-point,,n=,r=x"))}, protocol, "client selected an invalid SASL authentication mechanism", ""},
		{"no length", []string{"SCRAM-SHA-256\x00"}, protocol, "insufficient data left in message", ""},
		{"length beyond the end", []string{"SCRAM-SHA-256\x00\x00\x00\x00\x09n,,"}, protocol, "insufficient data left in message", ""},
		{"negative length", []string{"SCRAM-SHA-256\x00\xff\xff\xff\xfe"}, protocol, "insufficient data left in message", ""},
		{"bytes after the end", []string{"SCRAM-SHA-256\x00\x00\x00\x00\x01n,,"}, protocol, "invalid message format", ""},
		{"empty first message", []string{"SCRAM-SHA-256\x00\x00\x00\x00\x00"}, protocol, bad, "The message is empty."},
		{"empty answer", []string{good, ""}, protocol, bad, "The message is empty."},
		{"NUL inside", []string{scramFirst("n,,n=,r=a\x00b")}, protocol, bad, "Message length does not match input length."},
		{"unknown flag", []string{scramFirst("x,,n=,r=x")}, protocol, bad, `Unexpected channel-binding flag "'x'".`},
		{"flag that does not print", []string{scramFirst("\x01,,n=,r=x")}, protocol, bad, `Unexpected channel-binding flag "0x01".`},
		{"binding without PLUS", []string{scramFirst("p=tls-server-end-point,,n=,r=x")}, protocol, bad, "The client selected SCRAM-SHA-256 without channel binding, but the SCRAM message includes channel binding data."},
		{"no comma", []string{scramFirst("n;,n=,r=x")}, protocol, bad, `Comma expected, but found character "';'".`},
		{"end after flag", []string{scramFirst("n")}, protocol, bad, `Comma expected, but found character "0x00".`},
		{"authorization identity", []string{scramFirst("n,a=bob,n=,r=x")}, pg.FeatureNotSupported, "client uses authorization identity, but it is not supported", ""},
		{"something else there", []string{scramFirst("n,b=bob,n=,r=x")}, protocol, bad, `Unexpected attribute "'b'" in client-first-message.`},
		{"extension", []string{scramFirst("n,,m=x,n=,r=x")}, pg.FeatureNotSupported, "client requires an unsupported SCRAM extension", ""},
		{"no user", []string{scramFirst("n,,r=x")}, protocol, bad, `Expected attribute "n" but found "'r'".`},
		{"no nonce", []string{scramFirst("n,,n=")}, protocol, bad, `Expected attribute "r" but found "0x00".`},
		{"no equals sign", []string{scramFirst("n,,n=,r")}, protocol, bad, `Expected character "=" for attribute "r".`},
		{"nonce that does not print", []string{scramFirst("n,,n=,r=a b")}, protocol, "non-printable characters in SCRAM nonce", ""},
		{"attribute that is none", []string{scramFirst("n,,n=,r=x,1=2")}, protocol, bad, `Attribute expected, but found invalid character "'1'".`},
		{"attribute without value", []string{scramFirst("n,,n=,r=x,e")}, protocol, bad, `Expected character "=" for attribute "e".`},
		{"too long", []string{scramFirst("n,,n=,r=" + strings.Repeat("x", 1024))}, pg.InvalidPassword, `password authentication failed for user "ann"`, ""},
		{"no binding", []string{good, "r=NONCE" + proof}, protocol, bad, `Expected attribute "c" but found "'r'".`},
		{"wrong binding", []string{good, "c=eSws,r=NONCE" + proof}, protocol, "unexpected SCRAM channel-binding attribute in client-final-message", ""},
		{"y flag taken back", []string{scramFirst("y,,n=,r=abc"), "c=biws,r=NONCE" + proof}, protocol, "unexpected SCRAM channel-binding attribute in client-final-message", ""},
		{"no final nonce", []string{good, "c=biws" + proof}, protocol, bad, `Expected attribute "r" but found "'p'".`},
		{"wrong nonce", []string{good, "c=biws,r=NONCEx" + proof}, protocol, "invalid SCRAM response", "Nonce does not match."},
		{"no proof", []string{good, "c=biws,r=NONCE"}, protocol, bad, "Attribute expected, but found end of string."},
		{"proof is no base64", []string{good, "c=biws,r=NONCE,p=!"}, protocol, bad, "Malformed proof in client-final-message."},
		{"short proof", []string{good, "c=biws,r=NONCE,p=QQ=="}, protocol, bad, "Malformed proof in client-final-message."},
		{"more after the proof", []string{good, "c=biws,r=NONCE" + proof + ",x=1"}, protocol, bad, "Garbage found at the end of client-final-message."},
		{"wrong proof", []string{good, "c=biws,r=NONCE" + proof}, pg.InvalidPassword, `password authentication failed for user "ann"`, ""},
		{"wrong proof, comma behind", []string{good, "c=biws,r=NONCE" + proof + ","}, pg.InvalidPassword, `password authentication failed for user "ann"`, ""},
		{"wrong proof, extension", []string{good, "c=biws,r=NONCE,x=,y=1" + proof}, pg.InvalidPassword, `password authentication failed for user "ann"`, ""},
		{"no initial response", []string{"SCRAM-SHA-256\x00\xff\xff\xff\xff", "n,,n=,r=abc", "c=biws,r=NONCE" + proof}, pg.InvalidPassword, `password authentication failed for user "ann"`, ""},
	}
}

// play sends the bodies to a ClientAuth and returns the error.
func (b *broken) play(a *ClientAuth) error {
	if _, err := a.Start(); err != nil {
		return err
	}
	nonce := ""
	for _, body := range b.bodies {
		req, err := a.Step([]byte(strings.ReplaceAll(body, "NONCE", nonce)))
		if err != nil {
			return err
		}
		nonce = nonceOf(string(req.Data))
	}
	return nil
}

// nonceOf finds the nonce in server-first-message.
func nonceOf(challenge string) string {
	nonce, _, _ := strings.Cut(strings.TrimPrefix(challenge, "r="), ",")
	return nonce
}

func TestMalformedMessagesGetPostgresTexts(t *testing.T) {
	r := roleOf(t, "ann", verifierOf(t, "pencil"))
	for _, b := range brokenMessages() {
		t.Run(b.name, func(t *testing.T) {
			err := b.play(NewClientAuth(ClientAuthOptions{Method: SCRAM, Role: r, Mock: testMock()}))
			e := wantError(t, err, b.state, b.message)
			if b.more != "" && (e.Cause == nil || e.Cause.Error() != b.more) {
				t.Errorf("detail %v, want %s", e.Cause, b.more)
			}
		})
	}
}

func TestBindingDataIsRead(t *testing.T) {
	r := roleOf(t, "ann", verifierOf(t, "pencil"))
	for first, want := range map[string]string{
		"p=tls-unique,,n=,r=x":                         `unsupported SCRAM channel-binding type "tls-unique"`,
		"p=" + strings.Repeat("\x01", 40) + ",,n=,r=x": `unsupported SCRAM channel-binding type "` + strings.Repeat("?", 30) + `"`,
		"n,,n=,r=x": "malformed SCRAM message",
		"y,,n=,r=x": "malformed SCRAM message",
		"p":         "malformed SCRAM message",
	} {
		a := NewClientAuth(ClientAuthOptions{Method: SCRAM, Role: r, Mock: testMock(), EndPoint: []byte("x")})
		_, err := a.Step(sasl(mechanismPlus, first))
		var e *pg.Error
		if !errors.As(err, &e) || e.Message != want {
			t.Errorf("%q: %v", first, err)
		}
	}
}
