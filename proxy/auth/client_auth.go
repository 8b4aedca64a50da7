package auth

import (
	"crypto/rand"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/pgroute/pgroute/internal/pg"
	"github.com/pgroute/pgroute/internal/secret"
)

// ClientAuthOptions says whom ClientAuth authenticates and how.
type ClientAuthOptions struct {
	Method Method
	Role   Role  // from Lookup; for Trust and Cert the name is enough
	Mock   *Mock // needed for SCRAM and MD5
	Now    time.Time
	// EndPoint is the tls-server-end-point of pgroute's own certificate when
	// this client came over TLS; it makes -PLUS available. Nil without TLS.
	EndPoint []byte
	// Random is the source of nonces and salts; nil means crypto/rand.
	Random io.Reader
}

// ClientAuth authenticates one client. Send what Start returns, then pass it
// the body of every message of type 'p' until a Request is Done or an error
// ends the connection. It never blocks, and computes a few hashes at most.
type ClientAuth struct {
	secret.Redacted
	method Method
	role   Role
	reason string // why the role cannot get in, for the log only
	random io.Reader

	scram      *scramServer // nil unless the exchange is SCRAM
	md5Salt    []byte       // nil unless it is md5
	md5Stored  secret.Text
	credential Credential
	done       bool
	failed     bool // an error ended the exchange
}

// NewClientAuth chooses the exchange, as ClientAuthentication and
// CheckPWChallengeAuth in src/backend/libpq/auth.c do.
func NewClientAuth(o ClientAuthOptions) *ClientAuth {
	a := &ClientAuth{method: o.Method, role: o.Role, random: o.Random}
	if a.random == nil {
		a.random = rand.Reader
	}
	switch {
	case o.Method == Trust || o.Method == Cert:
		a.credential = credentialOf(&a.role.Verifier)
	case o.Method == MD5 && a.role.hasMD5(o.Now):
		a.prepareMD5()
	default:
		a.prepareSCRAM(&o)
	}
	return a
}

// prepareMD5 makes the stored hash: the verifier, or that of the password.
func (a *ClientAuth) prepareMD5() {
	a.md5Stored = a.role.Verifier.text
	if a.role.Verifier.kind == KindPlain {
		a.md5Stored = hashMD5(a.role.Verifier.text, a.role.Name)
	}
	a.md5Salt = make([]byte, md5SaltLen)
}

// prepareSCRAM takes the role's verifier, or a mock one whose exchange will
// fail at its end. The mock one is made in any case, so that the time until
// the challenge does not tell which of them it is.
func (a *ClientAuth) prepareSCRAM(o *ClientAuthOptions) {
	verifier := o.Mock.verifier(a.role.Name)
	stored, reason := a.role.scram(o.Now)
	a.reason = reason
	if reason == "" {
		verifier = stored
	}
	a.scram = &scramServer{
		user: a.role.Name, verifier: verifier, doomed: reason != "",
		endPoint: o.EndPoint, random: a.random,
	}
}

// Start gives the first message to send.
func (a *ClientAuth) Start() (Request, error) {
	switch {
	case a.scram != nil:
		return Request{Code: ReqSASL, Data: a.scram.mechanisms()}, nil
	case a.md5Salt != nil:
		if _, err := io.ReadFull(a.random, a.md5Salt); err != nil {
			return Request{}, pg.Fatalf(pg.InternalError, "could not generate random MD5 salt").WithCause(err)
		}
		return Request{Code: ReqMD5, Data: a.md5Salt}, nil
	}
	a.done = true
	return Request{Code: ReqOk, Done: true}, nil
}

// Step takes the body of the client's next 'p' message, without type and
// length. Nothing of body is kept.
func (a *ClientAuth) Step(body []byte) (Request, error) {
	r, err := a.step(body)
	a.failed = a.failed || err != nil
	return r, err
}

// step dispatches on the exchange.
func (a *ClientAuth) step(body []byte) (Request, error) {
	switch {
	case a.done, a.failed:
		return Request{}, fatal(pg.ProtocolViolation, "the authentication exchange is over", "")
	case a.scram != nil:
		return a.stepSCRAM(body)
	case a.md5Salt != nil:
		return a.stepMD5(body)
	}
	return Request{}, a.Unexpected('p')
}

// stepSCRAM passes the message on to the exchange.
func (a *ClientAuth) stepSCRAM(body []byte) (Request, error) {
	answer, done, err := a.scram.step(body)
	switch {
	case err != nil:
		return Request{}, a.explain(err)
	case !done:
		return Request{Code: ReqSASLContinue, Data: answer}, nil
	}
	// A plain password answers whatever a server may ask, keys only SCRAM.
	a.credential = Credential{keys: a.scram.keys}
	if a.role.Verifier.kind == KindPlain {
		a.credential = credentialOf(&a.role.Verifier)
	}
	return a.finish(Request{Code: ReqSASLFinal, Data: answer, Done: true})
}

// stepMD5 checks the response to the challenge.
func (a *ClientAuth) stepMD5(body []byte) (Request, error) {
	response, err := passwordOf(body)
	if err != nil {
		return Request{}, err
	}
	if !checkMD5(a.md5Stored, a.md5Salt, response) {
		return Request{}, a.explain(passwordFailed(a.role.Name, ""))
	}
	a.credential = credentialOf(&a.role.Verifier)
	return a.finish(Request{Code: ReqOk, Done: true})
}

// maxPassword bounds a PasswordMessage (PG_MAX_AUTH_TOKEN_LENGTH), in bytes.
const maxPassword = 65535

// passwordOf reads PasswordMessage (recv_password_packet in auth.c).
func passwordOf(body []byte) (string, error) {
	text, terminated := strings.CutSuffix(string(body[:min(len(body), maxPassword+1)]), "\x00")
	switch {
	case len(body) > maxPassword:
		return "", fatal(pg.ProtocolViolation, "invalid message length", "")
	case !terminated || strings.IndexByte(text, 0) >= 0:
		return "", fatal(pg.ProtocolViolation, "invalid password packet size", "")
	case text == "":
		return "", fatal(pg.InvalidPassword, "empty password returned by client", "")
	}
	return text, nil
}

// explain gives a failed login the reason the log should have.
func (a *ClientAuth) explain(err error) error {
	e, ok := err.(*pg.Error)
	if !ok || e.State != pg.InvalidPassword || e.Cause != nil {
		return err
	}
	reason := a.reason
	if reason == "" {
		reason = fmt.Sprintf(`Password does not match for user "%s".`, a.role.Name)
	}
	return passwordFailed(a.role.Name, reason)
}

// finish refuses roles that may not log in: only now, when the client has
// shown that it knows the password (InitializeSessionUserId).
func (a *ClientAuth) finish(r Request) (Request, error) {
	if a.role.NoLogin {
		return Request{}, fatal(pg.InvalidAuthorization,
			fmt.Sprintf(`role "%s" is not permitted to log in`, a.role.Name), "")
	}
	a.done = true
	return r, nil
}

// Credential is what can be proved to servers in the client's name. It is
// worth something only once the client is authenticated.
func (a *ClientAuth) Credential() Credential {
	if !a.done {
		return Credential{}
	}
	return a.credential
}

// Unexpected is the error for a message that is not of type 'p'.
func (a *ClientAuth) Unexpected(messageType byte) *pg.Error {
	what := "password"
	if a.scram != nil {
		what = "SASL"
	}
	return fatal(pg.ProtocolViolation, fmt.Sprintf("expected %s response, got message type %d", what, messageType), "")
}
