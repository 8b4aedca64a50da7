package config

import (
	"errors"
	"fmt"
	"net"
	"net/url"
	"slices"
	"strings"
)

// conninfo is a connection string taken apart: libpq's keys and pgroute's.
type conninfo map[string]string

// parseConninfo reads the three forms a node may have: a URL, libpq's
// key=value pairs, or host:port. Errors do not show the text, which may hold
// a password.
func parseConninfo(text string) (conninfo, error) {
	text = strings.TrimSpace(text)
	switch {
	case text == "":
		return nil, errors.New("the connection string is empty")
	case strings.IndexByte(text, 0) >= 0:
		return nil, errors.New("the connection string holds a NUL byte")
	case strings.HasPrefix(text, "postgres://"), strings.HasPrefix(text, "postgresql://"):
		return parseURL(text)
	case strings.HasPrefix(text, "/"):
		return conninfo{"host": text}, nil
	case strings.Contains(text, "="):
		return parsePairs(text)
	}
	return parseHostPort(text)
}

// parseHostPort reads "host", "host:port", "[::1]:port" and bare "::1".
func parseHostPort(text string) (conninfo, error) {
	if strings.ContainsAny(text, " \t@") {
		return nil, errors.New("neither host:port, nor key=value pairs, nor a URL")
	}
	host, port, err := net.SplitHostPort(text)
	if err != nil {
		if host = strings.Trim(text, "[]"); strings.Contains(host, ":") && net.ParseIP(host) == nil {
			return nil, errors.New("neither host:port, nor key=value pairs, nor a URL")
		}
		return conninfo{"host": host}, nil
	}
	return conninfo{"host": host, "port": port}, nil
}

// parseURL reads postgres://user:password@host:port/database?key=value.
func parseURL(text string) (conninfo, error) {
	u, err := url.Parse(text)
	if err != nil {
		return nil, errors.New("not a valid URL; percent-encode special characters, above all in the password")
	}
	c := conninfo{}
	c.put("host", u.Hostname())
	c.put("port", u.Port())
	c.put("dbname", strings.TrimPrefix(u.Path, "/"))
	c.put("user", u.User.Username())
	password, _ := u.User.Password()
	c.put("password", password)
	query, err := url.ParseQuery(u.RawQuery)
	if err != nil {
		return nil, errors.New("not a valid URL; percent-encode special characters after the question mark")
	}
	for k, v := range query {
		if len(v) > 1 {
			return nil, fmt.Errorf("%q is given twice", k)
		}
		c[canonical(k)] = v[0]
	}
	return c, nil
}

// put sets what is not empty.
func (c conninfo) put(k, v string) {
	if v != "" {
		c[k] = v
	}
}

// canonical gives the name libpq has for a key.
func canonical(k string) string {
	if k == "database" {
		return "dbname"
	}
	return k
}

// spaces are what separates key=value pairs.
const spaces = " \t\n\r\v\f"

// parsePairs reads libpq's key=value form: values with spaces stand in single
// quotes, and a backslash takes the next character as it is.
func parsePairs(text string) (conninfo, error) {
	c := conninfo{}
	for text = strings.TrimLeft(text, spaces); text != ""; text = strings.TrimLeft(text, spaces) {
		k, rest, found := strings.Cut(text, "=")
		k = strings.TrimRight(k, spaces)
		if !found || k == "" || strings.ContainsAny(k, spaces) {
			return nil, errors.New(`missing "=" between a key and its value`)
		}
		v, rest, err := readPair(strings.TrimLeft(rest, spaces))
		if err != nil {
			return nil, err
		}
		k = canonical(k)
		if _, twice := c[k]; twice {
			return nil, fmt.Errorf("%q is given twice", k)
		}
		c[k], text = v, rest
	}
	return c, nil
}

// readPair reads one value and returns what follows it.
func readPair(s string) (value, rest string, err error) {
	var b strings.Builder
	quoted := strings.HasPrefix(s, "'")
	i := 0
	if quoted {
		i = 1
	}
	for ; i < len(s); i++ {
		switch c := s[i]; {
		case c == '\\' && i+1 < len(s):
			i++
			b.WriteByte(s[i])
		case quoted && c == '\'':
			return b.String(), s[i+1:], nil
		case !quoted && strings.IndexByte(spaces, c) >= 0:
			return b.String(), s[i:], nil
		default:
			b.WriteByte(c)
		}
	}
	if quoted {
		return "", "", errors.New("a quoted value has no closing quote")
	}
	return b.String(), "", nil
}

// String gives the key=value form, sorted, every value quoted.
func (c conninfo) String() string {
	keys := make([]string, 0, len(c))
	for k := range c {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	escape := strings.NewReplacer(`\`, `\\`, `'`, `\'`)
	var b strings.Builder
	for i, k := range keys {
		if i > 0 {
			b.WriteByte(' ')
		}
		fmt.Fprintf(&b, "%s='%s'", k, escape.Replace(c[k]))
	}
	return b.String()
}

// withoutPassword prints a connection string for people: its password, if it
// can be found, is left out, and so is a string that cannot be read.
func withoutPassword(text string) string {
	if !strings.Contains(text, "=") && !strings.Contains(text, "@") {
		return text // host:port
	}
	c, err := parseConninfo(text)
	if err != nil {
		return "…"
	}
	delete(c, "password")
	delete(c, "sslpassword")
	return c.String()
}
