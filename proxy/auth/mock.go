package auth

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"

	"github.com/pgroute/pgroute/internal/secret"
)

// DefaultIterations is PostgreSQL's default of scram_iterations.
const DefaultIterations = 4096

// saltLen is SCRAM_DEFAULT_SALT_LEN, in bytes.
const saltLen = 16

// Mock makes verifiers for users that do not exist, have no password, or have one that
// is expired or of another kind: the client goes through the same messages,
// and fails at the end like with a wrong password. The salt of a name stays
// the same, as that of a real role would (mock_scram_secret in auth-scram.c).
type Mock struct {
	secret.Redacted
	key        key
	iterations int
}

// NewMock makes a Mock. Several pgroutes in front of one cluster should be
// given the same seed (any secret they share), because a salt that differs
// between them or changes with a restart would give an unknown user away; an empty
// seed means a random one. iterations ≤ 0 means PostgreSQL's default.
func NewMock(seed secret.Text, iterations int) *Mock {
	m := &Mock{iterations: iterations}
	if iterations <= 0 {
		m.iterations = DefaultIterations
	}
	if seed.IsZero() {
		_, _ = rand.Read(m.key[:]) // never fails, by its documentation
		return m
	}
	h := hmac.New(sha256.New, []byte(seed.Reveal()))
	h.Write([]byte("pgroute mock authentication"))
	m.key = key(h.Sum(nil))
	return m
}

// salt is the name's own, fixed for this Mock.
func (m *Mock) salt(user string) string {
	k := m.key.mac("salt ", user)
	return string(k[:saltLen])
}

// verifier makes the one no password matches.
func (m *Mock) verifier(user string) SCRAMVerifier {
	return SCRAMVerifier{
		salt: m.salt(user), iterations: m.iterations,
		storedKey: m.key.mac("stored ", user), serverKey: m.key.mac("server ", user),
	}
}
