package config

import (
	"encoding"
	"fmt"
	"reflect"
	"strconv"
	"strings"
)

// setting is one key: a field of Config or of one of its sections.
type setting struct {
	key   string // "listen", "pool.size"
	field reflect.StructField
	index []int // of the field, from Config
}

// settings lists all keys in the order of the structs.
func settings() []setting {
	return collect(reflect.TypeFor[Config](), "", nil)
}

// collect walks the fields that have a name in the file. A struct that
// cannot be set from text is a section.
func collect(t reflect.Type, prefix string, index []int) (all []setting) {
	for i := range t.NumField() {
		f := t.Field(i)
		name := f.Tag.Get("toml")
		if name == "" || name == "-" {
			continue
		}
		at := append(append([]int(nil), index...), i)
		if f.Type.Kind() == reflect.Struct && !isText(f.Type) {
			all = append(all, collect(f.Type, name+".", at)...)
			continue
		}
		all = append(all, setting{key: prefix + name, field: f, index: at})
	}
	return all
}

// isText reports whether values of the type are set from text.
func isText(t reflect.Type) bool {
	return reflect.PointerTo(t).Implements(reflect.TypeFor[encoding.TextUnmarshaler]())
}

// find looks a key up.
func find(all []setting, key string) (setting, bool) {
	for _, s := range all {
		if s.key == key {
			return s, true
		}
	}
	return setting{}, false
}

// variables are the environment variables that set the key. Those of the
// cluster section need not name the section: PGROUTE_NODES.
func (s *setting) variables() []string {
	long := envPrefix + envName(s.key)
	if short, ok := strings.CutPrefix(s.key, "cluster."); ok {
		return []string{envPrefix + envName(short), long}
	}
	return []string{long}
}

func envName(key string) string {
	return strings.ToUpper(strings.ReplaceAll(key, ".", "_"))
}

// reloads reports whether a reload suffices to change the key.
func (s *setting) reloads() bool { return s.field.Tag.Get("reload") == "yes" }

// value is the field in c.
func (s *setting) value(c *Config) reflect.Value {
	return reflect.ValueOf(c).Elem().FieldByIndex(s.index)
}

// expects says in words what the key takes.
func (s *setting) expects() string {
	switch {
	case s.field.Tag.Get("oneof") != "":
		return "one of " + strings.Join(strings.Fields(s.field.Tag.Get("oneof")), ", ")
	case s.field.Type == reflect.TypeFor[Duration]():
		return `a time such as "500ms", "30s" or "5min"`
	case s.field.Type == reflect.TypeFor[ByteSize]():
		return `a size such as "16MB" or "512kB"`
	case s.field.Type.Kind() == reflect.Int:
		return "a whole number"
	case s.field.Type.Kind() == reflect.Bool:
		return "true or false"
	case s.field.Type.Kind() == reflect.Slice:
		return `a list of strings such as ["a", "b"]`
	}
	return "a string in quotes"
}

// setText sets the key from text, as environment variables and flags have it.
func (s *setting) setText(c *Config, text string) error {
	v := s.value(c)
	switch {
	case isText(s.field.Type):
		return v.Addr().Interface().(encoding.TextUnmarshaler).UnmarshalText([]byte(text))
	case v.Kind() == reflect.Int:
		n, err := strconv.ParseInt(text, 0, 32)
		if err != nil {
			return fmt.Errorf("%q is no whole number of 32 bits", text)
		}
		v.SetInt(n)
	case v.Kind() == reflect.Bool:
		b, err := parseBool(text)
		if err != nil {
			return err
		}
		v.SetBool(b)
	case v.Kind() == reflect.Slice:
		v.Set(reflect.ValueOf(splitList(text)))
	default:
		v.SetString(text)
	}
	return nil
}

// parseBool takes the words PostgreSQL takes, spelled out.
func parseBool(text string) (bool, error) {
	switch strings.ToLower(text) {
	case "true", "on", "yes", "1":
		return true, nil
	case "false", "off", "no", "0":
		return false, nil
	}
	return false, fmt.Errorf("%q is neither true nor false", text)
}

// splitList splits a list in a variable or flag at commas, or, when it has
// any, at semicolons and line ends, so that items may contain commas.
func splitList(text string) []string {
	separators := ","
	if strings.ContainsAny(text, ";\n") {
		separators = ";\n"
	}
	var items []string
	for item := range strings.FieldsFuncSeq(text, func(r rune) bool { return strings.ContainsRune(separators, r) }) {
		if item = strings.TrimSpace(item); item != "" {
			items = append(items, item)
		}
	}
	return items
}
