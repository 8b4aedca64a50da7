package router

import (
	"bytes"
	"strings"
	"testing"

	"github.com/pgroute/pgroute/router/sqlscan"
)

// checkScript holds what is true of the classification of any text.
func checkScript(t testing.TB, text []byte, s *Script) {
	t.Helper()
	reads, effects, end := true, Effects(0), uint32(0)
	for i := range s.Len() {
		st := s.Statement(i)
		if st.Span.Start < end || st.Span.End < st.Span.Start || int(st.Span.End) > len(text) {
			t.Fatalf("%q: statement %d spans %v after %d", text, i, st.Span, end)
		}
		end = st.Span.End
		for _, span := range []Span{st.Cause, st.Name, st.Body} {
			if span.End < span.Start || span.End > end || span.Len() > 0 && span.Start < st.Span.Start {
				t.Fatalf("%q: span %v outside its statement %v", text, span, st.Span)
			}
		}
		st.Ident(text)
		for _, set := range s.Settings(st) {
			SettingName(text, set)
			_, _ = SettingText(text, set)
		}
		if st.Class != ClassRead && st.Reason == ReasonRead || st.Class == ClassRead && st.Reason != ReasonRead {
			t.Fatalf("%q: %s because of %s", text, st.Class, st.Reason)
		}
		if st.Class == ClassRead && st.Effects != 0 {
			t.Fatalf("%q: a read with effects %s", text, st.Effects)
		}
		reads, effects = reads && st.Class == ClassRead, effects|st.Effects
	}
	if reads != (s.Class == ClassRead) || effects != s.Effects {
		t.Fatalf("%q: summary %s %s, statements say %v %s", text, s.Class, s.Effects, reads, effects)
	}
}

// outcome is what must not change when blanks and comments do.
func outcome(s *Script) string {
	var b strings.Builder
	b.WriteString(s.Class.String() + " " + s.Reason.String() + " " + s.Effects.String())
	for i := range s.Len() {
		st := s.Statement(i)
		b.WriteString("; " + st.Verb.String() + " " + st.Class.String() + " " + st.Reason.String() + " " + st.Flags.String())
	}
	return b.String()
}

// spaced puts gap between all tokens, without touching what is in them, and
// drops comments. False when the text has a token that cannot be read.
func spaced(text []byte, escapes bool, gap string) ([]byte, bool) {
	scan := sqlscan.New(text, escapes)
	var b []byte
	for t := scan.Next(); t.Kind != sqlscan.EOF; t = scan.Next() {
		if t.Kind == sqlscan.Invalid {
			return nil, false
		}
		b = append(append(b, t.Of(text)...), gap...)
	}
	return b, true
}

// checkClassify holds the properties of the classifier on one text.
func checkClassify(t testing.TB, cat Catalog, text []byte, opts *Options) {
	path := DefaultSearchPath("alice")
	s := Classify(text, cat, path, opts)
	checkScript(t, text, &s)
	if s.Reason == ReasonUnterminated || s.Reason == ReasonBadByte || s.Reason == ReasonEncoding {
		return
	}
	for _, gap := range []string{" ", "/* ' */ ", " \t"} {
		other, ok := spaced(text, opts.EscapeStrings, gap)
		if !ok {
			break
		}
		o := Classify(other, cat, path, opts)
		if got, want := outcome(&o), outcome(&s); got != want {
			t.Fatalf("%q is %s\n%q is %s", text, want, other, got)
		}
	}
	for i := range s.Len() {
		st := s.Statement(i)
		o := Classify(st.Span.Of(text), cat, path, opts)
		if o.Len() != 1 || o.Class != st.Class || o.Reason != st.Reason && o.Reason != ReasonMixed {
			t.Fatalf("%q: statement %d is %s %s, alone %s", text, i, st.Class, st.Reason, outcome(&o))
		}
	}
}

func TestClassifyProperties(t *testing.T) {
	cat := newUserCatalog(17)
	for _, e := range readCorpus(t, "testdata/classify/*.txt") {
		checkClassify(t, cat, []byte(e.text), &Options{})
		checkClassify(t, cat, []byte(e.text), &Options{EscapeStrings: true})
	}
}

func FuzzClassify(f *testing.F) {
	for _, e := range readCorpus(f, "testdata/classify/*.txt") {
		f.Add([]byte(e.text), false)
	}
	cat := newUserCatalog(17)
	f.Fuzz(func(t *testing.T, text []byte, escapes bool) {
		if len(text) > 4096 {
			return
		}
		checkClassify(t, cat, text, &Options{EscapeStrings: escapes})
	})
}

// TestHarmlessWordsAroundAWrite: whatever read surrounds a call that writes,
// the whole is no read.
func TestHarmlessWordsAroundAWrite(t *testing.T) {
	cat, path := newUserCatalog(17), DefaultSearchPath("alice")
	for _, e := range readCorpus(t, "testdata/classify/reads.txt") {
		if strings.Contains(strings.ToUpper(e.text), "EXPLAIN") || e.want[0] != "read" {
			continue
		}
		for _, text := range []string{
			e.text + "; SELECT writes()", "SELECT writes(); " + e.text,
			strings.Replace(e.text, "1", "writes()", 1), strings.Replace(e.text, "lower(", "writes(", 1),
		} {
			s := Classify([]byte(text), cat, path, nil)
			if strings.Contains(text, "writes") && s.Class == ClassRead && callsWrites(text) {
				t.Errorf("%s\n\tis a read", text)
			}
		}
	}
}

// callsWrites reports whether the tokens of a text hold a call of writes.
func callsWrites(text string) bool {
	scan := sqlscan.New([]byte(text), false)
	var prev sqlscan.Token
	for t := scan.Next(); t.Kind != sqlscan.EOF; t = scan.Next() {
		if t.Kind == sqlscan.LeftParen && string(prev.Of([]byte(text))) == "writes" {
			return true
		}
		prev = t
	}
	return false
}

func TestHugeText(t *testing.T) {
	cat, path := newUserCatalog(17), DefaultSearchPath("alice")
	values := "(" + strings.Repeat("'it''s', 12345, ", 80000) + "1)"
	for text, want := range map[string]Class{
		"SELECT * FROM t WHERE a IN " + values:  ClassRead,
		"INSERT INTO t VALUES " + values:        ClassWrite,
		"SELECT '" + strings.Repeat("x", 1<<20): ClassUnknown,
	} {
		if s := Classify([]byte(text), cat, path, nil); s.Class != want {
			t.Errorf("%.40s… is %s %s, want %s", text, s.Class, s.Reason, want)
		}
	}
}

func TestDeepNesting(t *testing.T) {
	cat, path := newUserCatalog(17), DefaultSearchPath("alice")
	nest := func(n int) []byte {
		return []byte("SELECT " + strings.Repeat("(", n) + "1" + strings.Repeat(")", n))
	}
	if s := Classify(nest(150), cat, path, nil); s.Class != ClassRead {
		t.Errorf("150 levels: %s", outcome(&s))
	}
	if s := Classify(nest(5000), cat, path, nil); s.Class != ClassUnknown || s.Reason != ReasonTooComplex {
		t.Errorf("5000 levels: %s", outcome(&s))
	}
}

func TestManyStatementsAndSettings(t *testing.T) {
	cat, path := newUserCatalog(17), DefaultSearchPath("alice")
	text := bytes.Repeat([]byte("SET a.b = 1;SELECT set_config('c.d', '1', false), set_config('e.f', '1', false);"), 100)
	s := Classify(text, cat, path, nil)
	if s.Len() != 200 {
		t.Fatalf("%d statements", s.Len())
	}
	for i := range s.Len() {
		sets := s.Settings(s.Statement(i))
		if len(sets) != 1+i%2 {
			t.Fatalf("statement %d has %d settings", i, len(sets))
		}
		want := []string{"a.b", "c.d", "e.f"}[i%2:]
		for j, set := range sets {
			if got := SettingName(text, set); got != want[j] {
				t.Fatalf("statement %d sets %q, want %q", i, got, want[j])
			}
		}
	}
	checkScript(t, text, &s)
}

func TestMoreSettingsThanAScriptHolds(t *testing.T) {
	text := bytes.Repeat([]byte("SET a.b = 1;"), maxSettings+10)
	s := Classify(text, newUserCatalog(17), nil, nil)
	checkScript(t, text, &s)
	if s.Len() != maxSettings+10 || !s.Effects.Has(EffectUnknownState) {
		t.Errorf("%d statements, effects %s", s.Len(), s.Effects)
	}
}

func TestManyWithQueries(t *testing.T) {
	cat, path := newUserCatalog(17), DefaultSearchPath("alice")
	var b strings.Builder
	for i := range 60 {
		b.WriteString(", x" + strings.Repeat("y", i) + " AS (SELECT 1)")
	}
	text := "WITH nobody AS (SELECT 2)" + b.String() + " SELECT * FROM nobody"
	if s := Classify([]byte(text), cat, path, nil); s.Class != ClassRead {
		t.Errorf("61 names: %s", outcome(&s))
	}
}

func TestUnsafeEncoding(t *testing.T) {
	cat := newUserCatalog(17)
	s := Classify([]byte("SELECT 1"), cat, nil, &Options{Encoding: EncodingUnsafe})
	if s.Class != ClassUnknown || s.Reason != ReasonEncoding {
		t.Errorf("%s", outcome(&s))
	}
	s = Classify([]byte("SELECT '\xe9'"), cat, nil, &Options{Encoding: EncodingSingle})
	if s.Class != ClassRead {
		t.Errorf("%s", outcome(&s))
	}
}

func TestTraitsDemote(t *testing.T) {
	path := DefaultSearchPath("alice")
	cat := newUserCatalog(17)
	cat.traits.Hidden = Verdict{Kind: VerdictPrimary, Reason: ReasonHiddenCall}
	for text, want := range map[string]Class{
		"SELECT * FROM t": ClassWrite, "SELECT 1": ClassRead, "SELECT * FROM pg_catalog.pg_class": ClassRead,
	} {
		if s := Classify([]byte(text), cat, path, nil); s.Class != want {
			t.Errorf("%s: %s", text, outcome(&s))
		}
	}
	cat = newUserCatalog(17)
	cat.objects[KindOperator]["="] = volatileVerdict(ReasonOperator, 0)
	for _, text := range []string{
		"SELECT 1 = 2", "SELECT 1 IN (2)", "SELECT NULLIF(1, 2)", "SELECT CASE 1 WHEN 2 THEN 3 END",
		"SELECT * FROM a JOIN b USING (c)", "SELECT * FROM a NATURAL JOIN b", "SELECT 1 IS DISTINCT FROM 2",
		"SELECT 1 BETWEEN 2 AND 3", "SELECT 1 OPERATOR(public.=) 2",
	} {
		if s := Classify([]byte(text), cat, path, nil); s.Reason != ReasonOperator {
			t.Errorf("%s: %s", text, outcome(&s))
		}
	}
}

func TestClassifyAllocatesNothing(t *testing.T) {
	cat, path := Builtin(17).Assuming(), DefaultSearchPath("alice")
	var c Classifier
	var s Script
	opts := &Options{}
	texts := [][]byte{
		benchText, []byte(`SELECT "A""b", LOWER(x), X.Y FROM "T" WHERE a = 'x'`), []byte("BEGIN READ ONLY"),
		[]byte("SET app.user = 'x'"), []byte("SELECT set_config('a.b', 'x', true)"), []byte("INSERT INTO t (a) VALUES ($1)"),
		[]byte("/* pgroute: standby */ WITH x AS (SELECT 1) SELECT * FROM x"),
	}
	for _, text := range texts {
		if n := testing.AllocsPerRun(100, func() { c.Classify(&s, text, cat, path, opts) }); n != 0 {
			t.Errorf("%s: %v allocations", text, n)
		}
	}
}
