package router

import (
	"errors"
	"hash/fnv"
	"slices"
	"strings"
)

// maxIdentifier is NAMEDATALEN-1: PostgreSQL cuts longer identifiers, in bytes.
const maxIdentifier = 63

// SearchPath is the value of search_path as names are resolved along it. It is
// immutable; a session makes a new one whenever the setting changes.
type SearchPath struct {
	schemas []string
	id      uint64
}

// DefaultSearchPath is PostgreSQL's own default for the given role.
func DefaultSearchPath(role string) *SearchPath {
	return newSearchPath([]string{role, "public"})
}

// ParseSearchPath reads the text of the setting (SHOW search_path): a list of
// identifiers, quoted or not, in which "$user" stands for the current role.
// It follows SplitIdentifierString in src/backend/utils/adt/varlena.c.
func ParseSearchPath(value, role string) (*SearchPath, error) {
	names, err := splitIdentifiers(value)
	if err != nil {
		return nil, err
	}
	for i, n := range names {
		if n == "$user" {
			names[i] = role
		}
	}
	return newSearchPath(names), nil
}

// newSearchPath puts pg_catalog in front unless the list names it, as
// recomputeNamespacePath in src/backend/catalog/namespace.c does. The
// temporary schema, searched before everything for relations and types, is
// left out: a session that has one is pinned to its connection.
func newSearchPath(names []string) *SearchPath {
	p := &SearchPath{}
	if !slices.Contains(names, "pg_catalog") {
		p.schemas = append(p.schemas, "pg_catalog")
	}
	h := fnv.New64a()
	for _, n := range names {
		if n != "" && !slices.Contains(p.schemas, n) {
			p.schemas = append(p.schemas, n)
		}
	}
	for _, n := range p.schemas {
		h.Write([]byte(n))
		h.Write([]byte{0})
	}
	p.id = h.Sum64()
	return p
}

// Schemas gives the schemas in the order in which they are searched. The
// caller must not change the slice.
func (p *SearchPath) Schemas() []string {
	if p == nil {
		return nil
	}
	return p.schemas
}

// ID is equal for equal paths; zero for the unknown path.
func (p *SearchPath) ID() uint64 {
	if p == nil {
		return 0
	}
	return p.id
}

// TempFirst reports whether the path names the temporary schema before any
// other, so that a plain CREATE TABLE makes a temporary table.
func (p *SearchPath) TempFirst() bool {
	if p == nil {
		return true
	}
	for _, s := range p.schemas {
		if s != "pg_catalog" {
			return strings.HasPrefix(s, "pg_temp")
		}
	}
	return false
}

var errNameList = errors.New("invalid list of names")

// splitIdentifiers takes a comma-separated list of identifiers apart, folding
// unquoted ones to lower case and cutting all to 63 bytes.
func splitIdentifiers(s string) ([]string, error) {
	var names []string
	s = strings.Trim(s, " \t\n\r\f\v")
	if s == "" {
		return nil, nil
	}
	for {
		name, rest, err := nextIdentifier(s)
		if err != nil {
			return nil, err
		}
		names = append(names, name)
		rest = strings.TrimLeft(rest, " \t\n\r\f\v")
		if rest == "" {
			return names, nil
		}
		if rest[0] != ',' {
			return nil, errNameList
		}
		s = strings.TrimLeft(rest[1:], " \t\n\r\f\v")
	}
}

// nextIdentifier reads one name at the start of s and gives what follows it.
func nextIdentifier(s string) (name, rest string, err error) {
	if strings.HasPrefix(s, `"`) {
		return nextQuoted(s[1:])
	}
	end := strings.IndexAny(s, ", \t\n\r\f\v")
	if end < 0 {
		end = len(s)
	}
	if end == 0 {
		return "", "", errNameList
	}
	return cutName(lowerASCII(s[:end])), s[end:], nil
}

// nextQuoted reads up to the closing quote; a doubled quote stands for one.
func nextQuoted(s string) (name, rest string, err error) {
	var b strings.Builder
	for {
		q := strings.IndexByte(s, '"')
		if q < 0 {
			return "", "", errNameList
		}
		b.WriteString(s[:q])
		s = s[q+1:]
		if !strings.HasPrefix(s, `"`) {
			return cutName(b.String()), s, nil
		}
		b.WriteByte('"')
		s = s[1:]
	}
}

// lowerASCII folds as PostgreSQL does in a multibyte encoding.
func lowerASCII(s string) string {
	b := []byte(s)
	for i, c := range b {
		if 'A' <= c && c <= 'Z' {
			b[i] = c + 'a' - 'A'
		}
	}
	return string(b)
}

// cutName cuts a name to 63 bytes.
func cutName(s string) string { return cutAt(s, maxIdentifier) }

// cutAt cuts to at most n bytes without splitting a UTF-8 sequence, as
// pg_mbcliplen does.
func cutAt(s string, n int) string {
	if len(s) <= n {
		return s
	}
	for n > 0 && s[n]&0xC0 == 0x80 {
		n--
	}
	return s[:n]
}
