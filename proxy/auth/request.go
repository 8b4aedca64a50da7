package auth

import (
	"crypto/sha256"
	"crypto/sha512"
	"crypto/x509"
	"fmt"
)

// Request codes of the Authentication messages (AUTH_REQ_ in
// src/include/libpq/pqcomm.h), the first four bytes of their bodies.
const (
	ReqOk           int32 = 0
	ReqPassword     int32 = 3
	ReqMD5          int32 = 5
	ReqSASL         int32 = 10
	ReqSASLContinue int32 = 11
	ReqSASLFinal    int32 = 12
)

// Request is one Authentication message to send to a client. When Done is
// set, the client is authenticated: AuthenticationOk follows, unless the
// request is AuthenticationOk itself.
type Request struct {
	Code int32
	Data []byte // what follows the code
	Done bool
}

// Method is how clients prove who they are ([auth] method).
type Method uint8

// Methods. MD5 stands, as in pg_hba.conf, for "md5, or SCRAM when that is
// what the role has". Cert leaves the proof to the TLS handshake and the
// caller's CheckCertificate.
const (
	Trust Method = iota
	SCRAM
	MD5
	Cert
	methods
)

var methodNames = [methods]string{"trust", "scram-sha-256", "md5", "cert"}

// String gives the name proxy.toml uses.
func (m Method) String() string { return methodNames[m] }

// ParseMethod reads the name proxy.toml uses.
func ParseMethod(name string) (Method, error) {
	for m, n := range methodNames {
		if n == name {
			return Method(m), nil
		}
	}
	return 0, fmt.Errorf("unknown authentication method %q", name)
}

// EndPoint computes tls-server-end-point (RFC 5929) of a certificate: its
// hash with the algorithm of its signature, SHA-256 in place of MD5 and SHA-1.
// Nil means that the algorithm has no hash to take (Ed25519), and so that
// there is no channel binding.
func EndPoint(cert *x509.Certificate) []byte {
	switch cert.SignatureAlgorithm {
	case x509.SHA384WithRSA, x509.ECDSAWithSHA384, x509.SHA384WithRSAPSS:
		h := sha512.Sum384(cert.Raw)
		return h[:]
	case x509.SHA512WithRSA, x509.ECDSAWithSHA512, x509.SHA512WithRSAPSS:
		h := sha512.Sum512(cert.Raw)
		return h[:]
	case x509.UnknownSignatureAlgorithm, x509.PureEd25519:
		return nil
	}
	h := sha256.Sum256(cert.Raw)
	return h[:]
}
