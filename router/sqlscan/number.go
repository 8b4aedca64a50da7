package sqlscan

// number scans a numeric literal, or passes the dots of "1..2" by. PostgreSQL
// 16 added underscores and other bases; before it, 0x1F was a zero with a
// label, which calls nothing either, so one token serves all versions.
func (s *Scanner) number() Kind {
	start := s.pos
	if s.at(0) == '0' {
		if part := baseDigits(lower[s.at(1)]); part != nil {
			s.pos += 2
			return s.based(part, start)
		}
	}
	kind := Integer
	s.digits()
	if s.at(0) == '.' && s.at(1) != '.' {
		s.pos++
		s.digits()
		kind = Float
	}
	if c := s.at(0); c == 'e' || c == 'E' {
		kind = s.exponent()
	}
	return s.endOfNumber(kind, start)
}

// digits passes decimal digits with single underscores between them.
func (s *Scanner) digits() {
	for {
		c := s.at(0)
		if c == '_' && classOf[s.at(1)]&digit != 0 {
			c = s.at(1)
			s.pos++
		}
		if classOf[c]&digit == 0 {
			return
		}
		s.pos++
	}
}

// exponent passes e and its digits; without digits the e is junk.
func (s *Scanner) exponent() Kind {
	n := 1
	if c := s.at(1); c == '+' || c == '-' {
		n = 2
	}
	if classOf[s.at(n)]&digit != 0 {
		s.pos += n
		s.digits()
	}
	return Float
}

// baseDigits tells which digits follow 0x, 0o and 0b.
func baseDigits(letter byte) func(byte) bool {
	switch letter {
	case 'x':
		return func(c byte) bool { return '0' <= c && c <= '9' || 'a' <= lower[c] && lower[c] <= 'f' }
	case 'o':
		return func(c byte) bool { return '0' <= c && c <= '7' }
	case 'b':
		return func(c byte) bool { return c == '0' || c == '1' }
	}
	return nil
}

// based passes the digits after a base prefix.
func (s *Scanner) based(part func(byte) bool, start int) Kind {
	found := false
	for part(s.at(0)) || s.at(0) == '_' && part(s.at(1)) {
		found = true
		s.pos++
	}
	if !found {
		return s.endOfNumber(Invalid, start)
	}
	return s.endOfNumber(Integer, start)
}

// endOfNumber refuses a word that follows a number or parameter at once:
// PostgreSQL 15 made that an error, older versions began a new token. A number
// with a letter in it could end in a word, which $ and digits would go on.
func (s *Scanner) endOfNumber(kind Kind, start int) Kind {
	switch c := s.at(0); {
	case classOf[c]&wordStart != 0:
	case classOf[c]&wordPart != 0 && hasWordStart(s.text[start:s.pos]):
	default:
		return kind
	}
	for classOf[s.at(0)]&wordPart != 0 {
		s.pos++
	}
	return Invalid
}

// hasWordStart reports whether a word could begin inside a number.
func hasWordStart(number []byte) bool {
	for _, c := range number {
		if classOf[c]&wordStart != 0 {
			return true
		}
	}
	return false
}
