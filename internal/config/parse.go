package config

import (
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strings"

	"github.com/pelletier/go-toml/v2"
	"github.com/pelletier/go-toml/v2/unstable"
)

// decoder sets keys of a Config from a TOML document. It works on the syntax
// tree rather than on structs so that every mistake is found, with its line.
type decoder struct {
	config   *Config
	name     string // of the file
	all      []setting
	parser   unstable.Parser
	table    []string // the section keys belong to
	skip     bool     // the section is unknown, and its keys with it
	problems Problems
}

// decode applies the document to c. It returns false when the document is no
// TOML at all, so that nothing else can be said of it.
func decode(c *Config, data []byte, name string) (Problems, bool) {
	d := &decoder{config: c, name: name, all: settings()}
	// The library's decoder finds what makes no valid document as a whole,
	// such as a key that is set twice.
	var whole map[string]any
	if err := toml.Unmarshal(data, &whole); err != nil {
		return d.broken(err), false
	}
	d.parser.Reset(data)
	for d.parser.NextExpression() {
		switch e := d.parser.Expression(); e.Kind {
		case unstable.Table, unstable.ArrayTable:
			d.enter(e)
		case unstable.KeyValue:
			if !d.skip {
				d.assign(d.table, e)
			}
		}
	}
	if err := d.parser.Error(); err != nil {
		return d.broken(err), false
	}
	return d.problems, true
}

// enter begins a section.
func (d *decoder) enter(e *unstable.Node) {
	d.table = keyOf(e)
	name := strings.Join(d.table, ".")
	d.skip = true
	switch {
	case e.Kind == unstable.ArrayTable:
		d.problem(e.Child(), "", "[[%s]] is a list of tables, and pgroute has none; write [%s]", name, name)
	case !d.isSection(name):
		d.problem(e.Child(), "", "unknown section [%s]%s", name, suggest(name, d.sections()))
	default:
		d.skip = false
	}
}

// assign sets the key of a KeyValue expression, or those of an inline table.
func (d *decoder) assign(table []string, e *unstable.Node) {
	path := append(append([]string(nil), table...), keyOf(e)...)
	key, value := strings.Join(path, "."), e.Value()
	keys := e.Key()
	keys.Next()
	at := keys.Node()
	s, known := find(d.all, key)
	switch {
	case value.Kind == unstable.InlineTable && d.isSection(key):
		for it := value.Children(); it.Next(); {
			d.assign(path, it.Node())
		}
	case !known:
		d.problem(at, "", "unknown key %q%s", key, suggest(key, d.keys()))
	default:
		if err := d.set(&s, value); err != nil {
			d.problem(at, key, "%v", err)
		}
		d.config.origins[key] = d.origin(at)
	}
}

// set sets a key from a node of the kind the key takes.
func (d *decoder) set(s *setting, value *unstable.Node) error {
	v := s.value(d.config)
	quantity := s.field.Type == reflect.TypeFor[Duration]() || s.field.Type == reflect.TypeFor[ByteSize]()
	switch kind := value.Kind; {
	case kind == unstable.Array && v.Kind() == reflect.Slice:
		return d.setList(s, value)
	case kind == unstable.Integer && v.Kind() == reflect.Int,
		kind == unstable.Bool && v.Kind() == reflect.Bool,
		kind == unstable.String && (v.Kind() == reflect.String || isText(s.field.Type)),
		kind == unstable.Integer && quantity:
		return s.setText(d.config, string(value.Data))
	}
	return fmt.Errorf("is %s here, but must be %s", kindName(value.Kind), s.expects())
}

// setList sets a list of strings.
func (d *decoder) setList(s *setting, array *unstable.Node) error {
	items := []string{}
	for it := array.Children(); it.Next(); {
		if it.Node().Kind != unstable.String {
			return fmt.Errorf("holds %s, but must be %s", kindName(it.Node().Kind), s.expects())
		}
		items = append(items, string(it.Node().Data))
	}
	s.value(d.config).Set(reflect.ValueOf(items))
	return nil
}

// kindName names a kind of value in a sentence.
func kindName(k unstable.Kind) string {
	switch k {
	case unstable.String:
		return "a string"
	case unstable.Bool:
		return "true or false"
	case unstable.Integer:
		return "a whole number"
	case unstable.Float:
		return "a number with a fraction"
	case unstable.Array:
		return "a list"
	case unstable.InlineTable:
		return "a table"
	}
	return "a date or time"
}

// keys lists all keys.
func (d *decoder) keys() []string {
	names := make([]string, len(d.all))
	for i := range d.all {
		names[i] = d.all[i].key
	}
	return names
}

// sections lists all sections.
func (d *decoder) sections() (names []string) {
	for _, key := range d.keys() {
		section, _, ok := strings.Cut(key, ".")
		if ok && (len(names) == 0 || names[len(names)-1] != section) {
			names = append(names, section)
		}
	}
	return names
}

func (d *decoder) isSection(name string) bool { return slices.Contains(d.sections(), name) }

// broken reports a document that is no TOML.
func (d *decoder) broken(err error) Problems {
	var e *toml.DecodeError
	if errors.As(err, &e) {
		line, _ := e.Position()
		d.problems.add(fmt.Sprintf("%s:%d", d.name, line), "", "not valid TOML: %s", strings.TrimPrefix(e.Error(), "toml: "))
	} else {
		d.problems.add(d.name, "", "not valid TOML: %v", err)
	}
	return d.problems
}

// problem reports a mistake at a node.
func (d *decoder) problem(at *unstable.Node, key, format string, args ...any) {
	d.problems.add(d.origin(at), key, format, args...)
}

// origin is the place of a node, as "file:line".
func (d *decoder) origin(at *unstable.Node) string {
	return fmt.Sprintf("%s:%d", d.name, d.parser.Shape(at.Raw).Start.Line)
}

// keyOf gives the parts of an expression's dotted key.
func keyOf(e *unstable.Node) (parts []string) {
	for it := e.Key(); it.Next(); {
		parts = append(parts, string(it.Node().Data))
	}
	return parts
}
