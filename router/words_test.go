package router

import (
	"strings"
	"testing"
)

func TestEveryNameIsSet(t *testing.T) {
	seen := map[string]bool{}
	for _, r := range Reasons() {
		if r.String() == "" || seen[r.String()] || r.Words("x") == "" {
			t.Errorf("reason %d is %q, in words %q", r, r, r.Words("x"))
		}
		seen[r.String()] = true
	}
	for v := VerbUnknown; v < verbs; v++ {
		if v.String() == "" || seen["verb "+v.String()] {
			t.Errorf("verb %d is %q", v, v)
		}
		seen["verb "+v.String()] = true
	}
	for _, c := range Classes() {
		if c.String() == "" {
			t.Errorf("class %d has no name", c)
		}
	}
	if got := (EffectSetting | EffectWrite).String(); got != "setting,write" {
		t.Errorf("effects %q", got)
	}
	if got := (FlagReadOnly | FlagHold).String(); got != "read_only,hold" {
		t.Errorf("flags %q", got)
	}
	for _, got := range []string{Reason(200).String(), Verb(200).String(), Class(200).String()} {
		if !strings.HasSuffix(got, " 200") {
			t.Errorf("out of range: %q", got)
		}
	}
}

func TestDescribe(t *testing.T) {
	text := []byte("SELECT nextval('s'); BEGIN; SELECT " + strings.Repeat("\u00e9", 100) + "(1)")
	s := Classify(text, Builtin(17), nil, nil)
	d := Describe(text, &s)
	if len(d) != 3 {
		t.Fatalf("%+v", d)
	}
	if d[0].SQL != "SELECT nextval('s')" || d[0].Because != `it uses a sequence: "nextval"` || d[0].Effects != "sequence,write" {
		t.Errorf("%+v", d[0])
	}
	if d[1].Verb != "begin" || d[1].Class != "transaction" {
		t.Errorf("%+v", d[1])
	}
	if !strings.Contains(d[2].Because, "...") || len(d[2].Because) > 150 {
		t.Errorf("%+v", d[2])
	}
}
