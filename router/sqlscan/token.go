package sqlscan

// Kind tells what a token is.
type Kind uint8

// Kinds of tokens. Punctuation has a kind per character.
const (
	EOF     Kind = iota
	Invalid      // a byte that begins no token, or a construct left open
	Space        // blanks, given by Raw only
	Comment      // either form, given by Raw only

	Word          // unquoted identifier or key word
	Quoted        // "identifier"
	UnicodeQuoted // U&"identifier"

	String        // '…', in which backslashes are plain
	EscapeString  // E'…', or '…' while standard_conforming_strings is off
	UnicodeString // U&'…'
	BitString     // B'…' or X'…'
	NationalString
	DollarString

	Integer // decimal, hexadecimal, octal or binary
	Float
	Param // $1

	Operator
	LeftParen
	RightParen
	LeftBracket
	RightBracket
	Comma
	Semicolon
	Dot
	Colon
	Typecast    // ::
	ColonEquals // :=
	Arrow       // =>
	DotDot      // ..
)

// Token is a piece of the scanned text, from Start up to End.
type Token struct {
	Kind    Kind
	Keyword Keyword // of a Word; NoKeyword for a plain identifier
	Start   uint32
	End     uint32
}

// Of gives the bytes of the token.
func (t Token) Of(text []byte) []byte { return text[t.Start:t.End] }

// IsString reports whether the token is a literal of a form that the grammar
// accepts where it wants Sconst.
func (t Token) IsString() bool {
	switch t.Kind {
	case String, EscapeString, UnicodeString, DollarString:
		return true
	}
	return false
}

// IsName reports whether the token is an identifier or a key word.
func (t Token) IsName() bool {
	return t.Kind == Word || t.Kind == Quoted || t.Kind == UnicodeQuoted
}

// class is a set of roles a byte can play, see classOf.
type class uint8

const (
	space class = 1 << iota
	wordStart
	wordPart
	tagPart // of a dollar quote's tag
	digit
	operatorPart
	operatorMark // lets an operator end in + or -
	prefix       // the letter may introduce a literal: E'…'
)
