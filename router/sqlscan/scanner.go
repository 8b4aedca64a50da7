package sqlscan

import "bytes"

// Scanner walks over one text. It is a small value: a copy is a lookahead.
type Scanner struct {
	text    []byte
	pos     int
	escapes bool
}

// New begins at the start of text, which the scanner borrows. escapes says
// that backslashes escape in plain strings (standard_conforming_strings off).
func New(text []byte, escapes bool) Scanner {
	return Scanner{text: text, escapes: escapes}
}

// Pos gives the offset at which the next token is looked for.
func (s *Scanner) Pos() int { return s.pos }

// Next gives the next token that is neither blank nor comment; EOF at the end
// and for ever after.
func (s *Scanner) Next() Token {
	for {
		text, pos := s.text, s.pos
		for pos < len(text) && classOf[text[pos]]&space != 0 {
			pos++
		}
		s.pos = pos
		if t := s.Raw(); t.Kind != Comment {
			return t
		}
	}
}

// Raw gives the next token, blanks and comments included. Every byte of the
// text belongs to exactly one raw token.
func (s *Scanner) Raw() Token {
	start := s.pos
	if start >= len(s.text) {
		return Token{Kind: EOF, Start: uint32(start), End: uint32(start)}
	}
	c := s.text[start]
	class := classOf[c]
	if class&wordStart != 0 {
		return s.word(class)
	}
	var kind Kind
	switch {
	case class == 0:
		kind = s.punctuation(c)
	case class&digit != 0:
		kind = s.number()
	case class&space != 0:
		for s.pos < len(s.text) && classOf[s.text[s.pos]]&space != 0 {
			s.pos++
		}
		kind = Space
	case class&operatorPart != 0:
		kind = s.operator()
	default:
		kind = s.punctuation(c) // $, which is part of words too
	}
	return Token{Kind: kind, Start: uint32(start), End: uint32(s.pos)}
}

// at gives the byte n after the position; zero, which begins nothing, beyond
// the end.
func (s *Scanner) at(n int) byte {
	if s.pos+n < len(s.text) {
		return s.text[s.pos+n]
	}
	return 0
}

// word scans an identifier or key word, or the literal its letters introduce:
// E'…', B'…', X'…', N'…', U&'…' and U&"…".
func (s *Scanner) word(first class) Token {
	start := s.pos
	if first&prefix != 0 {
		if c := s.at(1); c == '\'' || c == '&' {
			if kind := s.prefixed(); kind != EOF {
				return Token{Kind: kind, Start: uint32(start), End: uint32(s.pos)}
			}
		}
	}
	var h uint32
	text, i := s.text, start
	for ; i < len(text); i++ {
		c := wordByte[text[i]]
		if c == 0 {
			break
		}
		h = (h ^ uint32(c)) * hashMultiplier
	}
	s.pos = i
	return Token{Kind: Word, Keyword: lookup(text[start:i], h), Start: uint32(start), End: uint32(i)}
}

// prefixed scans a literal that one letter introduces; EOF when it is none.
func (s *Scanner) prefixed() Kind {
	c, quote := lower[s.at(0)], s.at(1)
	if quote == '&' {
		return s.unicode(c, s.at(2))
	}
	switch c {
	case 'e':
		s.pos += 2
		return s.quotedString(EscapeString, true)
	case 'b', 'x':
		s.pos += 2
		return s.quotedString(BitString, false)
	case 'n':
		// scan.l gives the word NCHAR and then the plain string.
		s.pos += 2
		return s.quotedString(NationalString, s.escapes)
	}
	return EOF
}

// unicode scans U&'…' and U&"…". The string form is refused by PostgreSQL
// while standard_conforming_strings is off.
func (s *Scanner) unicode(letter, quote byte) Kind {
	switch {
	case letter != 'u':
		return EOF
	case quote == '"':
		s.pos += 3
		return s.quotedName(UnicodeQuoted)
	case quote == '\'':
		s.pos += 3
		if kind := s.quotedString(UnicodeString, false); !s.escapes {
			return kind
		}
		return Invalid
	}
	return EOF
}

// punctuation scans what is neither word, number nor operator.
func (s *Scanner) punctuation(c byte) Kind {
	s.pos++
	switch c {
	case '(':
		return LeftParen
	case ')':
		return RightParen
	case ',':
		return Comma
	case ';':
		return Semicolon
	case '[':
		return LeftBracket
	case ']':
		return RightBracket
	case '.':
		return s.dot()
	case ':':
		return s.colon()
	case '\'':
		kind := String
		if s.escapes {
			kind = EscapeString
		}
		return s.quotedString(kind, s.escapes)
	case '"':
		return s.quotedName(Quoted)
	case '$':
		return s.dollar()
	}
	return Invalid
}

// dot tells a dot from two and from a number without leading digits. The
// first dot has been passed.
func (s *Scanner) dot() Kind {
	switch c := s.at(0); {
	case c == '.':
		s.pos++
		return DotDot
	case classOf[c]&digit != 0:
		s.pos--
		return s.number()
	}
	return Dot
}

// colon scans :, :: and :=. The first colon has been passed.
func (s *Scanner) colon() Kind {
	switch s.at(0) {
	case ':':
		s.pos++
		return Typecast
	case '=':
		s.pos++
		return ColonEquals
	}
	return Colon
}

// lineComment passes -- up to the end of the line, which stays.
func (s *Scanner) lineComment() {
	rest := s.text[s.pos:]
	if n := bytes.IndexAny(rest, "\n\r"); n >= 0 {
		s.pos += n
		return
	}
	s.pos = len(s.text)
}

// blockComment passes a comment and those nested in it. False when it is left
// open; the rest of the text is then passed.
func (s *Scanner) blockComment() bool {
	depth := 0
	for s.pos < len(s.text) {
		switch c := s.text[s.pos]; {
		case c == '/' && s.at(1) == '*':
			depth++
			s.pos += 2
		case c == '*' && s.at(1) == '/':
			depth--
			s.pos += 2
			if depth == 0 {
				return true
			}
		default:
			s.pos++
		}
	}
	return false
}
