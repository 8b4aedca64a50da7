package auth

import (
	"crypto/subtle"
	"fmt"
	"io"
	"strings"

	"github.com/pgroute/pgroute/internal/pg"
	"github.com/pgroute/pgroute/internal/secret"
)

// keySource gives the keys for the salt and iteration count a server named.
type keySource func(salt string, iterations int) (*SCRAMKeys, error)

// scramClient is the client's side of one SCRAM exchange, from keys that are
// derived from a password or were recovered from a client's proof.
type scramClient struct {
	secret.Redacted
	keys     keySource
	endPoint []byte    // tls-server-end-point data for -PLUS, nil without
	tls      bool      // we could bind to the channel, had the server offered it
	random   io.Reader // source of the nonce

	gs2         string
	nonce       string // our part
	clientFirst string // client-first-message-bare
	serverKey   key
	auth        string // AuthMessage, once known
}

// maxServerMessage bounds what a server may send in one authentication
// message; PostgreSQL's own are a tenth of it.
const maxServerMessage = 4096

// first makes client-first-message. The user name is left empty, as libpq
// does: that of the startup packet counts.
func (c *scramClient) first() (string, error) {
	nonce, err := newNonce(c.random)
	if err != nil {
		return "", err
	}
	switch {
	case c.endPoint != nil:
		c.gs2 = "p=" + cbindEndPoint + ",,"
	case c.tls:
		c.gs2 = "y,,"
	default:
		c.gs2 = "n,,"
	}
	c.nonce = nonce
	c.clientFirst = "n=,r=" + nonce
	return c.gs2 + c.clientFirst, nil
}

// final reads server-first-message and makes client-final-message.
func (c *scramClient) final(serverFirst string) (string, error) {
	nonce, salt, iterations, err := c.readChallenge(serverFirst)
	if err != nil {
		return "", err
	}
	keys, err := c.keys(salt, iterations)
	if err != nil {
		return "", err
	}
	withoutProof := "c=" + encode(c.gs2+string(c.endPoint)) + ",r=" + nonce
	c.auth = authMessage(c.clientFirst, serverFirst, withoutProof)
	c.serverKey = keys.serverKey
	signature := keys.storedKey.mac(c.auth)
	proof := keys.clientKey.xor(&signature)
	return withoutProof + ",p=" + encode(proof[:]), nil
}

// readChallenge reads server-first-message as libpq does
// (read_server_first_message in fe-auth-scram.c).
func (c *scramClient) readChallenge(message string) (nonce, salt string, iterations int, err error) {
	nonce, rest, err := readAttr(message, 'r')
	if err != nil {
		return "", "", 0, serverBroke(err)
	}
	if !strings.HasPrefix(nonce, c.nonce) || len(nonce) == len(c.nonce) || !printable(nonce) {
		return "", "", 0, fatal(pg.ProtocolViolation, "invalid SCRAM response from the server (nonce mismatch)", "")
	}
	encoded, rest, err := readAttr(rest, 's')
	if err != nil {
		return "", "", 0, serverBroke(err)
	}
	raw, ok := decodeBase64(encoded)
	if !ok || len(raw) == 0 || len(raw) > maxSalt {
		return "", "", 0, fatal(pg.ProtocolViolation, "malformed SCRAM message from the server (invalid salt)", "")
	}
	count, rest, err := readAttr(rest, 'i')
	if err != nil {
		return "", "", 0, serverBroke(err)
	}
	iterations, ok = parseIterations(count)
	if !ok || rest != "" {
		return "", "", 0, fatal(pg.ProtocolViolation, "malformed SCRAM message from the server (invalid iteration count)", "")
	}
	return nonce, string(raw), iterations, nil
}

// verify reads server-final-message and checks the server's signature, which
// proves that it holds the verifier and is not just anyone at that address.
func (c *scramClient) verify(message string) error {
	if reason, ok := strings.CutPrefix(message, "e="); ok {
		return fatal(pg.InvalidPassword, "the server refused the SCRAM exchange", fmt.Sprintf("error %q", showText(reason)))
	}
	encoded, rest, err := readAttr(message, 'v')
	if err != nil {
		return serverBroke(err)
	}
	got, ok := decodeBase64(encoded)
	if !ok || len(got) != keyLen || rest != "" {
		return fatal(pg.ProtocolViolation, "malformed SCRAM message from the server (invalid server signature)", "")
	}
	want := c.serverKey.mac(c.auth)
	if subtle.ConstantTimeCompare(got, want[:]) != 1 {
		return fatal(pg.InvalidAuthorization, "incorrect server signature", "the server does not know this role's verifier")
	}
	return nil
}

// serverBroke says of a message that did not parse which side sent it.
func serverBroke(err error) error {
	return pg.Fatalf(pg.ProtocolViolation, "malformed SCRAM message from the server").WithCause(err)
}
