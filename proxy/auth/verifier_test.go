package auth

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/pgroute/pgroute/internal/secret"
)

func TestVerifiersAreToldApart(t *testing.T) {
	key32, salt := encode(make([]byte, 32)), encode("0123456789abcdef")
	for text, want := range map[string]Kind{
		"":                              KindNone,
		"pencil":                        KindPlain,
		"md5":                           KindPlain,
		"md5" + strings.Repeat("0", 32): KindMD5,
		"md5" + strings.Repeat("0", 31): KindPlain,
		"md5" + strings.Repeat("A", 32): KindPlain, // PostgreSQL writes lower case
		"SCRAM-SHA-256":                 KindPlain,
		"scram-sha-256$4096:x":          KindPlain,
		"SCRAM-SHA-256$4096:" + salt + "$" + key32 + ":" + key32: KindSCRAM,
		"SCRAM-SHA-256$1:QQ==$" + key32 + ":" + key32:            KindSCRAM,
	} {
		v, err := ParseVerifier(text)
		if err != nil || v.Kind() != want {
			t.Errorf("%q: %s, %v", text, v.Kind(), err)
		}
		if s, ok := v.SCRAM(); ok && s.Encode().Reveal() != text {
			t.Errorf("%q is written %q", text, s.Encode().Reveal())
		}
	}
}

func TestBrokenVerifiersAreRefusedWithoutShowingThem(t *testing.T) {
	key32 := encode(make([]byte, 32))
	for _, text := range []string{
		"SCRAM-SHA-256$", "SCRAM-SHA-256$4096", "SCRAM-SHA-256$4096:QQ==", "SCRAM-SHA-256$4096:QQ==$" + key32,
		"SCRAM-SHA-256$0:QQ==$" + key32 + ":" + key32, "SCRAM-SHA-256$-1:QQ==$" + key32 + ":" + key32,
		"SCRAM-SHA-256$+1:QQ==$" + key32 + ":" + key32, "SCRAM-SHA-256$99999999999:QQ==$" + key32 + ":" + key32,
		"SCRAM-SHA-256$4096:$" + key32 + ":" + key32, "SCRAM-SHA-256$4096:Q$" + key32 + ":" + key32,
		"SCRAM-SHA-256$4096:QQ==$" + key32 + ":QQ==", "SCRAM-SHA-256$4096:QQ==$QQ==:" + key32,
		"SCRAM-SHA-256$4096:QQ==$" + key32 + ":" + key32 + ":", "SCRAM-SHA-256$4096:QQ\n==$" + key32 + ":" + key32,
		"SCRAM-SHA-256$4096:" + encode(strings.Repeat("x", maxSalt+1)) + "$" + key32 + ":" + key32,
		strings.Repeat("x", maxVerifier+1),
	} {
		_, err := ParseVerifier(text)
		if err == nil {
			t.Errorf("%.40q was accepted", text)
		} else if strings.Contains(err.Error(), "QQ") || strings.Contains(err.Error(), "xxx") {
			t.Errorf("the error shows the verifier: %v", err)
		}
	}
}

func TestVerifiersCompare(t *testing.T) {
	a, b, c := verifierOf(t, "pencil"), verifierOf(t, "pencil"), verifierOf(t, "pen")
	plain, other := mustParse(t, "x"), mustParse(t, "y")
	if !a.Equal(&b) || a.Equal(&c) || a.Equal(&plain) || plain.Equal(&other) || !plain.Equal(&plain) {
		t.Fatal("Equal is wrong")
	}
}

// TestPasswordsArePreparedAsPostgresDoes has the examples of RFC 4013 and
// those cases in which PostgreSQL does otherwise.
func TestPasswordsArePreparedAsPostgresDoes(t *testing.T) {
	for in, want := range map[string]string{
		"pencil":           "pencil",
		"I\u00adX":         "IX",               // soft hyphen: mapped to nothing
		"\u00aa":           "a",                // NFKC; NFC, and so PRECIS, would leave it
		"\u2168":           "IX",               // ROMAN NUMERAL NINE
		"a\u00a0b":         "a b",              // no-break space
		"a\u200bb":         "a b",              // in both tables; a space in PostgreSQL
		"e\u0301":          "\u00e9",           // composed
		"\a":               "\a",               // ASCII is never looked at
		"\u0007\u00aa":     "\u0007\u00aa",     // control character: as it is
		"\u0627\u0031":     "\u0627\u0031",     // right-to-left that ends otherwise: as it is
		"\u06271\u0628":    "\u06271\u0628",    // and one that is fine
		"\u0627a\u0628":    "\u0627a\u0628",    // mixed: as it is
		"\u00ad":           "\u00ad",           // would be empty: as it is
		"\u00aa\xff":       "\u00aa\xff",       // no UTF-8: as it is
		"\u00aa\U0001F600": "\u00aa\U0001F600", // unassigned in Unicode 3.2: as it is
		"\u00aa\ue000":     "\u00aa\ue000",     // private use: as it is
		"":                 "",
	} {
		if got := prepare(in); got != want {
			t.Errorf("prepare(%+q) = %+q, want %+q", in, got, want)
		}
	}
}

func TestUsersFileFormat(t *testing.T) {
	users, err := ParseUsers([]byte(`; comment
# comment

"ann" "pencil"
  "bob"	"md5`+strings.Repeat("0", 32)+`" ignored "x"
"q""uote" "with ""quotes"" and spaces "
"none" ""
`), "users.txt")
	if err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]Kind{"ann": KindPlain, "bob": KindMD5, `q"uote`: KindPlain, "none": KindNone} {
		if v, ok := users[name]; !ok || v.Kind() != want {
			t.Errorf("%s: %v, %v", name, v.Kind(), ok)
		}
	}
	quoted := users[`q"uote`]
	if got := quoted.text.Reveal(); got != `with "quotes" and spaces ` {
		t.Errorf("%q", got)
	}
	if len(users) != 4 {
		t.Errorf("%d users", len(users))
	}
}

func TestUsersFileMistakesAreAllReported(t *testing.T) {
	_, err := ParseUsers([]byte(`"ann" "hunter2"
ann "hunter2"
"bob"
"bob" "hunter2
"bob" 'hunter2'
"" "hunter2"
"ann" "hunter2"
"bob" "hunter2"x
"carl""hunter2"
"dan" "SCRAM-SHA-256$hunter2"
`), "users.txt")
	if err == nil {
		t.Fatal("no error")
	}
	lines := strings.Split(err.Error(), "\n")
	for i, line := range lines {
		if want := "users.txt:" + string("23456789"[min(i, 7)]); i < 8 && !strings.HasPrefix(line, want) {
			t.Errorf("%q, want %s", line, want)
		}
	}
	if len(lines) != 9 || strings.Contains(err.Error(), "hunter2") {
		t.Errorf("%d lines: %v", len(lines), err)
	}
}

func TestUsersFileReloadsAsAWhole(t *testing.T) {
	path := filepath.Join(t.TempDir(), "users.txt")
	write := func(text string, mode os.FileMode) {
		t.Helper()
		if err := os.WriteFile(path, []byte(text), mode); err != nil {
			t.Fatal(err)
		}
		if err := os.Chmod(path, mode); err != nil {
			t.Fatal(err)
		}
	}
	write(`"ann" "old"`, 0o600)
	u, err := OpenUsersFile(path)
	if err != nil {
		t.Fatal(err)
	}
	password := func() secret.Text { v, _ := u.Find("ann"); return v.text }
	for _, bad := range []func(){func() { write("broken", 0o600) }, func() { write(`"ann" "new"`, 0o644) }} {
		if bad(); u.Reload() == nil || password().Reveal() != "old" {
			t.Fatal("a file that cannot be used replaced the old one")
		}
	}
	write(`"ann" "new"`, 0o600)
	if err := u.Reload(); err != nil || password().Reveal() != "new" || u.Len() != 1 {
		t.Fatalf("%v, %d users", err, u.Len())
	}
	if _, ok := u.Find("bob"); ok {
		t.Error("bob is not in the file")
	}
	if _, err := OpenUsersFile(path + ".missing"); err == nil {
		t.Error("a missing file was opened")
	}
}
