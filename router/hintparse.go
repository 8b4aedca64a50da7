package router

import (
	"bytes"
	"time"

	"github.com/pgroute/pgroute/router/sqlscan"
)

// hintPrefix begins a hint, after /* and blanks.
const hintPrefix = "pgroute:"

// parseHint reads the first of the comments before the first token that is a
// hint: /* pgroute: word … */.
func parseHint(text []byte) Hint {
	// Most texts begin with a letter.
	if len(text) == 0 || text[0] >= 'A' {
		return Hint{}
	}
	scan := sqlscan.New(text, false)
	for {
		t := scan.Raw()
		switch t.Kind {
		case sqlscan.Space:
		case sqlscan.Comment:
			if text[t.Start] != '/' {
				continue
			}
			if h, ok := commentHint(text, t); ok {
				return h
			}
		default:
			return Hint{}
		}
	}
}

// commentHint reads one block comment; false when it is no hint.
func commentHint(text []byte, t sqlscan.Token) (h Hint, ok bool) {
	at, end := int(t.Start)+2, int(t.End)-2
	for at < end && blank(text[at]) {
		at++
	}
	if !hasPrefixFold(text[at:end], hintPrefix) {
		return Hint{}, false
	}
	at += len(hintPrefix)
	for {
		for at < end && (blank(text[at]) || text[at] == ',') {
			at++
		}
		if at == end {
			return h, true
		}
		start := at
		for at < end && !blank(text[at]) && text[at] != ',' {
			at++
		}
		word := Span{uint32(start), uint32(at)}
		if !h.word(text, word) && h.Wrong.Len() == 0 {
			h.Wrong = word
		}
	}
}

// blank reports what separates words.
func blank(c byte) bool {
	return c == ' ' || c == '\t' || c == '\n' || c == '\r' || c == '\f' || c == '\v'
}

// word takes one word of a hint; false when it means nothing.
func (h *Hint) word(text []byte, word Span) bool {
	b := word.Of(text)
	key, value, assigned := bytes.Cut(b, []byte("="))
	switch {
	case !assigned && equalFold(b, "primary"):
		h.Target = TargetPrimary
	case !assigned && equalFold(b, "standby"):
		h.Target = TargetStandby
	case assigned && equalFold(key, "node") && len(value) > 0:
		h.Target = TargetNode
		h.Node = Span{word.End - uint32(len(value)), word.End}
	case assigned && equalFold(key, "consistency"):
		level, ok := ParseConsistency(string(value))
		h.Consistency = level
		return ok
	case assigned && equalFold(key, "max_staleness"):
		bound, ok := ParseStaleness(string(value))
		h.MaxStaleness, h.HasStaleness = bound, ok
		return ok
	default:
		return false
	}
	return true
}

// ParseTarget reads the value of pgroute.role: any, primary or standby.
func ParseTarget(s string) (Target, bool) {
	switch lowerASCII(s) {
	case "any", "auto", "":
		return TargetAny, true
	case "primary":
		return TargetPrimary, true
	case "standby":
		return TargetStandby, true
	}
	return TargetAny, false
}

// ParseConsistency reads a consistency level.
func ParseConsistency(s string) (Consistency, bool) {
	s = lowerASCII(s)
	for c := ConsistencyEventual; c <= ConsistencyStrong; c++ {
		if s == consistencyNames[c] {
			return c, true
		}
	}
	return ConsistencyUnset, false
}

// ParseStaleness reads a bound such as 200ms; a plain number is milliseconds,
// as PostgreSQL has it for its time settings. Negative bounds are refused.
func ParseStaleness(s string) (time.Duration, bool) {
	if s == "" || len(s) > 32 {
		return 0, false
	}
	if '0' <= s[len(s)-1] && s[len(s)-1] <= '9' {
		s += "ms"
	}
	d, err := time.ParseDuration(s)
	return d, err == nil && d >= 0
}
