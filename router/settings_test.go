package router

import (
	"slices"
	"strings"
	"testing"
	"time"
)

// settingOf classifies one statement and gives its only setting.
func settingOf(t testing.TB, text string) (Setting, bool) {
	t.Helper()
	s := Classify([]byte(text), newUserCatalog(17), nil, nil)
	if s.Len() != 1 || len(s.Settings(s.Statement(0))) != 1 {
		return Setting{}, false
	}
	return s.Settings(s.Statement(0))[0], true
}

func TestSettingText(t *testing.T) {
	for _, c := range []struct{ text, name, value string }{
		{"SET a.b = 'x''y'", "a.b", "x'y"},
		{"SET A.B TO Word", "a.b", "word"},
		{`SET "A"."b" TO "Word"`, "a.b", "Word"},
		{"SET work_mem = 64", "work_mem", "64"},
		{"SET x = -1.5", "x", "-1.5"},
		{"SET x = + 1", "x", "1"},
		{"SET x = on", "x", "on"},
		{"SET DateStyle = ISO, DMY", "datestyle", "iso, dmy"},
		{`SET search_path TO a, "B c", 'd', "select", public`, "search_path", `a, "B c", d, "select", public`},
		{`SET search_path = ''`, "search_path", `""`},
		{"SET SCHEMA 'a b'", "search_path", "a b"},
		{"SET NAMES 'utf8'", "client_encoding", "utf8"},
		{"SET TIME ZONE 'Europe/Rome'", "timezone", "Europe/Rome"},
		{"SET TIME ZONE -7", "timezone", "-7"},
		{"SET TIME ZONE PST8PDT", "timezone", "pst8pdt"},
		{"SET ROLE NONE", "role", "none"},
		{`SET ROLE "Al"`, "role", "Al"},
		{"SET SESSION AUTHORIZATION 'bob'", "session_authorization", "bob"},
		{"SET XML OPTION DOCUMENT", "xmloption", "document"},
		{"SELECT set_config('App.X', 'a b', false)", "app.x", "a b"},
		{"SELECT set_config('search_path', 'a, B', false)", "search_path", "a, B"},
	} {
		set, ok := settingOf(t, c.text)
		if !ok {
			t.Errorf("%s: no setting", c.text)
			continue
		}
		value, err := SettingText([]byte(c.text), set)
		if name := SettingName([]byte(c.text), set); name != c.name || value != c.value || err != nil {
			t.Errorf("%s: %q = %q, %v; want %q = %q", c.text, name, value, err, c.name, c.value)
		}
	}
}

func TestSettingTextNotKnown(t *testing.T) {
	for _, text := range []string{
		"SET x TO DEFAULT", "RESET x", "SET TIME ZONE LOCAL", "SET TIME ZONE INTERVAL '1' HOUR", `SET x = 'a\b'`,
		"SET x = E'a'", "SET x = a b", "SET x = ", "SET x = a,", "SET x = $1", "SELECT set_config('a', $1, false)",
		"SELECT set_config('a', b, false)", "SELECT set_config('a', '1' || '2', false)", "SET x = 'a'\n'b'",
	} {
		set, ok := settingOf(t, text)
		if !ok {
			t.Errorf("%s: no setting", text)
			continue
		}
		if value, err := SettingText([]byte(text), set); err == nil {
			t.Errorf("%s: %q", text, value)
		}
	}
}

func TestMalformedSetIsUnknown(t *testing.T) {
	for _, text := range []string{"SET", "SET x", "SET x y", "SET = 1", "SET 'x' = 1", "SET a. = 1", "SET LOCAL", "SET a.'b' = 1"} {
		s := Classify([]byte(text), newUserCatalog(17), nil, nil)
		if s.Class != ClassUnknown {
			t.Errorf("%s: %s", text, outcome(&s))
		}
	}
}

func TestSearchPath(t *testing.T) {
	for value, want := range map[string][]string{
		`"$user", public`:       {"pg_catalog", "alice", "public"},
		``:                      {"pg_catalog"},
		`a, PG_CATALOG ,"B""c"`: {"a", "pg_catalog", `B"c`},
		`a,a`:                   {"pg_catalog", "a"},
		` pg_temp, x `:          {"pg_catalog", "pg_temp", "x"},
	} {
		p, err := ParseSearchPath(value, "alice")
		if err != nil || !slices.Equal(p.Schemas(), want) {
			t.Errorf("%s: %v, %v", value, p.Schemas(), err)
		}
	}
	for _, value := range []string{"a,", ",a", `"a`, "a b", `a "b"`, ","} {
		if p, err := ParseSearchPath(value, "alice"); err == nil {
			t.Errorf("%q: %v", value, p.Schemas())
		}
	}
	a, _ := ParseSearchPath("x, y", "alice")
	b, _ := ParseSearchPath(`"x",Y`, "bob")
	c, _ := ParseSearchPath("xy", "alice")
	if a.ID() != b.ID() || a.ID() == c.ID() || a.ID() == 0 || (*SearchPath)(nil).ID() != 0 {
		t.Errorf("IDs %d %d %d", a.ID(), b.ID(), c.ID())
	}
	if p, _ := ParseSearchPath("pg_temp, x", "alice"); !p.TempFirst() || a.TempFirst() {
		t.Error("TempFirst")
	}
}

func TestHintValues(t *testing.T) {
	for s, want := range map[string]time.Duration{"200ms": 200 * time.Millisecond, "1.5s": 1500 * time.Millisecond, "250": 250 * time.Millisecond, "0": 0} {
		if got, ok := ParseStaleness(s); !ok || got != want {
			t.Errorf("%s: %v, %v", s, got, ok)
		}
	}
	for _, s := range []string{"", "-1s", "fast", "1 s", strings.Repeat("1", 40)} {
		if got, ok := ParseStaleness(s); ok {
			t.Errorf("%s: %v", s, got)
		}
	}
	if c, ok := ParseConsistency("Proxy"); !ok || c != ConsistencyProxy {
		t.Errorf("%v", c)
	}
	if _, ok := ParseConsistency("unset"); ok {
		t.Error("unset is not a level")
	}
	if r, ok := ParseTarget("STANDBY"); !ok || r != TargetStandby {
		t.Errorf("%v", r)
	}
	if _, ok := ParseTarget("node"); ok {
		t.Error("node is not a role")
	}
}

// FuzzSettings holds that the value read from a SET says the same when it is
// written as a literal, and that lists of names survive a round trip.
func FuzzSettings(f *testing.F) {
	for _, s := range []string{"'x'", "a, \"B c\"", "-1.5", "DEFAULT", "on", "'a''b'", "\"\", x", "E'a'", "$user, public", "1, 2", "'", "a b"} {
		f.Add(s)
	}
	cat := newUserCatalog(17)
	f.Fuzz(func(t *testing.T, value string) {
		text := []byte("SET a.b TO " + value)
		s := Classify(text, cat, nil, nil)
		checkScript(t, text, &s)
		if sets := s.Settings(s.Statement(0)); s.Len() == 1 && len(sets) == 1 {
			if v, err := SettingText(text, sets[0]); err == nil && !strings.Contains(v, `\`) && !strings.Contains(v, "\x00") {
				again := "SET a.b TO '" + strings.ReplaceAll(v, "'", "''") + "'"
				set, ok := settingOf(t, again)
				if w, err := SettingText([]byte(again), set); !ok || err != nil || w != v {
					t.Fatalf("%s: %q, again %q, %v", text, v, w, err)
				}
			}
		}
		names, err := splitIdentifiers(value)
		if err != nil {
			return
		}
		var quoted []string
		for _, n := range names {
			quoted = append(quoted, quoteName(n))
		}
		again, err := splitIdentifiers(strings.Join(quoted, ", "))
		if err != nil || !slices.Equal(names, again) {
			t.Fatalf("%q: %q, again %q, %v", value, names, again, err)
		}
	})
}
