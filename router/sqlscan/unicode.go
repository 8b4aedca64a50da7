package sqlscan

import "unicode/utf8"

// unicodeName resolves the escapes of U&"…": \XXXX, \+XXXXXX and \\, as
// str_udeescape in src/backend/parser/parser.c does. Surrogate pairs, which no
// sane identifier uses, are given up on.
func unicodeName(raw []byte, escape byte, buf *[MaxName + 1]byte) ([]byte, bool) {
	var out [MaxName + 1 + utf8.UTFMax]byte
	n := 0
	for i := 0; i < len(raw) && n <= MaxName; {
		switch c := raw[i]; {
		case c == '"':
			out[n] = c
			n++
			i += 2
		case c != escape:
			out[n] = c
			n++
			i++
		case i+1 < len(raw) && raw[i+1] == escape:
			out[n] = escape
			n++
			i += 2
		default:
			r, size := unicodeEscape(raw[i+1:])
			if size == 0 {
				return nil, false
			}
			n += utf8.EncodeRune(out[n:], r)
			i += 1 + size
		}
	}
	return cut(buf[:copy(buf[:], out[:n])]), true
}

// unicodeEscape reads XXXX or +XXXXXX; size 0 when neither is there or the
// number is no character.
func unicodeEscape(b []byte) (r rune, size int) {
	digits, skip := 4, 0
	if len(b) > 0 && b[0] == '+' {
		digits, skip = 6, 1
	}
	if len(b) < digits+skip {
		return 0, 0
	}
	for _, c := range b[skip : skip+digits] {
		v, ok := hexValue(c)
		if !ok {
			return 0, 0
		}
		r = r<<4 | v
	}
	if r == 0 || !utf8.ValidRune(r) {
		return 0, 0
	}
	return r, digits + skip
}

// hexValue gives the value of one hexadecimal digit.
func hexValue(c byte) (rune, bool) {
	switch c := lower[c]; {
	case '0' <= c && c <= '9':
		return rune(c - '0'), true
	case 'a' <= c && c <= 'f':
		return rune(c-'a') + 10, true
	}
	return 0, false
}
