package auth

import (
	"errors"
	"testing"

	"github.com/pgroute/pgroute/internal/pg"
	"github.com/pgroute/pgroute/internal/secret"
)

// zeroReader makes every nonce the same, so that seeds can hold it.
type zeroReader struct{}

func (zeroReader) Read(p []byte) (int, error) {
	clear(p)
	return len(p), nil
}

// zeroNonce is what zeroReader's nonces look like.
const zeroNonce = "AAAAAAAAAAAAAAAAAAAAAAAA"

// mustBeFatal holds for every error of an exchange.
func mustBeFatal(t *testing.T, err error) {
	t.Helper()
	var e *pg.Error
	if !errors.As(err, &e) || e.Severity != pg.SeverityFatal || e.State == "" {
		t.Fatalf("%v (%T)", err, err)
	}
}

// sasl makes the body of SASLInitialResponse.
func sasl(mechanism, first string) []byte {
	n := len(first)
	return append(append([]byte(mechanism), 0, byte(n>>24), byte(n>>16), byte(n>>8), byte(n)), first...)
}

// FuzzSCRAMServer feeds a client's two messages to the server side. Whatever
// they are, it answers or refuses; and it lets nobody in whose proof does not
// yield the ClientKey.
func FuzzSCRAMServer(f *testing.F) {
	keys := &SCRAMKeys{salt: "0123456789abcdef", iterations: testIterations, clientKey: key{1, 2, 3}, serverKey: key{4, 5, 6}}
	keys.storedKey = keys.clientKey.hash()
	role := Role{Name: "ann", Found: true, Verifier: Verifier{kind: KindSCRAM, scram: keys.Verifier()}}
	mock := testMock()
	start := func(endPoint []byte) *ClientAuth {
		return NewClientAuth(ClientAuthOptions{Method: SCRAM, Role: role, Mock: mock, Random: zeroReader{}, EndPoint: endPoint})
	}
	for _, endPoint := range [][]byte{nil, []byte("end point")} {
		a := start(endPoint)
		b := NewServerAuth(ServerAuthOptions{User: "ann", Credential: SCRAMCredential(keys), Random: zeroReader{}, EndPoint: endPoint})
		req, _ := a.Start()
		first, _, _ := b.Respond(req.Code, req.Data)
		req, _ = a.Step(first)
		final, _, _ := b.Respond(req.Code, req.Data)
		f.Add(first, final, endPoint != nil)
	}
	for _, first := range []string{
		"", "n", "n,", "n,,", "n,,n=", "n,,n=,r=", "n,,n=,r=x,", "n,,n=,r=x,e=1", "y,,n=,r=x", "p=x,,n=,r=x", "n,a=b,n=,r=x", "n,,m=x,n=,r=x", "n,,n=,r=\x7f",
	} {
		f.Add(sasl(mechanismSCRAM, first), []byte("c=biws,r=x"+zeroNonce+",x=,p="+encode(make([]byte, keyLen))), false)
	}
	f.Add(sasl("OTHER", "n,,n=,r=x"), []byte("c=,r=,p="), true)
	f.Add([]byte("SCRAM-SHA-256\x00\xff\xff\xff\xff"), []byte("n,,n=,r=x"), false)
	f.Fuzz(func(t *testing.T, first, final []byte, tls bool) {
		var endPoint []byte
		if tls {
			endPoint = []byte("end point")
		}
		a := start(endPoint)
		if _, err := a.Start(); err != nil {
			t.Fatal(err)
		}
		for _, body := range [][]byte{first, final, final} {
			req, err := a.Step(body)
			if err != nil {
				mustBeFatal(t, err)
				if c := a.Credential(); !c.IsZero() {
					t.Fatal("a failed login left a credential")
				}
				return
			}
			if req.Done {
				if c := a.Credential(); c.keys == nil || c.keys.clientKey != keys.clientKey {
					t.Fatal("let in without the ClientKey")
				}
				return
			}
		}
	})
}

// FuzzSCRAMClient feeds a server's three messages to the client side. It may
// only accept a server whose signature is right.
func FuzzSCRAMClient(f *testing.F) {
	keys := &SCRAMKeys{salt: "0123456789abcdef", iterations: testIterations, clientKey: key{1}, storedKey: key{2}, serverKey: key{3}}
	challenge := "r=" + zeroNonce + "x,s=" + encode(keys.salt) + ",i=64"
	clientFinal := "c=biws,r=" + zeroNonce + "x"
	signature := keys.serverKey.mac(authMessage("n=,r="+zeroNonce, challenge, clientFinal))
	proof := "v=" + encode(signature[:])
	f.Add("SCRAM-SHA-256\x00\x00", challenge, proof, false)
	f.Add("SCRAM-SHA-256-PLUS\x00SCRAM-SHA-256\x00\x00", challenge, proof, true)
	for _, first := range []string{"", "r=", "r=" + zeroNonce, challenge + ",", challenge + ",x=1", "m=x," + challenge, "r=" + zeroNonce + "x,s=,i=1", "r=" + zeroNonce + "x,s=QQ==,i=0"} {
		f.Add("SCRAM-SHA-256\x00", first, "v=", false)
	}
	f.Add("", "", "", false)
	f.Add("OTHER\x00\x00", challenge, "e=other-error", true)
	f.Fuzz(func(t *testing.T, mechanisms, first, final string, tls bool) {
		o := ServerAuthOptions{Node: "a", User: "ann", Credential: SCRAMCredential(keys), Random: zeroReader{}}
		if tls {
			o.EndPoint = []byte("end point")
		}
		a := NewServerAuth(o)
		for i, s := range []step{{ReqSASL, mechanisms}, {ReqSASLContinue, first}, {ReqSASLFinal, final}} {
			msg, done, err := a.Respond(s.code, []byte(s.data))
			if err != nil {
				mustBeFatal(t, err)
				if _, done, _ = a.Respond(ReqOk, nil); done {
					t.Fatal("Ok was accepted after an error")
				}
				return
			}
			if done || (msg == nil) != (s.code == ReqSASLFinal) {
				t.Fatalf("step %d: %q, %v", i, msg, done)
			}
		}
		if got, ok := decodeKey(final[2:]); !ok || got != keys.serverKey.mac(a.scram.auth) {
			t.Fatal("accepted a server without its signature")
		}
	})
}

// FuzzParseVerifier: what is accepted as SCRAM reads back the same.
func FuzzParseVerifier(f *testing.F) {
	f.Add("SCRAM-SHA-256$4096:QQ==$" + encode(make([]byte, keyLen)) + ":" + encode(make([]byte, keyLen)))
	f.Add("SCRAM-SHA-256$$:")
	f.Add("md5" + hexMD5(""))
	f.Fuzz(func(t *testing.T, text string) {
		v, err := ParseVerifier(text)
		s, ok := v.SCRAM()
		if err != nil || !ok {
			return
		}
		back, err := ParseVerifier(s.Encode().Reveal())
		if err != nil || !back.Equal(&v) {
			t.Fatalf("%v", err)
		}
	})
}

// FuzzParseUsers: any file gives users or errors, and no text of it appears
// in the errors beyond a user's name.
func FuzzParseUsers(f *testing.F) {
	f.Add("\"ann\" \"pencil\"\n;\n\"b\"\"b\" \"\"\n")
	f.Add("\"")
	f.Add("\"a\" \"\"\"\"x")
	f.Fuzz(func(t *testing.T, text string) {
		users, _ := ParseUsers([]byte(text), "f")
		for name, v := range users {
			if name == "" {
				t.Fatal("an empty user name")
			}
			if v.kind == KindPlain && v.text == (secret.Text{}) {
				t.Fatal("a plain password that is empty")
			}
		}
	})
}
