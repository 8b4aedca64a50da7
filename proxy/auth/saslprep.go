package auth

import (
	"unicode/utf8"

	"github.com/xdg-go/stringprep"
	"golang.org/x/text/unicode/norm"
)

// prepare normalises a password as PostgreSQL and libpq do: SASLprep
// (RFC 4013), but a password that is not valid UTF-8, holds prohibited
// characters or would be empty is used as it is. The order of the steps is
// that of pg_saslprep in src/common/saslprep.c, which looks for prohibited
// characters before normalising, unlike the RFC and unlike libraries; a user
// with such a password could not log in if the order here were another.
func prepare(password string) string {
	if isASCII(password) || !utf8.ValidString(password) {
		return password
	}
	mapped := mapCharacters(password)
	if len(mapped) == 0 || anyProhibited(mapped) || breaksBidi(mapped) {
		return password
	}
	return norm.NFKC.String(string(mapped))
}

// isASCII tells the passwords that are used as they are, control characters
// included, without looking at a table.
func isASCII(s string) bool {
	for i := range len(s) {
		if s[i] >= utf8.RuneSelf {
			return false
		}
	}
	return true
}

// mapCharacters makes every space an ASCII space and drops what is "commonly
// mapped to nothing". U+200B is in both tables; PostgreSQL makes it a space.
func mapCharacters(s string) []rune {
	mapped := make([]rune, 0, len(s))
	for _, r := range s {
		if stringprep.TableC1_2.Contains(r) {
			mapped = append(mapped, ' ')
		} else if _, drop := stringprep.TableB1.Map(r); !drop {
			mapped = append(mapped, r)
		}
	}
	return mapped
}

// anyProhibited looks for characters RFC 4013 forbids in its section 2.3 and
// for those that Unicode 3.2 had not assigned (section 2.5).
func anyProhibited(s []rune) bool {
	return anyIn(s, stringprep.TableC1_2, stringprep.TableC2_1, stringprep.TableC2_2,
		stringprep.TableC3, stringprep.TableC4, stringprep.TableC5, stringprep.TableC6,
		stringprep.TableC7, stringprep.TableC8, stringprep.TableC9, stringprep.TableA1)
}

// breaksBidi applies RFC 3454, section 6: text with right-to-left characters
// must begin and end with one and hold no left-to-right ones.
func breaksBidi(s []rune) bool {
	if !anyIn(s, stringprep.TableD1) {
		return false
	}
	first, last := s[0], s[len(s)-1]
	return anyIn(s, stringprep.TableD2) ||
		!stringprep.TableD1.Contains(first) || !stringprep.TableD1.Contains(last)
}

// anyIn reports whether any rune is in any of the sets.
func anyIn(s []rune, sets ...stringprep.Set) bool {
	for _, r := range s {
		for _, set := range sets {
			if set.Contains(r) {
				return true
			}
		}
	}
	return false
}
