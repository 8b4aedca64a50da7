package auth

import (
	"crypto/rand"
	"encoding/binary"

	lru "github.com/hashicorp/golang-lru/v2"

	"github.com/pgroute/pgroute/internal/secret"
)

// keyCacheSize is the number of derived keys remembered: one per password
// and server verifier, so this many application users before any is lost.
const keyCacheSize = 1024

// KeyCache remembers what PBKDF2 computed, so that a connect storm with
// passwords from a users file costs one derivation per user and salt. It is
// safe for concurrent use. Passwords are not kept: entries are found by a MAC
// under a key of this process.
type KeyCache struct {
	secret.Redacted
	mask  key
	cache *lru.Cache[key, *SCRAMKeys]
}

// NewKeyCache makes an empty cache.
func NewKeyCache() *KeyCache {
	c := &KeyCache{}
	_, _ = rand.Read(c.mask[:])
	c.cache, _ = lru.New[key, *SCRAMKeys](keyCacheSize) // fails only for a size below one
	return c
}

// Derive is DeriveSCRAMKeys with memory; like that, it is not for event
// loops. A nil cache derives each time.
func (c *KeyCache) Derive(password secret.Text, salt string, iterations int) (*SCRAMKeys, error) {
	if c == nil {
		return DeriveSCRAMKeys(password, salt, iterations)
	}
	var count, length [8]byte
	binary.BigEndian.PutUint64(count[:], uint64(iterations))
	binary.BigEndian.PutUint64(length[:], uint64(len(salt)))
	id := c.mask.mac(string(count[:]), string(length[:]), salt, password.Reveal())
	if k, ok := c.cache.Get(id); ok {
		return k, nil
	}
	k, err := DeriveSCRAMKeys(password, salt, iterations)
	if err == nil {
		c.cache.Add(id, k)
	}
	return k, err
}
