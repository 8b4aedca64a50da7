package auth

import (
	"encoding/binary"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/pgroute/pgroute/internal/pg"
	"github.com/pgroute/pgroute/internal/secret"
)

// ServerAuthOptions says who logs in where, and with what.
type ServerAuthOptions struct {
	Node       string // for error texts
	User       string
	Credential Credential
	// TLS is set when the connection is encrypted; only then, or when
	// AllowCleartext is set, is a password sent as it is.
	TLS            bool
	AllowCleartext bool
	// EndPoint is the tls-server-end-point of the server's certificate, for
	// SCRAM-SHA-256-PLUS; nil means no channel binding.
	EndPoint []byte
	Cache    *KeyCache // remembers PBKDF2 results; may be nil
	Random   io.Reader // nil means crypto/rand
}

// ServerAuth logs in to one server, playing libpq's part. Pass it every
// Authentication message until done. With SCRAM keys or an md5 hash it only
// computes a few hashes; with a password, SCRAM may run PBKDF2, so use it on
// a dialling goroutine then.
type ServerAuth struct {
	secret.Redacted
	opts  ServerAuthOptions
	scram *scramClient
	state serverState
}

type serverState uint8

const (
	serverInit     serverState = iota // nothing asked yet
	serverAnswered                    // password or md5 response sent: Ok must follow
	serverSASL                        // client-first-message sent
	serverProved                      // proof sent
	serverVerified                    // the server's signature was right
	serverDone
	serverFailed // after any error: nothing is accepted any more
)

// NewServerAuth begins a login.
func NewServerAuth(o ServerAuthOptions) *ServerAuth { return &ServerAuth{opts: o} }

// Respond takes one Authentication message: its code and what follows. msg is
// the body of the 'p' message to send, nil when there is nothing to send;
// done is set after AuthenticationOk. Errors are of type *pg.Error.
func (a *ServerAuth) Respond(code int32, data []byte) (msg []byte, done bool, err error) {
	if msg, err = a.respond(code, data); err != nil {
		a.state = serverFailed
		return nil, false, err
	}
	return msg, a.state == serverDone, nil
}

// respond dispatches on the code.
func (a *ServerAuth) respond(code int32, data []byte) (msg []byte, err error) {
	if len(data) > maxServerMessage {
		return nil, a.broken("an authentication message of %d bytes", len(data))
	}
	switch code {
	case ReqOk:
		err = a.finish()
	case ReqPassword:
		msg, err = a.cleartext()
	case ReqMD5:
		msg, err = a.md5(data)
	case ReqSASL:
		msg, err = a.sasl(string(data))
	case ReqSASLContinue:
		msg, err = a.saslContinue(string(data))
	case ReqSASLFinal:
		err = a.saslFinal(string(data))
	default:
		err = a.refuse(methodName(code), "pgroute does not support it")
	}
	return msg, err
}

// finish accepts AuthenticationOk: at once from a server that trusts, but not
// in the middle of SCRAM, where the server has yet to prove itself.
func (a *ServerAuth) finish() error {
	switch a.state {
	case serverInit, serverAnswered, serverVerified:
		a.state = serverDone
		return nil
	}
	return a.broken("AuthenticationOk in the middle of the exchange")
}

// advance moves from one state to the next, if that is the state it is in.
func (a *ServerAuth) advance(from, to serverState) error {
	if a.state != from {
		return a.broken("an authentication message out of order")
	}
	a.state = to
	return nil
}

// cleartext sends the password itself.
func (a *ServerAuth) cleartext() ([]byte, error) {
	switch c := &a.opts.Credential; {
	case !a.opts.TLS && !a.opts.AllowCleartext:
		return nil, a.refuse("a cleartext password", "the connection is not encrypted").
			WithHint("Set sslmode=require or stronger for this node, or use scram-sha-256 in its pg_hba.conf.")
	case c.password.IsZero():
		return nil, a.lacks("a cleartext password", "no password")
	default:
		return append([]byte(c.password.Reveal()), 0), a.advance(serverInit, serverAnswered)
	}
}

// md5 answers the challenge from the password or the stored hash.
func (a *ServerAuth) md5(salt []byte) ([]byte, error) {
	if len(salt) != md5SaltLen {
		return nil, a.broken("an md5 salt of %d bytes", len(salt))
	}
	stored := a.opts.Credential.md5
	if p := a.opts.Credential.password; !p.IsZero() {
		stored = hashMD5(p, a.opts.User)
	}
	if stored.IsZero() {
		return nil, a.lacks("md5", "no password and no md5 hash")
	}
	return append([]byte(answerMD5(stored, salt)), 0), a.advance(serverInit, serverAnswered)
}

// sasl chooses among the server's mechanisms and sends the first message.
func (a *ServerAuth) sasl(list string) ([]byte, error) {
	offered := strings.Split(strings.TrimRight(list, "\x00"), "\x00")
	mechanism, c := mechanismSCRAM, &a.opts.Credential
	a.scram = &scramClient{keys: a.keys, random: a.opts.Random, tls: a.opts.EndPoint != nil}
	if a.opts.EndPoint != nil && slices.Contains(offered, mechanismPlus) {
		mechanism, a.scram.endPoint = mechanismPlus, a.opts.EndPoint
	}
	switch {
	case !slices.Contains(offered, mechanism):
		return nil, a.refuse("SASL", fmt.Sprintf("pgroute knows none of its mechanisms (%s)", showText(strings.Join(offered, ","))))
	case c.password.IsZero() && c.keys == nil:
		return nil, a.lacks(mechanism, "no password and no SCRAM key")
	}
	first, err := a.scram.first()
	if err != nil {
		return nil, err
	}
	msg := append([]byte(mechanism), 0)
	msg = binary.BigEndian.AppendUint32(msg, uint32(len(first)))
	return append(msg, first...), a.advance(serverInit, serverSASL)
}

// keys gives the credential's keys for the verifier the server holds.
func (a *ServerAuth) keys(salt string, iterations int) (*SCRAMKeys, error) {
	c := &a.opts.Credential
	if !c.password.IsZero() {
		return a.opts.Cache.Derive(c.password, salt, iterations)
	}
	if c.keys.salt == salt && c.keys.iterations == iterations {
		return c.keys, nil
	}
	return nil, fatal(pg.InvalidPassword, fmt.Sprintf(
		`server %s holds another SCRAM verifier of user "%s" than the one this session logged in with`, a.opts.Node, a.opts.User), "").
		WithHint("The password was changed since, or the nodes' roles differ: connect again.")
}

// saslContinue answers server-first-message with the proof.
func (a *ServerAuth) saslContinue(message string) ([]byte, error) {
	if err := a.advance(serverSASL, serverProved); err != nil {
		return nil, err
	}
	final, err := a.scram.final(message)
	if err != nil {
		return nil, a.blame(err)
	}
	return []byte(final), nil
}

// saslFinal checks the server's signature.
func (a *ServerAuth) saslFinal(message string) error {
	if err := a.advance(serverProved, serverVerified); err != nil {
		return err
	}
	if err := a.scram.verify(message); err != nil {
		return a.blame(err)
	}
	return nil
}

// blame names the node and the user in the error of an exchange.
func (a *ServerAuth) blame(err error) error {
	e, ok := err.(*pg.Error)
	if !ok || e.Hint != "" {
		return err
	}
	named := *e
	named.Message = fmt.Sprintf(`authentication of user "%s" to server %s: %s`, a.opts.User, a.opts.Node, e.Message)
	return &named
}

// broken is the error for a server that does not keep to the protocol.
func (a *ServerAuth) broken(format string, args ...any) *pg.Error {
	return fatal(pg.ProtocolViolation, fmt.Sprintf(`authentication of user "%s" to server %s: the server sent %s`,
		a.opts.User, a.opts.Node, fmt.Sprintf(format, args...)), "")
}

// refuse is the error for a method that cannot be used.
func (a *ServerAuth) refuse(method, why string) *pg.Error {
	return fatal(pg.InvalidAuthorization, fmt.Sprintf(`server %s asked for %s to authenticate user "%s", but %s`,
		a.opts.Node, method, a.opts.User, why), "")
}

// lacks is the error for a method whose secret pgroute was not given.
func (a *ServerAuth) lacks(method, missing string) *pg.Error {
	return a.refuse(method, fmt.Sprintf("pgroute knows %s of that user", missing)).
		WithHint("Clients that log in to pgroute by scram-sha-256 bring their key along; otherwise give the user's password in users_file.")
}

// methodName names the methods that are not supported.
func methodName(code int32) string {
	switch code {
	case 2:
		return "Kerberos V5"
	case 6:
		return "SCM credentials"
	case 7, 8:
		return "GSSAPI"
	case 9:
		return "SSPI"
	}
	return fmt.Sprintf("authentication method %d", code)
}
