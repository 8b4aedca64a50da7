package auth

import (
	"crypto/rand"
	"crypto/subtle"
	"fmt"
	"io"
	"strconv"
	"strings"

	"github.com/pgroute/pgroute/internal/pg"
	"github.com/pgroute/pgroute/internal/secret"
)

// SASL mechanisms. The second binds the exchange to the TLS channel.
const (
	mechanismSCRAM = "SCRAM-SHA-256"
	mechanismPlus  = "SCRAM-SHA-256-PLUS"
)

// cbindEndPoint is the only channel binding PostgreSQL knows (RFC 5929).
const cbindEndPoint = "tls-server-end-point"

// maxSASLMessage is PG_MAX_SASL_MESSAGE_LENGTH, the bound on a client's SASL
// messages in bytes.
const maxSASLMessage = 1024

// rawNonceLen is SCRAM_RAW_NONCE_LEN, random bytes in a nonce.
const rawNonceLen = 18

// scramServer is the server's side of one SCRAM exchange. Its states follow
// each other without a way back; any error ends the exchange.
type scramServer struct {
	secret.Redacted
	user     string
	verifier SCRAMVerifier
	doomed   bool      // fails at the end whatever the proof (mock verifier)
	endPoint []byte    // tls-server-end-point data, nil without channel binding
	random   io.Reader // source of the nonce

	state       scramState
	plus        bool   // the client chose SCRAM-SHA-256-PLUS
	gs2         string // gs2-header as the client sent it
	clientFirst string // client-first-message-bare
	serverFirst string
	nonce       string // the client's part and ours
	keys        *SCRAMKeys
}

type scramState uint8

const (
	scramInit    scramState = iota
	scramStarted            // mechanism chosen, client-first-message outstanding
	scramChallenged
	scramFinished
)

// mechanisms is the body of AuthenticationSASL: a list of strings.
func (s *scramServer) mechanisms() []byte {
	if s.endPoint != nil {
		return []byte(mechanismPlus + "\x00" + mechanismSCRAM + "\x00\x00")
	}
	return []byte(mechanismSCRAM + "\x00\x00")
}

// step takes the body of the client's next message. The answer goes out as
// AuthenticationSASLContinue, or SASLFinal when done.
func (s *scramServer) step(body []byte) (answer []byte, done bool, err error) {
	if len(body) > maxSASLMessage {
		return nil, false, passwordFailed(s.user, "invalid message length")
	}
	message := string(body)
	if s.state == scramInit {
		if message, err = s.choose(message); err != nil {
			return nil, false, err
		}
		s.state = scramStarted
		if message == "" {
			return []byte{}, false, nil // no initial response: ask for it
		}
	}
	switch {
	case message == "":
		return nil, false, malformed("The message is empty.")
	case strings.IndexByte(message, 0) >= 0:
		return nil, false, malformed("Message length does not match input length.")
	case s.state == scramStarted:
		s.state = scramChallenged
		answer, err = s.first(message)
		return answer, false, err
	case s.state == scramChallenged:
		s.state = scramFinished
		answer, err = s.final(message)
		return answer, err == nil, err
	}
	return nil, false, fatal(pg.ProtocolViolation, "invalid SCRAM exchange state", "")
}

// choose reads SASLInitialResponse: the mechanism's name and an optional
// first message, "" when there is none.
func (s *scramServer) choose(body string) (string, error) {
	name, rest, ok := strings.Cut(body, "\x00")
	if !ok {
		return "", fatal(pg.ProtocolViolation, "invalid string in message", "")
	}
	switch {
	case name == mechanismPlus && s.endPoint != nil:
		s.plus = true
	case name != mechanismSCRAM:
		return "", fatal(pg.ProtocolViolation, "client selected an invalid SASL authentication mechanism", "")
	}
	if len(rest) < 4 {
		return "", fatal(pg.ProtocolViolation, "insufficient data left in message", "")
	}
	n := int32(uint32(rest[0])<<24 | uint32(rest[1])<<16 | uint32(rest[2])<<8 | uint32(rest[3]))
	switch rest = rest[4:]; {
	case n == -1 && rest == "":
		return "", nil
	case n < 0 || int(n) > len(rest):
		return "", fatal(pg.ProtocolViolation, "insufficient data left in message", "")
	case int(n) < len(rest):
		return "", fatal(pg.ProtocolViolation, "invalid message format", "")
	case n == 0:
		return "", malformed("The message is empty.")
	}
	return rest, nil
}

// first reads client-first-message and makes server-first-message.
func (s *scramServer) first(message string) ([]byte, error) {
	rest, err := s.readGS2(message)
	if err != nil {
		return nil, err
	}
	s.gs2, s.clientFirst = message[:len(message)-len(rest)], rest
	if strings.HasPrefix(rest, "m") {
		return nil, fatal(pg.FeatureNotSupported, "client requires an unsupported SCRAM extension", "")
	}
	// The user name is ignored: that of the startup packet counts.
	if _, rest, err = readAttr(rest, 'n'); err != nil {
		return nil, err
	}
	clientNonce, rest, err := readAttr(rest, 'r')
	if err != nil {
		return nil, err
	}
	if !printable(clientNonce) {
		return nil, fatal(pg.ProtocolViolation, "non-printable characters in SCRAM nonce", "")
	}
	for rest != "" { // optional extensions, none known
		if _, _, rest, err = readAnyAttr(rest); err != nil {
			return nil, err
		}
	}
	return s.challenge(clientNonce)
}

// readGS2 reads gs2-header: the channel-binding flag and the place of an
// authorization identity, which PostgreSQL does not support.
func (s *scramServer) readGS2(message string) (rest string, err error) {
	switch flag := message[0]; {
	case flag != 'n' && flag != 'y' && flag != 'p':
		return "", malformed(`Unexpected channel-binding flag "%s".`, showByte(message))
	case flag == 'p':
		rest, err = s.readBinding(message)
	case s.plus:
		return "", malformed("The client selected SCRAM-SHA-256-PLUS, but the SCRAM message does not include channel binding data.")
	case flag == 'y' && s.endPoint != nil:
		// Somebody in between removed -PLUS from our list.
		return "", fatal(pg.InvalidAuthorization, "SCRAM channel binding negotiation error",
			"The client supports SCRAM channel binding but thinks the server does not.  However, this server does support channel binding.")
	case len(message) < 2 || message[1] != ',':
		return "", malformed(`Comma expected, but found character "%s".`, showByte(message[1:]))
	default:
		rest = message[2:]
	}
	switch {
	case err != nil:
		return "", err
	case strings.HasPrefix(rest, "a"):
		return "", fatal(pg.FeatureNotSupported, "client uses authorization identity, but it is not supported", "")
	case !strings.HasPrefix(rest, ","):
		return "", malformed(`Unexpected attribute "%s" in client-first-message.`, showByte(rest))
	}
	return rest[1:], nil
}

// readBinding reads "p=tls-server-end-point,".
func (s *scramServer) readBinding(message string) (rest string, err error) {
	if !s.plus {
		return "", malformed("The client selected SCRAM-SHA-256 without channel binding, but the SCRAM message includes channel binding data.")
	}
	name, rest, err := readAttr(message, 'p')
	if err == nil && name != cbindEndPoint {
		err = fatal(pg.ProtocolViolation,
			fmt.Sprintf(`unsupported SCRAM channel-binding type "%s"`, showText(name)), "")
	}
	return rest, err
}

// challenge makes server-first-message.
func (s *scramServer) challenge(clientNonce string) ([]byte, error) {
	ours, err := newNonce(s.random)
	if err != nil {
		return nil, err
	}
	s.nonce = clientNonce + ours
	s.serverFirst = "r=" + s.nonce + ",s=" + encode(s.verifier.salt) +
		",i=" + strconv.Itoa(s.verifier.iterations)
	return []byte(s.serverFirst), nil
}

// newNonce makes our half of a nonce.
func newNonce(random io.Reader) (string, error) {
	if random == nil {
		random = rand.Reader
	}
	raw := make([]byte, rawNonceLen)
	if _, err := io.ReadFull(random, raw); err != nil {
		return "", pg.Fatalf(pg.InternalError, "could not generate random nonce").WithCause(err)
	}
	return encode(raw), nil
}

// final reads client-final-message, checks the proof and makes
// server-final-message.
func (s *scramServer) final(message string) ([]byte, error) {
	proof, withoutProof, err := s.readFinal(message)
	if err != nil {
		return nil, err
	}
	auth := authMessage(s.clientFirst, s.serverFirst, withoutProof)
	// The proof is the ClientKey masked by a signature that only a holder of
	// the StoredKey can compute: unmask it and see whether it hashes to that.
	signature := s.verifier.storedKey.mac(auth)
	clientKey := proof.xor(&signature)
	hashed := clientKey.hash()
	// A doomed exchange computes all the same, so that time tells nothing.
	if matches := keysEqual(&hashed, &s.verifier.storedKey); !matches || s.doomed {
		return nil, passwordFailed(s.user, "")
	}
	s.keys = &SCRAMKeys{
		clientKey: clientKey, storedKey: s.verifier.storedKey, serverKey: s.verifier.serverKey,
		salt: s.verifier.salt, iterations: s.verifier.iterations,
	}
	serverSignature := s.verifier.serverKey.mac(auth)
	return []byte("v=" + encode(serverSignature[:])), nil
}

// readFinal splits client-final-message and checks all but the proof.
func (s *scramServer) readFinal(message string) (proof key, withoutProof string, err error) {
	binding, rest, err := readAttr(message, 'c')
	if err != nil {
		return proof, "", err
	}
	if err = s.checkBinding(binding); err != nil {
		return proof, "", err
	}
	nonce, rest, err := readAttr(rest, 'r')
	if err != nil {
		return proof, "", err
	}
	var attr byte
	var value string
	for attr != 'p' { // extensions before the proof are ignored, but signed
		withoutProof = strings.TrimSuffix(message[:len(message)-len(rest)], ",")
		if attr, value, rest, err = readAnyAttr(rest); err != nil {
			return proof, "", err
		}
	}
	proof, ok := decodeKey(value)
	switch {
	case !ok:
		return proof, "", malformed("Malformed proof in client-final-message.")
	case rest != "":
		return proof, "", malformed("Garbage found at the end of client-final-message.")
	case subtle.ConstantTimeCompare([]byte(nonce), []byte(s.nonce)) != 1:
		return proof, "", fatal(pg.ProtocolViolation, "invalid SCRAM response", "Nonce does not match.")
	}
	return proof, withoutProof, nil
}

// checkBinding compares the c= attribute with the gs2-header of the first
// message and, for -PLUS, with the certificate the client must have seen.
func (s *scramServer) checkBinding(binding string) error {
	want := s.gs2
	if s.plus {
		want += string(s.endPoint)
	}
	if subtle.ConstantTimeCompare([]byte(binding), []byte(encode(want))) == 1 {
		return nil
	}
	if s.plus {
		return fatal(pg.InvalidAuthorization, "SCRAM channel binding check failed", "")
	}
	return fatal(pg.ProtocolViolation, "unexpected SCRAM channel-binding attribute in client-final-message", "")
}

// authMessage is AuthMessage of RFC 5802, section 3: what all signatures sign.
func authMessage(clientFirst, serverFirst, clientFinal string) string {
	return clientFirst + "," + serverFirst + "," + clientFinal
}
