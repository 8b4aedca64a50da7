package sqlscan

// maxOperator is NAMEDATALEN-1, the longest operator PostgreSQL takes.
const maxOperator = 63

// operator scans a comment or an operator. An operator ends where a comment
// begins inside it, and gives up trailing + and - unless it has a character
// that SQL's own operators do not have (scan.l, rule for {operator}).
func (s *Scanner) operator() Kind {
	switch {
	case s.at(0) == '-' && s.at(1) == '-':
		s.lineComment()
		return Comment
	case s.at(0) == '/' && s.at(1) == '*':
		if s.blockComment() {
			return Comment
		}
		return Invalid
	}
	start := s.pos
	marked := false
	for classOf[s.at(0)]&operatorPart != 0 && !s.commentAhead() {
		marked = marked || classOf[s.at(0)]&operatorMark != 0
		s.pos++
	}
	if !marked {
		s.giveBackSigns(start)
	}
	switch n := s.pos - start; {
	case n > maxOperator:
		return Invalid
	case n == 2 && s.text[start] == '=' && s.text[start+1] == '>':
		return Arrow
	}
	return Operator
}

// commentAhead reports whether a comment begins at the position.
func (s *Scanner) commentAhead() bool {
	c, next := s.at(0), s.at(1)
	return c == '-' && next == '-' || c == '/' && next == '*'
}

// giveBackSigns shortens an operator of plain characters to one that does not
// end in a sign, so that "=-1" is = and -1. One character always stays.
func (s *Scanner) giveBackSigns(start int) {
	for s.pos-start > 1 {
		if last := s.text[s.pos-1]; last != '+' && last != '-' {
			return
		}
		s.pos--
	}
}
