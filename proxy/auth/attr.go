package auth

import (
	"encoding/base64"
	"strings"
)

// A SCRAM message is a list of "x=value" joined by commas; values hold no
// comma. The readers below follow read_attr_value and read_any_attr of
// auth-scram.c, error texts included. They take the rest of the message and
// return what is left of it.

// readAttr reads the attribute that must come next.
func readAttr(s string, attr byte) (value, rest string, err error) {
	if s == "" || s[0] != attr {
		return "", "", malformed(`Expected attribute "%c" but found "%s".`, attr, showByte(s))
	}
	return readValue(s)
}

// readAnyAttr reads whatever attribute comes next.
func readAnyAttr(s string) (attr byte, value, rest string, err error) {
	if s == "" {
		return 0, "", "", malformed("Attribute expected, but found end of string.")
	}
	if lower := s[0] | 0x20; lower < 'a' || lower > 'z' {
		return 0, "", "", malformed(`Attribute expected, but found invalid character "%s".`, showByte(s))
	}
	value, rest, err = readValue(s)
	return s[0], value, rest, err
}

// readValue reads the value of the attribute whose name s begins with.
func readValue(s string) (value, rest string, err error) {
	if len(s) < 2 || s[1] != '=' {
		return "", "", malformed(`Expected character "=" for attribute "%c".`, s[0])
	}
	value, rest, _ = strings.Cut(s[2:], ",")
	return value, rest, nil
}

// printable reports whether s may be a nonce: visible ASCII without commas,
// where the comma cannot occur any more.
func printable(s string) bool {
	for i := range len(s) {
		if s[i] < 0x21 || s[i] > 0x7e {
			return false
		}
	}
	return true
}

// decodeBase64 decodes as pg_b64_decode does; Go's decoder would skip line
// breaks, which have no place in a message.
func decodeBase64(s string) ([]byte, bool) {
	if strings.ContainsAny(s, "\r\n") {
		return nil, false
	}
	b, err := base64.StdEncoding.DecodeString(s)
	return b, err == nil
}

// decodeKey decodes a key, proof or signature.
func decodeKey(s string) (key, bool) {
	b, ok := decodeBase64(s)
	if !ok || len(b) != keyLen {
		return key{}, false
	}
	return key(b), true
}

// encode is base64 with padding.
func encode[T ~string | ~[]byte](raw T) string {
	return base64.StdEncoding.EncodeToString([]byte(raw))
}
