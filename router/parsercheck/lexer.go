package main

import (
	"fmt"
	"io"
	"math/rand/v2"
	"strings"

	pgquery "github.com/pganalyze/pg_query_go/v6"

	"github.com/pgroute/pgroute/router/sqlscan"
)

// lexerTally is the account of comparing the two lexers.
type lexerTally struct {
	texts    int
	refused  int // by both
	cautious int // by sqlscan only: what older versions read differently
	differ   int // anything else, which must not be
}

// pieces are what texts are strung together from: the corners of scan.l.
var pieces = []string{
	"a", "A1", "_b", "\u00e9", "select", "FROM", "e", "E", "n", "x", "u", "U&", "b", "1", "0", "12", ".5", "1.", "1e5", "1e", "0x", "1_0",
	"'", "''", "'a'", "\"", "\"\"", "\"a\"", "$", "$$", "$a$", "$1", "\\", "\\'", "\n", " ", "\t", "\r", "\f", "\v", "--", "/*", "*/", "/", "*",
	"+", "-", "=", "<", ">", "!", "@", "#", "~", "^", "&", "|", "`", "?", "%", "::", ":=", ":", "=>", "..", ".", ",", ";", "(", ")", "[", "]", "{",
}

// lexers compares sqlscan with PostgreSQL's scanner on count texts at random.
func lexers(count int, seed uint64, report io.Writer) lexerTally {
	r := rand.New(rand.NewPCG(seed, 2))
	var t lexerTally
	var b strings.Builder
	for range count {
		b.Reset()
		for range 1 + r.IntN(12) {
			b.WriteString(pieces[r.IntN(len(pieces))])
		}
		t.compare(b.String(), report)
	}
	return t
}

// compare scans one text with both.
func (t *lexerTally) compare(text string, report io.Writer) {
	t.texts++
	ours, ok := ourTokens(text)
	result, err := pgquery.Scan(text)
	switch {
	case err != nil && !ok:
		t.refused++
	case err != nil:
		t.differ++
		fmt.Fprintf(report, "LEXER: %q is refused: %v; sqlscan gives %v\n", text, err, ours)
	case !ok:
		t.cautious++
	default:
		if theirs := theirTokens(result); fmt.Sprint(theirs) != fmt.Sprint(ours) && !commentInside(result, ours) {
			t.differ++
			fmt.Fprintf(report, "LEXER: %q is %v; sqlscan gives %v\n", text, theirs, ours)
		}
	}
}

// commentInside reports a comment inside one of our tokens: between the pieces
// of a string, where PostgreSQL allows it. The library's scanner, which gives
// comments as tokens, ends the string there.
func commentInside(result *pgquery.ScanResult, ours []span) bool {
	for _, tok := range result.Tokens {
		for _, o := range ours {
			if tok.Token == pgquery.Token_SQL_COMMENT && o.start < int(tok.Start) && int(tok.End) < o.end {
				return true
			}
		}
	}
	return false
}

// span is a token for comparison.
type span struct {
	start, end int
	keyword    bool
}

// ourTokens gives the tokens of sqlscan; false when one is invalid.
func ourTokens(text string) ([]span, bool) {
	scan := sqlscan.New([]byte(text), false)
	var all []span
	for {
		tok := scan.Next()
		switch tok.Kind {
		case sqlscan.EOF:
			return all, true
		case sqlscan.Invalid:
			return nil, false
		case sqlscan.NationalString: // PostgreSQL makes two tokens of it
			all = append(all, span{int(tok.Start), int(tok.Start) + 1, true}, span{int(tok.Start) + 1, int(tok.End), false})
			continue
		}
		all = append(all, span{int(tok.Start), int(tok.End), tok.Keyword != sqlscan.NoKeyword})
	}
}

// theirTokens gives PostgreSQL's, without comments.
func theirTokens(result *pgquery.ScanResult) []span {
	var all []span
	for _, tok := range result.Tokens {
		if tok.Token == pgquery.Token_SQL_COMMENT || tok.Token == pgquery.Token_C_COMMENT {
			continue
		}
		all = append(all, span{int(tok.Start), int(tok.End), tok.KeywordKind != pgquery.KeywordKind_NO_KEYWORD})
	}
	return all
}
