package router

import (
	"errors"
	"strings"

	"github.com/pgroute/pgroute/router/sqlscan"
)

// ErrSettingValue is returned where the value of a setting cannot be told from
// the text alone.
var ErrSettingValue = errors.New("setting value not known from the text")

// SettingName gives the name of the setting, folded as pg_settings shows it.
func SettingName(text []byte, set Setting) string {
	switch set.Form {
	case FormTimeZone:
		return "timezone"
	case FormNames:
		return "client_encoding"
	case FormSchema:
		return "search_path"
	case FormRole:
		return "role"
	case FormSessionAuthorization:
		return "session_authorization"
	case FormXMLOption:
		return "xmloption"
	case FormCharacteristics:
		return characteristicsName(set.ID)
	}
	if set.Kind == SetCall {
		raw := set.Name.Of(text)
		return lowerASCII(string(raw[1 : len(raw)-1]))
	}
	return dottedName(set.Name.Of(text))
}

// characteristicsName names what SET SESSION CHARACTERISTICS sets.
func characteristicsName(id SettingID) string {
	switch id {
	case SettingDefaultReadOnly:
		return "default_transaction_read_only"
	case SettingDefaultIsolation:
		return "default_transaction_isolation"
	}
	return "default_transaction_deferrable"
}

// dottedName folds the parts of a name and joins them again. Setting names
// are compared without regard to case, quoted or not.
func dottedName(raw []byte) string {
	scan := sqlscan.New(raw, false)
	var parts []string
	var buf [sqlscan.MaxName + 1]byte
	for t := scan.Next(); t.Kind != sqlscan.EOF; t = scan.Next() {
		if name, ok := sqlscan.Name(raw, t, &buf); ok {
			parts = append(parts, lowerASCII(string(name)))
		}
	}
	return strings.Join(parts, ".")
}

// SettingText gives the value of a setting as the string that set_config would
// take for it, following flatten_set_variable_args in
// src/backend/utils/misc/guc_funcs.c. It fails for defaults, for set_config
// with an argument that is no literal, and for SET TIME ZONE INTERVAL.
func SettingText(text []byte, set Setting) (string, error) {
	raw := set.Value.Of(text)
	if set.Kind == SetDefault || set.Form == FormCharacteristics {
		return "", ErrSettingValue
	}
	scan := sqlscan.New(raw, false)
	list := listSetting(SettingName(text, set))
	var out strings.Builder
	for n := 0; ; n++ {
		item, err := settingItem(raw, &scan)
		if err != nil || set.Kind == SetCall && !item.literal {
			return "", ErrSettingValue
		}
		if n > 0 {
			out.WriteString(", ")
		}
		if list && set.Kind == SetValue && set.Form != FormSchema {
			item.text = quoteName(item.text)
		}
		out.WriteString(item.text)
		switch t := scan.Next(); {
		case t.Kind == sqlscan.EOF:
			return out.String(), nil
		case t.Kind != sqlscan.Comma || set.Kind == SetCall:
			return "", ErrSettingValue
		}
	}
}

// item is one value of a list.
type item struct {
	text    string
	literal bool // a string literal
}

// settingItem reads one value: a string, a word, or a number with its sign.
func settingItem(raw []byte, scan *sqlscan.Scanner) (item, error) {
	t := scan.Next()
	sign := ""
	if t.Kind == sqlscan.Operator && t.End-t.Start == 1 && (raw[t.Start] == '-' || raw[t.Start] == '+') {
		if raw[t.Start] == '-' {
			sign = "-"
		}
		if t = scan.Next(); t.Kind != sqlscan.Integer && t.Kind != sqlscan.Float {
			return item{}, ErrSettingValue
		}
	}
	switch t.Kind {
	case sqlscan.Integer, sqlscan.Float:
		return item{text: sign + string(t.Of(raw))}, nil
	case sqlscan.String:
		s, ok := plainString(t.Of(raw))
		if !ok {
			return item{}, ErrSettingValue
		}
		return item{text: s, literal: true}, nil
	case sqlscan.Word, sqlscan.Quoted:
		var buf [sqlscan.MaxName + 1]byte
		name, _ := sqlscan.Name(raw, t, &buf)
		return item{text: string(name)}, nil
	}
	return item{}, ErrSettingValue
}

// plainString resolves a '…' literal. One that goes on over several lines, or
// holds a backslash (whose meaning is a setting's), is left alone.
func plainString(lit []byte) (string, bool) {
	body := string(lit[1 : len(lit)-1])
	if strings.Contains(body, `\`) {
		return "", false
	}
	if out := strings.ReplaceAll(body, "''", "\x00"); strings.Contains(out, "'") {
		return "", false
	} else {
		return strings.ReplaceAll(out, "\x00", "'"), true
	}
}

// listSetting reports the settings of PostgreSQL that are lists of names
// (GUC_LIST_QUOTE), whose elements SET quotes.
func listSetting(name string) bool {
	switch name {
	case "search_path", "temp_tablespaces", "session_preload_libraries", "shared_preload_libraries",
		"local_preload_libraries", "unix_socket_directories":
		return true
	}
	return false
}

// quoteName quotes an identifier where needed, as quote_identifier does; key
// words are quoted all, which reads the same.
func quoteName(s string) string {
	safe := s != "" && (s[0] == '_' || 'a' <= s[0] && s[0] <= 'z')
	for i := range len(s) {
		c := s[i]
		safe = safe && (c == '_' || 'a' <= c && c <= 'z' || '0' <= c && c <= '9')
	}
	if safe {
		scan := sqlscan.New([]byte(s), false)
		k := scan.Next().Keyword.Category()
		safe = k == sqlscan.NotKeyword || k == sqlscan.Unreserved
	}
	if safe {
		return s
	}
	return `"` + strings.ReplaceAll(s, `"`, `""`) + `"`
}

// parseBool reads a boolean as parse_bool in src/backend/utils/adt/bool.c
// does: unambiguous prefixes, any case.
func parseBool(s string) (value, ok bool) {
	s = lowerASCII(s)
	switch {
	case s == "":
		return false, false
	case strings.HasPrefix("true", s), strings.HasPrefix("yes", s), s == "on", s == "1":
		return true, true
	case strings.HasPrefix("false", s), strings.HasPrefix("no", s), s == "0", s == "of", s == "off":
		return false, true
	}
	return false, false
}
