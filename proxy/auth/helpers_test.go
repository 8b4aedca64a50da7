package auth

import (
	"errors"
	"testing"
	"time"

	"github.com/pgroute/pgroute/internal/pg"
	"github.com/pgroute/pgroute/internal/secret"
)

// testIterations keeps PBKDF2 short; the count is part of every message, so
// nothing else depends on it.
const testIterations = 64

// verifierOf makes the verifier PostgreSQL would store.
func verifierOf(t *testing.T, password string) Verifier {
	t.Helper()
	k, err := DeriveSCRAMKeys(secret.New(password), "0123456789abcdef", testIterations)
	if err != nil {
		t.Fatal(err)
	}
	scram := k.Verifier()
	v, err := ParseVerifier(scram.Encode().Reveal())
	if err != nil || v.Kind() != KindSCRAM {
		t.Fatalf("%v, %v", v.Kind(), err)
	}
	return v
}

// roleOf makes a role that was found.
func roleOf(t *testing.T, name string, v Verifier) Role {
	t.Helper()
	r, err := NewRole(name, v, testMock(), NewKeyCache())
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func testMock() *Mock { return NewMock(secret.New("seed"), testIterations) }

// login is one client logging in to one server, message by message.
type login struct {
	server ClientAuthOptions
	client ServerAuthOptions
	// tamper may change a message under way; toClient tells the direction.
	tamper func(toClient bool, code int32, body []byte) []byte
}

// run plays the login to its end. The requests the server sent are returned
// for comparison.
func (l login) run() (a *ClientAuth, sent []Request, err error) {
	if l.server.Mock == nil {
		l.server.Mock = testMock()
	}
	a = NewClientAuth(l.server)
	b := NewServerAuth(l.client)
	req, err := a.Start()
	for {
		if err != nil {
			return a, sent, err
		}
		sent = append(sent, req)
		data := l.pass(true, req.Code, req.Data)
		msg, done, err2 := b.Respond(req.Code, data)
		if err2 != nil {
			return a, sent, err2
		}
		if req.Done {
			if req.Code != ReqOk {
				_, done, err2 = b.Respond(ReqOk, nil)
			}
			if !done || err2 != nil {
				return a, sent, errors.Join(errors.New("the client did not accept AuthenticationOk"), err2)
			}
			return a, sent, nil
		}
		req, err = a.Step(l.pass(false, req.Code, msg))
	}
}

func (l login) pass(toClient bool, code int32, body []byte) []byte {
	if l.tamper == nil {
		return body
	}
	return l.tamper(toClient, code, append([]byte(nil), body...))
}

// withPassword is a SCRAM login with a password against a role.
func withPassword(r Role, password string) login {
	return login{
		server: ClientAuthOptions{Method: SCRAM, Role: r, Now: time.Unix(1e9, 0)},
		client: ServerAuthOptions{Node: "a", User: r.Name, Credential: PasswordCredential(secret.New(password)), TLS: true},
	}
}

// wantError checks state and message of an error.
func wantError(t *testing.T, err error, state pg.SQLState, message string) *pg.Error {
	t.Helper()
	var e *pg.Error
	if !errors.As(err, &e) {
		t.Fatalf("got %v, want a *pg.Error", err)
	}
	if e.State != state || e.Message != message || e.Severity != pg.SeverityFatal {
		t.Fatalf("got %s %s %q, want FATAL %s %q", e.Severity, e.State, e.Message, state, message)
	}
	return e
}
