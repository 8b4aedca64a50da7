package auth

import "github.com/pgroute/pgroute/internal/secret"

// Credential is what pgroute can prove a role's identity with to a server.
// The zero value proves nothing and is enough for servers that trust. It is
// immutable and may be shared between connections.
type Credential struct {
	secret.Redacted
	password secret.Text
	md5      secret.Text // md5 and 32 digits
	keys     *SCRAMKeys
}

// PasswordCredential answers every method.
func PasswordCredential(password secret.Text) Credential { return Credential{password: password} }

// SCRAMCredential answers SCRAM from servers that hold the keys' verifier.
func SCRAMCredential(k *SCRAMKeys) Credential { return Credential{keys: k} }

// credentialOf gives what a verifier alone is good for: a plain password is
// good for everything, an md5 hash for md5, a SCRAM verifier for nothing.
func credentialOf(v *Verifier) Credential {
	switch v.kind {
	case KindPlain:
		return Credential{password: v.text}
	case KindMD5:
		return Credential{md5: v.text}
	}
	return Credential{}
}

// IsZero reports whether it can prove nothing.
func (c *Credential) IsZero() bool {
	return c.password.IsZero() && c.md5.IsZero() && c.keys == nil
}

// Describe names the kinds it holds, without the secrets, for logs and checks.
func (c *Credential) Describe() string {
	switch {
	case !c.password.IsZero():
		return "password"
	case c.keys != nil:
		return "SCRAM keys"
	case !c.md5.IsZero():
		return "md5 hash"
	}
	return "none"
}

// Equal reports whether both prove the same identity in the same way, so that
// server connections opened with one may serve the other.
func (c *Credential) Equal(o *Credential) bool {
	if (c.keys == nil) != (o.keys == nil) {
		return false
	}
	same := c.password.Equal(o.password) && c.md5.Equal(o.md5)
	if c.keys == nil {
		return same
	}
	return same && c.keys.salt == o.keys.salt && c.keys.iterations == o.keys.iterations &&
		keysEqual(&c.keys.clientKey, &o.keys.clientKey)
}
