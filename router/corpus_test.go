package router

import (
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
)

// userCatalog is PostgreSQL's own catalogue with a few objects of users, for
// the corpora in testdata/classify.
type userCatalog struct {
	*Builtins
	objects map[ObjectKind]map[string]Verdict
	traits  Traits
}

func volatileVerdict(r Reason, e Effects) Verdict {
	return Verdict{Kind: VerdictPrimary, Reason: r, Effects: e}
}

// newUserCatalog holds the objects that the head of design.txt names.
func newUserCatalog(version int) *userCatalog {
	f := volatileVerdict(ReasonVolatileFunction, EffectUnknownState)
	return &userCatalog{
		Builtins: Builtin(version).Assuming(),
		traits:   Traits{Hidden: harmless},
		objects: map[ObjectKind]map[string]Verdict{
			KindFunction: {
				"writes": f, "Writes": f, "update": f, "value": f, "select": f,
				"pure": harmless, "dblink": volatileVerdict(ReasonOutside, EffectOutside|EffectUnknownState),
				"writingtype": f,
			},
			KindRelation: {
				"writingview": volatileVerdict(ReasonView, 0), "seq": volatileVerdict(ReasonSequence, 0),
				"unlogged": volatileVerdict(ReasonUnlogged, 0), "remote": volatileVerdict(ReasonForeign, EffectOutside),
				"nobody": {},
			},
			KindOperator:  {"<=>": volatileVerdict(ReasonOperator, 0), "===": harmless},
			KindType:      {"writingtype": volatileVerdict(ReasonType, 0), "notype": {}},
			KindAttribute: {"writes": f},
		},
	}
}

func (c *userCatalog) Traits() Traits { return c.traits }

func (c *userCatalog) Lookup(kind ObjectKind, schema, name []byte, path *SearchPath) Verdict {
	if string(schema) != "pg_catalog" {
		if v, ok := c.objects[kind][string(name)]; ok {
			return v
		}
	}
	switch kind {
	case KindAttribute:
		return harmless
	}
	return c.Builtins.Lookup(kind, schema, name, path)
}

// corpusEntry is one text with what is expected of it.
type corpusEntry struct {
	file string
	line int
	want []string
	text string
}

// readCorpus reads files in which an entry is a line "> words", followed by
// the text up to an empty line. Among the words: "quoted" means that the text
// is a Go string literal, "escapes" that standard_conforming_strings is off.
func readCorpus(t testing.TB, pattern string) []corpusEntry {
	t.Helper()
	files, err := filepath.Glob(pattern)
	if err != nil || len(files) == 0 {
		t.Fatalf("no corpus %s: %v", pattern, err)
	}
	var all []corpusEntry
	for _, file := range files {
		data, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, parseCorpus(t, filepath.Base(file), string(data))...)
	}
	return all
}

func parseCorpus(t testing.TB, file, data string) []corpusEntry {
	var all []corpusEntry
	var open *corpusEntry
	for n, line := range strings.Split(data, "\n") {
		switch {
		case open == nil && (line == "" || strings.HasPrefix(line, "#")):
		case open == nil && strings.HasPrefix(line, "> "):
			open = &corpusEntry{file: file, line: n + 1, want: strings.Fields(line[2:])}
		case open != nil && line != "":
			open.text += line + "\n"
		case open != nil:
			open.text = strings.TrimSuffix(open.text, "\n")
			all = append(all, unquoteEntry(t, *open))
			open = nil
		default:
			t.Fatalf("%s:%d: text without expectation", file, n+1)
		}
	}
	return all
}

func unquoteEntry(t testing.TB, e corpusEntry) corpusEntry {
	for i, w := range e.want {
		if w == "quoted" {
			text, err := strconv.Unquote(e.text)
			if err != nil {
				t.Fatalf("%s:%d: %v", e.file, e.line, err)
			}
			e.text = text
			e.want = append(e.want[:i:i], e.want[i+1:]...)
			break
		}
	}
	return e
}

// describe says of a script what an entry's words may ask for.
func describe(text []byte, s *Script) map[string]string {
	d := map[string]string{"statements": strconv.Itoa(s.Len()), "effects": s.Effects.String()}
	var verbs, settings []string
	for i := range s.Len() {
		st := s.Statement(i)
		verbs = append(verbs, st.Verb.String())
		for _, set := range s.Settings(st) {
			settings = append(settings, fmt.Sprintf("%d", set.ID))
		}
	}
	if st := s.Statement(0); s.Len() > 0 {
		d["flags"], d["name"] = st.Flags.String(), st.Ident(text)
		d["body"] = strings.ReplaceAll(string(st.Body.Of(text)), " ", "_")
		for _, set := range s.Settings(st) {
			d["set"] = strings.ReplaceAll(SettingName(text, set)+"="+strings.ReplaceAll(string(set.Value.Of(text)), ", ", ","), " ", "_")
		}
	}
	d["hint"] = describeHint(text, s.Hint)
	d["verbs"] = strings.Join(verbs, ",")
	d["settings"] = strings.Join(settings, ",")
	return d
}

func describeHint(text []byte, h Hint) string {
	var words []string
	if h.Target == TargetNode {
		words = append(words, "node:"+string(h.Node.Of(text)))
	} else if h.Target != TargetAny {
		words = append(words, h.Target.String())
	}
	if h.Consistency != ConsistencyUnset {
		words = append(words, h.Consistency.String())
	}
	if h.HasStaleness {
		words = append(words, h.MaxStaleness.String())
	}
	if h.Wrong.Len() > 0 {
		words = append(words, "wrong:"+string(h.Wrong.Of(text)))
	}
	if !h.Present() {
		return "none"
	}
	return strings.Join(words, ",")
}

func TestCorpus(t *testing.T) {
	cat := newUserCatalog(17)
	for _, e := range readCorpus(t, "testdata/classify/*.txt") {
		opts := &Options{}
		var want []string
		for _, w := range e.want {
			if w == "escapes" {
				opts.EscapeStrings = true
				continue
			}
			want = append(want, w)
		}
		s := Classify([]byte(e.text), cat, DefaultSearchPath("alice"), opts)
		if len(want) < 2 || s.Class.String() != want[0] || s.Reason.String() != want[1] {
			t.Errorf("%s:%d: %s\n\tgot %s %s, want %s", e.file, e.line, e.text, s.Class, s.Reason, strings.Join(want, " "))
			continue
		}
		got := describe([]byte(e.text), &s)
		for _, w := range want[2:] {
			key, value, _ := strings.Cut(w, "=")
			if g, ok := got[key]; !ok || g != value {
				t.Errorf("%s:%d: %s\n\tgot %s=%s, want %s", e.file, e.line, e.text, key, g, w)
			}
		}
	}
}
