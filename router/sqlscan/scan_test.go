package sqlscan

import (
	"fmt"
	"strings"
	"testing"
)

var kindNames = map[Kind]string{
	EOF: "eof", Invalid: "invalid", Space: "space", Comment: "comment", Word: "word", Quoted: "quoted",
	UnicodeQuoted: "uquoted", String: "string", EscapeString: "estring", UnicodeString: "ustring",
	BitString: "bits", NationalString: "nstring", DollarString: "dollar", Integer: "int", Float: "float",
	Param: "param", Operator: "op", LeftParen: "(", RightParen: ")", LeftBracket: "[", RightBracket: "]",
	Comma: ",", Semicolon: ";", Dot: ".", Colon: ":", Typecast: "::", ColonEquals: ":=", Arrow: "=>", DotDot: "..",
}

// tokens renders the tokens of a text: kind and, where it tells more, text.
func tokens(text string, escapes bool) string {
	var out []string
	s := New([]byte(text), escapes)
	for t := s.Next(); t.Kind != EOF; t = s.Next() {
		name := kindNames[t.Kind]
		switch t.Kind {
		case Word, Operator, Integer, Float, Param, Invalid:
			name += ":" + string(t.Of([]byte(text)))
		}
		out = append(out, name)
	}
	return strings.Join(out, " ")
}

func TestTokens(t *testing.T) {
	for _, c := range []struct{ text, want string }{
		{"", ""},
		{"select a", "word:select word:a"},
		{"a/*b/*c*/d*/e", "word:a word:e"},
		{"a--b\nc--d\re", "word:a word:c word:e"},
		{"/* a", "invalid:/* a"},
		{"/* /* */", "invalid:/* /* */"},
		{`"a""b" U&"x" u&"y`, `quoted uquoted invalid:u&"y`},
		{"'a''b' 'c", "string invalid:'c"},
		{`'a\' b`, "string word:b"},
		{`E'a\'b' e'\\' E'\`, "estring estring invalid:E'\\"},
		{"'a'\n'b' 'c' 'd'", "string string string"},
		{"'a' -- x\n -- y\n 'b'c", "string word:c"},
		{"'a' /* x */\n'b'", "string string"},
		{"E'a'\n'\\''b", "estring word:b"},
		{"N'x' B'01' X'ff' U&'y' n 'z'", "nstring bits bits ustring word:n string"},
		{"$$a$$ $a$ $$ $b$ $a$ $a", "dollar dollar invalid:$ word:a"},
		{"$1 $12,$a$x", "param:$1 param:$12 , invalid:$a$x"},
		{"a$b$c $", "word:a$b$c invalid:$"},
		{"1 1.5 .5 5. 1e5 1.5E-3 1..2", "int:1 float:1.5 float:.5 float:5. float:1e5 float:1.5E-3 int:1 .. int:2"},
		{"0xFF 0o17 0b01 1_000 0x_f 1__0 0x", "int:0xFF int:0o17 int:0b01 int:1_000 int:0x_f invalid:1__0 invalid:0x"},
		{"1a $1a 1e 1.5x 1_", "invalid:1a invalid:$1a invalid:1e invalid:1.5x invalid:1_"},
		{"a+-1 =-1 @-1 <=+2 *-- x", "word:a op:+ op:- int:1 op:= op:- int:1 op:@- int:1 op:<= op:+ int:2 op:*"},
		{"<=> !=- ->> #>> ?| ||/ @-@", "op:<=> op:!=- op:->> op:#>> op:?| op:||/ op:@-@"},
		{"a/*x*/+/*y*/b", "word:a op:+ word:b"},
		{"a::b c:=d e=>f g:h [1]", "word:a :: word:b word:c := word:d word:e => word:f word:g : word:h [ int:1 ]"},
		{"a.b;(c)", "word:a . word:b ; ( word:c )"},
		{"a\x00b \\", "word:a invalid:\x00 word:b invalid:\\"},
		{"\u00e9t\u00e9 _x", "word:\u00e9t\u00e9 word:_x"},
		{"e'x", "invalid:e'x"},
		{"B'0''1' x'''", "bits string bits invalid:'"},
		{`"" U&""`, `invalid:"" invalid:U&""`},
		{"0b12 0o18 0b1", "invalid:0b12 invalid:0o18 int:0b1"},
		{"1e5$1 1_0$$a$$ 15$$a$$", "invalid:1e5$1 invalid:1_0$$a$$ int:15 dollar"},
		{"~~*", "op:~~*"},
		{strings.Repeat("+", 64) + "|", "invalid:" + strings.Repeat("+", 64) + "|"},
	} {
		if got := tokens(c.text, false); got != c.want {
			t.Errorf("%q:\n got %s\nwant %s", c.text, got, c.want)
		}
	}
}

func TestBackslashesWithoutStandardConformingStrings(t *testing.T) {
	for text, want := range map[string]string{
		`'a\' b'c`: "estring word:c",
		`N'a\'b'c`: "nstring word:c",
		`U&'a'`:    `invalid:U&'a'`,
		`U&"a"`:    "uquoted",
		`$$\$$ a`:  "dollar word:a",
		`X'\' a`:   "bits word:a",
	} {
		if got := tokens(text, true); got != want {
			t.Errorf("%q:\n got %s\nwant %s", text, got, want)
		}
	}
}

func TestEveryKeywordIsFound(t *testing.T) {
	for k := NoKeyword + 1; k < keywordCount; k++ {
		for _, text := range []string{k.String(), strings.ToUpper(k.String())} {
			s := New([]byte(text), false)
			if got := s.Next(); got.Keyword != k || got.Kind != Word {
				t.Errorf("%q is %v", text, got)
			}
		}
		for _, text := range []string{k.String() + "x", "x" + k.String(), k.String()[1:], `"` + k.String() + `"`} {
			s := New([]byte(text), false)
			if got := s.Next(); got.Keyword == k {
				t.Errorf("%q is taken for %v", text, k)
			}
		}
		if k.Category() == NotKeyword {
			t.Errorf("%v has no category", k)
		}
	}
}

func TestName(t *testing.T) {
	long := strings.Repeat("x", 62)
	for _, c := range []struct{ text, want string }{
		{"abc", "abc"},
		{"ABC_d$1", "abc_d$1"},
		{`"ABC"`, "ABC"},
		{`"a""B"`, `a"B`},
		{"\u00c9A", "\u00c9a"},
		{long + "YZ", long + "y"},
		{`"` + long + `YZ"`, long + "Y"},
		{`"` + long + `""Z"`, long + `"`},
		{`"` + long + "\u00e9" + `"`, long},
		{long + "\u00e9", long},
		{`U&"d\0061t\+000061"`, "data"},
		{`U&"a\\""b"`, `a\"b`},
		{`U&"` + long + `\00e9"`, long},
	} {
		s := New([]byte(c.text), false)
		var buf [MaxName + 1]byte
		got, ok := Name([]byte(c.text), s.Next(), &buf)
		if !ok || string(got) != c.want {
			t.Errorf("%s is %q, %v; want %q", c.text, got, ok, c.want)
		}
	}
	for _, text := range []string{`U&"\00g1"`, `U&"\006"`, `U&"\"`, `U&"\d800"`, `U&"\+110000"`, `U&"\0000"`, "'x'"} {
		s := New([]byte(text), false)
		var buf [MaxName + 1]byte
		if got, ok := Name([]byte(text), s.Next(), &buf); ok {
			t.Errorf("%s is %q, want none", text, got)
		}
	}
}

// raw gives all raw tokens and fails unless they tile the text.
func raw(t testing.TB, text []byte, escapes bool) []Token {
	t.Helper()
	s := New(text, escapes)
	var all []Token
	at := uint32(0)
	for {
		tok := s.Raw()
		if tok.Start != at || tok.End < tok.Start || int(tok.End) > len(text) {
			t.Fatalf("%q: token %v does not follow offset %d", text, tok, at)
		}
		at = tok.End
		if tok.Kind == EOF {
			break
		}
		if tok.End == tok.Start {
			t.Fatalf("%q: empty token %v", text, tok)
		}
		all = append(all, tok)
	}
	if int(at) != len(text) {
		t.Fatalf("%q: the tokens end at %d", text, at)
	}
	return all
}

// significant drops blanks and comments and forgets places.
func significant(text []byte, all []Token) []string {
	var out []string
	for _, tok := range all {
		if tok.Kind != Space && tok.Kind != Comment {
			out = append(out, fmt.Sprint(tok.Kind, tok.Keyword, string(tok.Of(text))))
		}
	}
	return out
}

// equal compares two lists.
func equal(a, b []string) bool {
	if len(a) != len(b) {
		return false
	}
	for i := range a {
		if a[i] != b[i] {
			return false
		}
	}
	return true
}

// checkScan holds the properties of the scanner on one text.
func checkScan(t testing.TB, text []byte, escapes bool) {
	all := raw(t, text, escapes)
	want := significant(text, all)
	checkNext(t, text, escapes, want)
	for i := range all {
		if all[i].Kind == Invalid {
			return // what follows may be read either way
		}
	}
	checkInsertion(t, text, escapes, all, want)
	checkRestart(t, text, escapes, all)
}

// checkNext: Next gives the raw tokens without blanks and comments.
func checkNext(t testing.TB, text []byte, escapes bool, want []string) {
	s := New(text, escapes)
	var got []string
	for tok := s.Next(); tok.Kind != EOF; tok = s.Next() {
		got = append(got, fmt.Sprint(tok.Kind, tok.Keyword, string(tok.Of(text))))
	}
	if !equal(got, want) {
		t.Fatalf("%q: Next gives %q, Raw %q", text, got, want)
	}
}

// checkInsertion: a comment or blank between two tokens changes nothing. A
// newline would join strings, and -- would swallow the rest of a line.
func checkInsertion(t testing.TB, text []byte, escapes bool, all []Token, want []string) {
	for _, gap := range []string{" ", "/* ' \" $$ */", "\t/*/**/*/ "} {
		var b []byte
		for i, tok := range all {
			if i > 0 && all[i-1].Kind != Comment && tok.Kind != Space && all[i-1].Kind != Space {
				b = append(b, gap...)
			}
			b = append(b, tok.Of(text)...)
		}
		if got := significant(b, raw(t, b, escapes)); !equal(got, want) {
			t.Fatalf("%q with %q between tokens:\n got %q\nwant %q", text, gap, got, want)
		}
	}
}

// checkRestart: scanning from the end of any token goes on as before.
func checkRestart(t testing.TB, text []byte, escapes bool, all []Token) {
	for i := 0; i < len(all); i += 1 + len(all)/16 {
		rest := text[all[i].End:]
		if got, want := significant(rest, raw(t, rest, escapes)), significant(text, all[i+1:]); !equal(got, want) {
			t.Fatalf("%q split after byte %d:\n got %q\nwant %q", text, all[i].End, got, want)
		}
	}
}

var seeds = []string{
	"SELECT a.b::int, 'x''y', E'\\'', $1 FROM \"T\" WHERE a <> -1 -- end",
	"/* a /* b */ */ U&\"d\\0061t\" U&'\\0061' UESCAPE '!' B'01' x'f' N'z'",
	"$a$ $$ $b$ $a$ 'a'\n'b' 'c' -- d\n 'e' 1_000 0xff 1e-5 .5 1..2 :=",
	"CREATE FUNCTION f() BEGIN ATOMIC SELECT 1; END; a->>b ||c @-@ =-1",
	"'unterminated", "\"x", "/* x", "$a$", "E'\\", "1a", "\xff\x00",
}

func TestScannerProperties(t *testing.T) {
	for _, text := range seeds {
		checkScan(t, []byte(text), false)
		checkScan(t, []byte(text), true)
	}
}

func FuzzScan(f *testing.F) {
	for _, text := range seeds {
		f.Add([]byte(text), false)
		f.Add([]byte(text), true)
	}
	f.Fuzz(func(t *testing.T, text []byte, escapes bool) {
		if len(text) > 4096 {
			return
		}
		checkScan(t, text, escapes)
	})
}

func TestScannerAllocatesNothing(t *testing.T) {
	text := []byte(strings.Join(seeds[:4], "\n"))
	if n := testing.AllocsPerRun(100, func() {
		s := New(text, false)
		for s.Next().Kind != EOF {
		}
	}); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

func BenchmarkScan(b *testing.B) {
	text := []byte(`SELECT "orders"."id", "orders"."total", "users"."name" FROM "orders" INNER JOIN "users" ON "users"."id" = "orders"."user_id" WHERE "orders"."status" = $1 AND lower(users.email) LIKE $2 ORDER BY 1 LIMIT 50`)
	b.ReportAllocs()
	b.SetBytes(int64(len(text)))
	for b.Loop() {
		s := New(text, false)
		for s.Next().Kind != EOF {
		}
	}
}
