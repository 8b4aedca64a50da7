package sqlscan

// MaxName is NAMEDATALEN-1, the length in bytes to which PostgreSQL cuts
// identifiers.
const MaxName = 63

// Name gives the identifier a token of kind Word, Quoted or UnicodeQuoted
// stands for, as PostgreSQL stores it: unquoted ones in lower case (ASCII
// only, as in a multibyte encoding), quotes and escapes resolved, cut to
// MaxName bytes. The result is part of text where nothing had to change, and
// else is built in buf. False when a Unicode escape is malformed.
func Name(text []byte, t Token, buf *[MaxName + 1]byte) ([]byte, bool) {
	raw := t.Of(text)
	switch t.Kind {
	case Word:
		if len(raw) <= MaxName && isLower(raw) {
			return raw, true
		}
		return foldWord(raw, buf), true
	case Quoted:
		return unquote(raw[1:len(raw)-1], buf), true
	case UnicodeQuoted:
		return unicodeName(raw[3:len(raw)-1], '\\', buf)
	}
	return nil, false
}

// isLower reports whether folding would change nothing.
func isLower(b []byte) bool {
	for _, c := range b {
		if lower[c] != c {
			return false
		}
	}
	return true
}

// foldWord lowers ASCII letters.
func foldWord(raw []byte, buf *[MaxName + 1]byte) []byte {
	n := copy(buf[:], raw)
	for i, c := range buf[:n] {
		buf[i] = lower[c]
	}
	return cut(buf[:n])
}

// unquote resolves doubled quotes.
func unquote(raw []byte, buf *[MaxName + 1]byte) []byte {
	n, i := 0, 0
	for i < len(raw) && raw[i] != '"' {
		i++
	}
	if i == len(raw) && len(raw) <= MaxName {
		return raw
	}
	for i = 0; i < len(raw) && n < len(buf); i++ {
		buf[n] = raw[i]
		n++
		if raw[i] == '"' {
			i++ // the second of the pair
		}
	}
	return cut(buf[:n])
}

// cut shortens a name of more than MaxName bytes without splitting a UTF-8
// sequence, as truncate_identifier does.
func cut(name []byte) []byte {
	if len(name) <= MaxName {
		return name
	}
	end := MaxName
	for end > 0 && name[end]&0xC0 == 0x80 {
		end--
	}
	return name[:end]
}
