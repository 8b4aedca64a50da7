package auth

import (
	"crypto/subtle"
	"fmt"
	"strconv"
	"strings"

	"github.com/pgroute/pgroute/internal/secret"
)

// Kind says in which form a role's password is known.
type Kind uint8

// Kinds of verifiers. KindPlain comes from a users file only: PostgreSQL has
// not stored plain passwords since version 10.
const (
	KindNone Kind = iota // no password: only trust and certificates let in
	KindSCRAM
	KindMD5
	KindPlain
)

// String gives the kind's name for messages and logs.
func (k Kind) String() string {
	return [...]string{"no password", "SCRAM-SHA-256", "md5", "plain password"}[k]
}

// SCRAMVerifier is what a server keeps of a password: it checks a proof but
// cannot make one.
type SCRAMVerifier struct {
	secret.Redacted
	salt                 string // raw bytes
	iterations           int
	storedKey, serverKey key
}

// Iterations is the PBKDF2 iteration count.
func (v *SCRAMVerifier) Iterations() int { return v.iterations }

// Encode gives the form pg_authid.rolpassword has. It is a secret.
func (v *SCRAMVerifier) Encode() secret.Text {
	return secret.New(scramPrefix + strconv.Itoa(v.iterations) + ":" + encode(v.salt) +
		"$" + encode(v.storedKey[:]) + ":" + encode(v.serverKey[:]))
}

// Verifier is a role's password in whatever form it is known. The zero value
// is KindNone. Only the field of its kind is set.
type Verifier struct {
	secret.Redacted
	kind  Kind
	scram SCRAMVerifier
	text  secret.Text // md5… or the plain password
}

// Kind says which form it has.
func (v *Verifier) Kind() Kind { return v.kind }

// SCRAM gives the SCRAM verifier, false for other kinds.
func (v *Verifier) SCRAM() (SCRAMVerifier, bool) { return v.scram, v.kind == KindSCRAM }

// Equal reports whether both hold the same secret.
func (v *Verifier) Equal(o *Verifier) bool {
	a, b := &v.scram, &o.scram
	return v.kind == o.kind && v.text.Equal(o.text) &&
		a.salt == b.salt && a.iterations == b.iterations &&
		subtle.ConstantTimeCompare(a.storedKey[:], b.storedKey[:]) == 1 &&
		subtle.ConstantTimeCompare(a.serverKey[:], b.serverKey[:]) == 1
}

const (
	scramPrefix = "SCRAM-SHA-256$"
	md5Prefix   = "md5"
	md5Length   = len(md5Prefix) + 32
)

// Bounds on what a verifier may hold. PostgreSQL has none, but what cannot be
// a password must not make pgroute work for it.
const (
	maxVerifier   = 4096
	maxSalt       = 1024
	maxIterations = 10_000_000
)

// ParseVerifier reads pg_authid.rolpassword, or the second field of a users
// file. What has neither the form of a SCRAM verifier nor that of an md5 hash
// is a plain password, as get_password_type in src/backend/libpq/crypt.c
// decides. The error never shows the text.
func ParseVerifier(rolpassword string) (Verifier, error) {
	switch {
	case rolpassword == "":
		return Verifier{}, nil
	case len(rolpassword) > maxVerifier:
		return Verifier{}, fmt.Errorf("parse verifier: longer than %d bytes", maxVerifier)
	case isMD5(rolpassword):
		return Verifier{kind: KindMD5, text: secret.New(rolpassword)}, nil
	case strings.HasPrefix(rolpassword, scramPrefix):
		v, err := parseSCRAM(rolpassword[len(scramPrefix):])
		return Verifier{kind: KindSCRAM, scram: v}, err
	}
	return Verifier{kind: KindPlain, text: secret.New(rolpassword)}, nil
}

// isMD5 tells an md5 hash by its form.
func isMD5(s string) bool {
	return len(s) == md5Length && strings.HasPrefix(s, md5Prefix) &&
		strings.Trim(s[len(md5Prefix):], "0123456789abcdef") == ""
}

// parseSCRAM reads "iterations:salt$StoredKey:ServerKey".
func parseSCRAM(s string) (v SCRAMVerifier, err error) {
	head, keys, ok1 := strings.Cut(s, "$")
	count, salt, ok2 := strings.Cut(head, ":")
	stored, server, ok3 := strings.Cut(keys, ":")
	if !ok1 || !ok2 || !ok3 {
		return v, fmt.Errorf("parse SCRAM verifier: not of the form iterations:salt$StoredKey:ServerKey")
	}
	if v.iterations, ok1 = parseIterations(count); !ok1 {
		return v, fmt.Errorf("parse SCRAM verifier: iteration count is not a number from 1 to %d", maxIterations)
	}
	raw, ok := decodeBase64(salt)
	if !ok || len(raw) == 0 || len(raw) > maxSalt {
		return v, fmt.Errorf("parse SCRAM verifier: salt is not base64 of 1 to %d bytes", maxSalt)
	}
	v.salt = string(raw)
	v.storedKey, ok1 = decodeKey(stored)
	v.serverKey, ok2 = decodeKey(server)
	if !ok1 || !ok2 {
		return v, fmt.Errorf("parse SCRAM verifier: a key is not base64 of %d bytes", keyLen)
	}
	return v, nil
}

// parseIterations reads a positive decimal number without sign or spaces.
func parseIterations(s string) (int, bool) {
	n, err := strconv.ParseUint(s, 10, 31)
	return int(n), err == nil && n >= 1 && n <= maxIterations
}
