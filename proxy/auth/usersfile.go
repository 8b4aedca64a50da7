package auth

import (
	"bytes"
	"errors"
	"fmt"
	"strings"
	"sync/atomic"

	"github.com/pgroute/pgroute/internal/secret"
)

// UsersFile holds the roles of [auth] users_file. It is safe for concurrent
// use; Reload replaces its content as a whole.
type UsersFile struct {
	secret.Redacted
	path  string
	users atomic.Pointer[map[string]Verifier]
}

// OpenUsersFile reads the file at path.
func OpenUsersFile(path string) (*UsersFile, error) {
	u := &UsersFile{path: path}
	return u, u.Reload()
}

// Reload reads the file again. After an error the old content stays.
func (u *UsersFile) Reload() error {
	data, err := secret.ReadFile(u.path)
	if err != nil {
		return fmt.Errorf("read users file: %w", err)
	}
	users, err := ParseUsers(data, u.path)
	if err == nil {
		u.users.Store(&users)
	}
	return err
}

// Find gives a user's verifier.
func (u *UsersFile) Find(user string) (Verifier, bool) {
	v, ok := (*u.users.Load())[user]
	return v, ok
}

// Len is the number of users.
func (u *UsersFile) Len() int { return len(*u.users.Load()) }

// ParseUsers reads the format of PgBouncer's userlist.txt: on each line a
// user name and a verifier or plain password, both in double quotes, which
// are doubled inside. Further fields are ignored, as are lines that are empty or
// begin with ';' or '#'. All errors are reported together, by line, without
// the text of the line. name stands for the file in them.
func ParseUsers(data []byte, name string) (map[string]Verifier, error) {
	users := make(map[string]Verifier)
	var errs []error
	n := 0
	for line := range bytes.Lines(data) {
		n++
		if err := addUser(users, strings.TrimSpace(string(line))); err != nil {
			errs = append(errs, fmt.Errorf("%s:%d: %w", name, n, err))
		}
	}
	return users, errors.Join(errs...)
}

// addUser reads one line without leading and trailing white space.
func addUser(users map[string]Verifier, line string) error {
	if line == "" || line[0] == ';' || line[0] == '#' {
		return nil
	}
	user, rest, ok1 := quoted(line)
	text, rest, ok2 := quoted(strings.TrimLeft(rest, " \t"))
	switch {
	case !ok1 || !ok2 || (rest != "" && rest[0] != ' ' && rest[0] != '\t'):
		return errors.New(`want "user" "password or verifier", each in double quotes`)
	case user == "":
		return errors.New("the user name is empty")
	}
	if _, twice := users[user]; twice {
		return fmt.Errorf("user %q is listed twice", user)
	}
	v, err := ParseVerifier(text)
	users[user] = v
	return err
}

// quoted reads a field in double quotes at the beginning of s.
func quoted(s string) (field, rest string, ok bool) {
	if !strings.HasPrefix(s, `"`) {
		return "", "", false
	}
	var b strings.Builder
	for s = s[1:]; ; {
		part, after, found := strings.Cut(s, `"`)
		b.WriteString(part)
		switch {
		case !found:
			return "", "", false
		case !strings.HasPrefix(after, `"`):
			return b.String(), after, true
		}
		b.WriteByte('"')
		s = after[1:]
	}
}
