package auth

import (
	"crypto/md5" // #nosec: PostgreSQL's own method, for servers that still have it
	"crypto/subtle"
	"encoding/hex"

	"github.com/pgroute/pgroute/internal/secret"
)

// md5SaltLen is the number of random bytes in AuthenticationMD5Password.
const md5SaltLen = 4

// hashMD5 is what PostgreSQL stores for a role with an md5 password: md5 and
// the hash of password and role name.
func hashMD5(password secret.Text, user string) secret.Text {
	return secret.New(md5Prefix + hexMD5(password.Reveal()+user))
}

// answerMD5 is the response to a challenge, computed from the stored hash
// alone: whoever has the hash can log in, which is why pgroute can pass it on.
func answerMD5(stored secret.Text, salt []byte) string {
	return md5Prefix + hexMD5(stored.Reveal()[len(md5Prefix):]+string(salt))
}

// checkMD5 compares a client's response in constant time.
func checkMD5(stored secret.Text, salt []byte, response string) bool {
	return subtle.ConstantTimeCompare([]byte(answerMD5(stored, salt)), []byte(response)) == 1
}

// hexMD5 is the hash in lower-case hexadecimal digits.
func hexMD5(s string) string {
	sum := md5.Sum([]byte(s))
	return hex.EncodeToString(sum[:])
}
