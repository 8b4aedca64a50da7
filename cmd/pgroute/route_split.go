package main

import (
	"bytes"
	"iter"

	"github.com/pgroute/pgroute/router/sqlscan"
)

// splitStatements gives the statements of a script one by one, each with the
// comments in front of it, which may be hints, and without its semicolon.
// Lines that begin with a backslash, the commands of psql and pgbench, are
// left out. A string or comment left open swallows what follows it.
func splitStatements(text []byte) iter.Seq[[]byte] {
	return func(yield func([]byte) bool) {
		text := withoutCommands(text)
		s := splitter{scan: sqlscan.New(text, false)}
		for start := 0; start < len(text); {
			end := s.next()
			unit := bytes.TrimSpace(text[start:end])
			if !empty(unit) && !yield(unit) {
				return
			}
			start = end + 1
		}
	}
}

// withoutCommands blanks out the lines that begin with a backslash.
func withoutCommands(text []byte) []byte {
	if !bytes.HasPrefix(text, []byte(`\`)) && !bytes.Contains(text, []byte("\n\\")) {
		return text
	}
	var out []byte
	for line := range bytes.Lines(text) {
		if !bytes.HasPrefix(line, []byte(`\`)) {
			out = append(out, line...)
		}
	}
	return out
}

// empty reports whether there is nothing but comments.
func empty(unit []byte) bool {
	scan := sqlscan.New(unit, false)
	return scan.Next().Kind == sqlscan.EOF
}

// splitter finds the ends of statements.
type splitter struct {
	scan sqlscan.Scanner
	prev sqlscan.Token
}

// next gives the offset of the next semicolon that ends a statement, or of the
// end of the text. Those in parentheses (CREATE RULE) and in the bodies of
// functions (BEGIN ATOMIC … END) end nothing.
func (s *splitter) next() int {
	parens, blocks := 0, 0
	for {
		t := s.scan.Next()
		switch {
		case t.Kind == sqlscan.EOF:
			return int(t.Start)
		case t.Kind == sqlscan.LeftParen:
			parens++
		case t.Kind == sqlscan.RightParen:
			parens = max(0, parens-1)
		case t.Kind == sqlscan.Semicolon && parens == 0 && blocks == 0:
			s.prev = t
			return int(t.Start)
		case t.Keyword == sqlscan.KwAtomic && s.prev.Keyword == sqlscan.KwBegin,
			t.Keyword == sqlscan.KwCase && blocks > 0:
			blocks++
		case t.Keyword == sqlscan.KwEnd && blocks > 0:
			blocks--
		}
		s.prev = t
	}
}
