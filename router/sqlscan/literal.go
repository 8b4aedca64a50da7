package sqlscan

import "bytes"

// quotedString passes the rest of a string whose opening quote has been
// passed, and the pieces that continue it on later lines. escapes says that a
// backslash takes the next byte with it.
func (s *Scanner) quotedString(kind Kind, escapes bool) Kind {
	for {
		if !s.stringPiece(escapes, kind != BitString) {
			s.pos = len(s.text)
			return Invalid
		}
		if !s.continued() {
			return kind
		}
	}
}

// stringPiece passes up to and including a closing quote; doubled quotes are
// part of the string where that is allowed. False when there is no closing
// quote.
func (s *Scanner) stringPiece(escapes, doubled bool) bool {
	for {
		q := bytes.IndexByte(s.text[s.pos:], '\'')
		if q < 0 {
			return false
		}
		if escapes {
			if b := bytes.IndexByte(s.text[s.pos:s.pos+q], '\\'); b >= 0 {
				s.pos += b + 2 // the escaped byte may be the quote
				if s.pos > len(s.text) {
					return false
				}
				continue
			}
		}
		s.pos += q + 1
		if !doubled || s.at(0) != '\'' {
			return true
		}
		s.pos++
	}
}

// continued passes what may stand between two pieces of one string, and the
// opening quote of the second: blanks and line comments, with at least one
// newline before any piece (scan.l: quotecontinue). False, and nothing
// passed, when the string ends here.
func (s *Scanner) continued() bool {
	start := s.pos
	newline := false
	for s.pos < len(s.text) {
		c := s.text[s.pos]
		switch {
		case c == '\n' || c == '\r':
			newline = true
			s.pos++
		case classOf[c]&space != 0:
			s.pos++
		case c == '-' && s.at(1) == '-':
			s.lineComment()
		case c == '\'' && newline:
			s.pos++
			return true
		default:
			s.pos = start
			return false
		}
	}
	s.pos = start
	return false
}

// quotedName passes the rest of a quoted identifier, which must not be empty.
func (s *Scanner) quotedName(kind Kind) Kind {
	start := s.pos
	for {
		q := bytes.IndexByte(s.text[s.pos:], '"')
		if q < 0 {
			s.pos = len(s.text)
			return Invalid
		}
		s.pos += q + 1
		if s.at(0) == '"' {
			s.pos++
			continue
		}
		if s.pos == start+1 {
			return Invalid
		}
		return kind
	}
}

// dollar scans $1 and $tag$…$tag$. The first dollar sign has been passed.
func (s *Scanner) dollar() Kind {
	if start := s.pos - 1; classOf[s.at(0)]&digit != 0 {
		for classOf[s.at(0)]&digit != 0 {
			s.pos++
		}
		return s.endOfNumber(Param, start+1)
	}
	start := s.pos - 1
	i := s.pos
	if i < len(s.text) && classOf[s.text[i]]&wordStart != 0 {
		for i < len(s.text) && classOf[s.text[i]]&tagPart != 0 {
			i++
		}
	}
	if i >= len(s.text) || s.text[i] != '$' {
		return Invalid
	}
	tag := s.text[start : i+1]
	end := bytes.Index(s.text[i+1:], tag)
	if end < 0 {
		s.pos = len(s.text)
		return Invalid
	}
	s.pos = i + 1 + end + len(tag)
	return DollarString
}
