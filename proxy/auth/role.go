package auth

import (
	"fmt"
	"time"

	"github.com/pgroute/pgroute/internal/secret"
)

// Role is what a lookup found about a user name. It is immutable.
type Role struct {
	secret.Redacted
	Name  string
	Found bool
	// Verifier is of KindNone for unknown roles and those without password.
	Verifier Verifier
	// NoLogin is set when the lookup told that the role may not log in.
	NoLogin bool
	// ValidUntil is pg_authid.rolvaliduntil; zero means for ever or unknown.
	ValidUntil time.Time
	// FromFile is set when the users file named the role.
	FromFile bool
	// Cached is set when the answer was not asked for by this very lookup.
	Cached bool

	derived *SCRAMKeys // of a plain password
	problem string     // why the verifier was not accepted, for the log only
}

// NewRole makes a role that was found, as tests and other sources need it.
// A plain password is turned into SCRAM keys here, which takes as long as
// PBKDF2 does, so not in an event loop.
func NewRole(name string, v Verifier, m *Mock, c *KeyCache) (Role, error) {
	r := Role{Name: name, Found: true, Verifier: v}
	if v.kind != KindPlain {
		return r, nil
	}
	var err error
	// The salt is the one an unknown user of that name would have.
	r.derived, err = c.Derive(v.text, m.salt(name), m.iterations)
	return r, err
}

// scram gives a verifier for SCRAM, or why there is none (for the log).
func (r *Role) scram(now time.Time) (v SCRAMVerifier, reason string) {
	if reason = r.unusable(now); reason != "" {
		return v, reason
	}
	switch {
	case r.derived != nil:
		return r.derived.Verifier(), ""
	case r.Verifier.kind == KindSCRAM:
		return r.Verifier.scram, ""
	}
	return v, fmt.Sprintf(`User "%s" does not have a valid SCRAM secret.`, r.Name)
}

// hasMD5 reports whether the md5 method can be used. If not, PostgreSQL and
// pgroute alike go on with SCRAM, mock or not.
func (r *Role) hasMD5(now time.Time) bool {
	return r.unusable(now) == "" && (r.Verifier.kind == KindMD5 || r.Verifier.kind == KindPlain)
}

// unusable says why no password can match (get_role_password in crypt.c).
func (r *Role) unusable(now time.Time) string {
	switch {
	case !r.Found:
		return fmt.Sprintf(`Role "%s" does not exist.`, r.Name)
	case r.problem != "":
		return r.problem
	case r.Verifier.kind == KindNone:
		return fmt.Sprintf(`User "%s" has no password assigned.`, r.Name)
	case !r.ValidUntil.IsZero() && r.ValidUntil.Before(now):
		return fmt.Sprintf(`User "%s" has an expired password.`, r.Name)
	}
	return ""
}
