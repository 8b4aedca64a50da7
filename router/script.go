package router

// Span is a range of bytes of the classified text.
type Span struct{ Start, End uint32 }

// Len is the length in bytes; zero for the empty span that means absent.
func (s Span) Len() int { return int(s.End - s.Start) }

// Of gives the bytes of text that the span covers.
func (s Span) Of(text []byte) []byte { return text[s.Start:s.End] }
