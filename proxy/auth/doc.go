// Package auth proves who a client is and proves it again to servers.
//
// Toward clients, ClientAuth plays the server's side of PostgreSQL's
// authentication (trust, SCRAM-SHA-256, md5) against a verifier that Lookup
// found through auth_query or in a users file. Toward servers, ServerAuth
// plays libpq's side from a Credential. The two meet in one trick: a client's
// SCRAM proof contains its ClientKey, masked by a signature that whoever holds
// the verifier can compute. Since primary and standbys share verifiers, that
// key logs the session in to every node, and no password is stored anywhere.
//
// Exchanges are state machines fed with message bodies: they perform no I/O,
// read no clock, never block and bound every message, so they run inside an
// event loop. Only Lookup, its sources and the users file perform I/O, and are called
// from ordinary goroutines. The package knows nothing of sockets or frames.
//
// Names and texts follow src/backend/libpq/auth-scram.c, auth.c and crypt.c.
// What PostgreSQL sends as DETAIL is the Cause of a pg.Error here.
//
// Secrets never leave through fmt, slog or error texts: every type that holds
// one embeds secret.Redacted.
package auth
