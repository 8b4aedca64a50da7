package auth

import (
	"crypto/hmac"
	"crypto/pbkdf2"
	"crypto/sha256"
	"crypto/subtle"

	"github.com/pgroute/pgroute/internal/secret"
)

// keyLen is SCRAM_SHA_256_KEY_LEN.
const keyLen = sha256.Size

// key is one of RFC 5802's 32-byte values. It has no methods that print it;
// the structs that hold keys embed secret.Redacted.
type key [keyLen]byte

// keysEqual compares in constant time.
func keysEqual(a, b *key) bool { return subtle.ConstantTimeCompare(a[:], b[:]) == 1 }

// mac is HMAC-SHA-256 with k as its key, over the concatenation of parts.
func (k *key) mac(parts ...string) key {
	h := hmac.New(sha256.New, k[:])
	for _, p := range parts {
		h.Write([]byte(p))
	}
	return key(h.Sum(nil))
}

// hash is H() of RFC 5802: StoredKey from ClientKey.
func (k *key) hash() key { return sha256.Sum256(k[:]) }

// xor masks or unmasks k with m.
func (k *key) xor(m *key) key {
	var out key
	subtle.XORBytes(out[:], k[:], m[:])
	return out
}

// SCRAMKeys is all that is needed to log in to any server which holds the
// verifier of this salt and iteration count. It is as good as the password
// on those servers, and on no others.
type SCRAMKeys struct {
	secret.Redacted
	clientKey, storedKey, serverKey key
	salt                            string // raw bytes
	iterations                      int
}

// Verifier gives what a server stores for these keys.
func (k *SCRAMKeys) Verifier() SCRAMVerifier {
	return SCRAMVerifier{salt: k.salt, iterations: k.iterations, storedKey: k.storedKey, serverKey: k.serverKey}
}

// DeriveSCRAMKeys computes the keys of a password: PBKDF2, a millisecond or
// so of CPU for PostgreSQL's 4096 iterations. Never call it in an event loop;
// KeyCache remembers the results. salt holds raw bytes.
func DeriveSCRAMKeys(password secret.Text, salt string, iterations int) (*SCRAMKeys, error) {
	raw, err := pbkdf2.Key(sha256.New, prepare(password.Reveal()), []byte(salt), iterations, keyLen)
	if err != nil {
		return nil, err // in FIPS mode only: the salt or the key is too short for it
	}
	salted := key(raw)
	k := &SCRAMKeys{salt: salt, iterations: iterations}
	k.clientKey = salted.mac("Client Key")
	k.storedKey = k.clientKey.hash()
	k.serverKey = salted.mac("Server Key")
	return k, nil
}
