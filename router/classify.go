package router

import (
	"bytes"
	"unicode/utf8"

	"github.com/pgroute/pgroute/router/sqlscan"
)

// Encoding says how far bytes of the text can be taken for ASCII.
type Encoding uint8

// Encodings.
const (
	EncodingUTF8   Encoding = iota // checked
	EncodingSingle                 // a superset of ASCII in which bytes below 0x80 are ASCII
	// EncodingUnsafe is any client encoding whose characters may contain ASCII
	// bytes (SJIS, BIG5, GBK, GB18030, UHC, JOHAB): nothing is a read.
	EncodingUnsafe
)

// Options are the settings of the session that change how text is read. The
// zero value holds PostgreSQL's defaults.
type Options struct {
	EscapeStrings bool // standard_conforming_strings is off
	Encoding      Encoding
}

// Classify reads a query string and tells what each statement in it is. It is
// pure; cat must not be nil, path and opts may be. Use a Classifier where
// allocations count.
func Classify(text []byte, cat Catalog, path *SearchPath, opts *Options) Script {
	var c Classifier
	var s Script
	c.Classify(&s, text, cat, path, opts)
	return s
}

// maxCTEs bounds how many WITH names are remembered at a time; the names of
// further ones are taken for relations, and so for unknown.
const maxCTEs = 64

// Classifier holds the working memory of Classify, to be used again and again
// by one goroutine.
type Classifier struct {
	text   []byte
	cat    Catalog
	path   *SearchPath
	opts   Options
	traits Traits

	// The token under consideration with its neighbours.
	scan            sqlscan.Scanner
	prev, tok, next sqlscan.Token

	script *Script
	st     Statement // the statement being read
	mode   mode

	levels [maxLevels]level
	depth  int
	popped levelKind // of the level that was closed last
	behind bool      // the NOT seen last stands behind an operand
	ctes   [maxCTEs]sqlscan.Token
	nctes  int

	nameBuf, schemaBuf, cteBuf [sqlscan.MaxName + 1]byte
}

// mode changes what the parts of a query mean for its statement.
type mode uint8

const (
	modePlain   mode = iota
	modeExplain      // planned, not executed: only relations count
)

// Classify fills s with the classification of text.
func (c *Classifier) Classify(s *Script, text []byte, cat Catalog, path *SearchPath, opts *Options) {
	*s = Script{}
	c.begin(s, text, cat, path, opts)
	if reason := c.unreadable(); reason != ReasonNone {
		c.whole(reason)
		return
	}
	s.Hint = parseHint(text)
	c.scan = sqlscan.New(text, c.opts.EscapeStrings)
	c.tok = c.scan.Next()
	c.next = c.scan.Next()
	for c.tok.Kind != sqlscan.EOF {
		if c.tok.Kind == sqlscan.Semicolon {
			c.advance()
			continue
		}
		if !c.statement() {
			return
		}
	}
	c.summarize()
	c.release()
}

// begin points the classifier at its inputs.
func (c *Classifier) begin(s *Script, text []byte, cat Catalog, path *SearchPath, opts *Options) {
	c.text, c.cat, c.path, c.script = text, cat, path, s
	c.opts = Options{}
	if opts != nil {
		c.opts = *opts
	}
	c.traits = cat.Traits()
	c.prev = sqlscan.Token{}
}

// release forgets the borrowed inputs, so that a kept Classifier keeps no text
// alive.
func (c *Classifier) release() {
	c.text, c.cat, c.path, c.script = nil, nil, nil, nil
	c.scan = sqlscan.Scanner{}
}

// unreadable finds what no token can tell: bytes that mean something else to
// the server.
func (c *Classifier) unreadable() Reason {
	switch {
	case c.opts.Encoding == EncodingUnsafe:
		return ReasonEncoding
	case bytes.IndexByte(c.text, 0) >= 0:
		return ReasonBadByte
	case c.opts.Encoding == EncodingUTF8 && !utf8.Valid(c.text):
		return ReasonEncoding
	}
	return ReasonNone
}

// whole gives up on the text: one unknown statement.
func (c *Classifier) whole(reason Reason) {
	hint := c.script.Hint
	*c.script = Script{Hint: hint}
	c.st = Statement{Reason: reason, Effects: c.wholeEffects(reason), Span: Span{0, uint32(len(c.text))}}
	c.script.add(c.st)
	c.summarize()
	c.release()
}

// wholeEffects tells what a text may leave behind that was given up on. What
// PostgreSQL refuses as a whole leaves nothing: a psql user's open quote must
// not pin the session.
func (c *Classifier) wholeEffects(reason Reason) Effects {
	switch {
	case reason == ReasonUnterminated, reason == ReasonEncoding && c.opts.Encoding == EncodingUTF8:
		return EffectWrite
	}
	return EffectUnknownState | EffectWrite
}

// advance moves to the next token.
func (c *Classifier) advance() {
	c.prev = c.tok
	c.tok = c.next
	c.next = c.scan.Next()
}

// statement classifies the statement that begins at the current token and
// moves past its semicolon. False when the text as a whole was given up on.
func (c *Classifier) statement() bool {
	c.mode, c.depth, c.nctes = modePlain, 0, 0
	start := c.tok.Start
	c.st = Statement{Class: ClassRead, Reason: ReasonRead, Span: Span{Start: start}}
	c.st.firstSetting = uint16(c.script.settingCount)
	c.dispatch()
	if !c.toEnd() {
		return false
	}
	c.st.Span.End = c.prev.End
	if c.st.Cause.End > c.st.Span.End {
		c.st.Cause = Span{} // the cause is what is missing at the end
	}
	c.script.add(c.st)
	if c.tok.Kind == sqlscan.Semicolon {
		c.advance()
	}
	return true
}

// toEnd skips what was not read of the statement. A semicolon inside
// parentheses ends nothing (CREATE RULE has them).
func (c *Classifier) toEnd() bool {
	depth := 0
	for {
		switch c.tok.Kind {
		case sqlscan.EOF:
			return true
		case sqlscan.Semicolon:
			if depth <= 0 {
				return true
			}
		case sqlscan.LeftParen:
			depth++
		case sqlscan.RightParen:
			depth--
		case sqlscan.Invalid:
			c.invalid()
			return false
		}
		c.advance()
	}
}

// invalid gives up on a text with a token that PostgreSQL would refuse, or its
// versions would read differently.
func (c *Classifier) invalid() {
	if openConstruct(c.tok.Of(c.text)) {
		c.whole(ReasonUnterminated)
		return
	}
	c.whole(ReasonBadByte)
}

// openConstruct tells an invalid token that is a string, identifier or comment
// left open from a byte or number that cannot stand where it does.
func openConstruct(b []byte) bool {
	switch c := b[0]; {
	case c == '\'', c == '/':
		return true
	case c == '"':
		return string(b) != `""` // the empty name is not left open
	case c == '$':
		return len(b) > 1 && (b[1] < '0' || b[1] > '9')
	}
	return b[0] >= 'A' && len(b) > 1 // E'… and its like
}

// weight orders classes by how much they decide.
// What could not be read outweighs all, since the rest of it is a guess; a name
// that is not known weighs less than a write that is.
func weight(class Class, reason Reason) int {
	switch class {
	case ClassRead:
		return 0
	case ClassTransaction:
		return 1
	case ClassSession:
		return 2
	case ClassUnknown:
		if reason == ReasonUnknownFunction || reason == ReasonUnknownRelation {
			return 3
		}
		return 5
	}
	return 4
}

// demote takes a class that weighs more than the one found so far, with the
// token that is the cause.
func (c *Classifier) demote(class Class, reason Reason, cause Span) {
	if weight(class, reason) > weight(c.st.Class, c.st.Reason) {
		c.st.Class, c.st.Reason, c.st.Cause = class, reason, cause
	}
}

// unknown gives up on understanding the statement, at the current token.
func (c *Classifier) unknown(reason Reason) {
	c.demote(ClassUnknown, reason, spanOf(c.tok))
	c.st.Effects |= EffectUnknownState | EffectWrite
}

// is sets the class of a statement whose verb alone tells it.
func (c *Classifier) is(verb Verb, class Class, reason Reason, effects Effects) {
	c.st.Verb = verb
	c.st.Effects |= effects
	c.demote(class, reason, spanOf(c.tok))
}

// spanOf gives the place of a token.
func spanOf(t sqlscan.Token) Span { return Span{t.Start, t.End} }

// summarize combines the statements.
func (c *Classifier) summarize() {
	s := c.script
	if s.count == 0 {
		s.Class, s.Reason = ClassRead, ReasonEmpty
		return
	}
	s.Class, s.Reason = ClassRead, ReasonRead
	mixed := false
	for i := range s.count {
		st := s.Statement(i)
		s.Effects |= st.Effects
		s.Transaction = s.Transaction || st.Class == ClassTransaction
		if st.Class == ClassRead {
			continue
		}
		mixed = mixed || s.Class != ClassRead && st.Reason != s.Reason
		if weight(st.Class, st.Reason) > weight(s.Class, s.Reason) {
			s.Class, s.Reason = st.Class, st.Reason
		}
	}
	// A transaction's reason may open a standby to it: only for one statement.
	if s.count > 1 && (s.Class == ClassTransaction || s.Class == ClassSession && mixed) {
		s.Reason = ReasonMixed
	}
}
