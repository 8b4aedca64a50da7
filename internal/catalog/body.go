package catalog

import (
	"strings"

	"github.com/pgroute/pgroute/router"
)

// words calls f for every word of a function's source: identifiers, folded
// unless quoted, keywords, and the words within strings, because dynamic SQL
// is made of those. Comments are left out. first tells that the word begins a
// statement, as far as that can be seen.
func words(source string, f func(word string, first bool)) {
	first := true
	for i := 0; i < len(source); {
		c := source[i]
		switch {
		case strings.HasPrefix(source[i:], "--"):
			i = skipTo(source, i, "\n")
		case strings.HasPrefix(source[i:], "/*"):
			i = skipTo(source, i+2, "*/")
		case c == '"':
			end := skipTo(source, i+1, `"`)
			f(strings.TrimSuffix(source[i+1:end], `"`), false)
			first, i = false, end
		case isWordStart(c):
			end := i
			for end < len(source) && (isWordStart(source[end]) || source[end] == '$' || '0' <= source[end] && source[end] <= '9') {
				end++
			}
			word := strings.ToLower(source[i:end])
			f(word, first)
			if strings.Contains(word, "$") { // a dollar quote may touch it
				for part := range strings.SplitSeq(word, "$") {
					f(part, first)
				}
			}
			first, i = beginsStatement(word), end
		case c == ';' || c == '\'' || c == '$':
			first, i = true, i+1
		case c == ' ' || c == '\n' || c == '\t' || c == '\r':
			i++
		default:
			first, i = false, i+1
		}
	}
}

// skipTo gives the position after the next end at or after i.
func skipTo(s string, i int, end string) int {
	at := strings.Index(s[min(i, len(s)):], end)
	if at < 0 {
		return len(s)
	}
	return i + at + len(end)
}

// isWordStart reports whether an identifier can begin with the byte.
func isWordStart(c byte) bool {
	return 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || c == '_' || c >= 0x80
}

// beginsStatement reports whether what follows a word of PL/pgSQL is the
// start of a statement.
func beginsStatement(word string) bool {
	switch word {
	case "begin", "then", "else", "loop", "atomic":
		return true
	}
	return false
}

// bodyEffects is what the keywords of a volatile function's source say it may
// leave behind or change, for the languages whose source is SQL. What it
// calls is judged elsewhere. Settings made inside cannot be told one by one.
func bodyEffects(source string) router.Effects {
	var e router.Effects
	set := false // the word before was a SET that begins a statement
	words(source, func(word string, first bool) {
		if set && word != "local" && word != "constraints" && word != "transaction" {
			e |= router.EffectUnknownState
		}
		set = first && word == "set"
		e |= keywordEffects(word)
	})
	return e
}

// keywordEffects is what one keyword may mean.
func keywordEffects(word string) router.Effects {
	switch word {
	case "insert", "update", "delete", "merge", "truncate", "notify":
		return router.EffectWrite
	case "create", "alter", "drop", "grant", "revoke", "comment", "refresh":
		return router.EffectWrite | router.EffectDDL | router.EffectCatalog
	case "temp", "temporary":
		return router.EffectTempTable
	case "listen", "unlisten":
		return router.EffectListen
	case "execute", "call": // dynamic SQL may be anything
		return router.EffectUnknownState | router.EffectWrite
	case "prepare", "deallocate", "load", "discard", "reset", "copy", "import":
		return router.EffectUnknownState | router.EffectWrite
	}
	return 0
}

// plainLanguage reports whether the source of a function tells what it does.
func plainLanguage(language string) bool { return language == "sql" || language == "plpgsql" }

// compiledLanguage reports whether the source is not text that can be read.
func compiledLanguage(language string) bool { return language == "c" || language == "internal" }
