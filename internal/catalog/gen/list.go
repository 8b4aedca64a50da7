package main

import (
	"bytes"
	"fmt"
	"slices"
	"strings"
)

// key names one object: all overloads of a name are one.
type key struct{ kind, name string }

// list is the output under construction.
type list struct {
	servers [newest + 1]string
	// volatility has one character per version, oldest first.
	volatility map[key]*[newest - oldest + 1]byte
	functions  map[string]map[string]bool // of views, by name
}

func newList() *list {
	return &list{
		volatility: map[key]*[newest - oldest + 1]byte{},
		functions:  map[string]map[string]bool{},
	}
}

// qualified leaves out the schema that is always searched.
func qualified(schema, name string) string {
	if schema == "pg_catalog" {
		return name
	}
	return schema + "." + name
}

// add notes an object of one version; of several with one name the worst
// volatility counts, which is the last in the order of the alphabet.
func (l *list) add(kind, schema, name string, major int, volatility byte) {
	k := key{kind, qualified(schema, name)}
	v := l.volatility[k]
	if v == nil {
		v = &[newest - oldest + 1]byte{}
		for i := range v {
			v[i] = '-'
		}
		l.volatility[k] = v
	}
	v[major-oldest] = max(v[major-oldest], volatility)
}

// reaches notes that a view calls a function.
func (l *list) reaches(schema, view, function string) {
	name := qualified(schema, view)
	if l.functions[name] == nil {
		l.functions[name] = map[string]bool{}
	}
	l.functions[name][function] = true
}

// write renders the list, sorted, one object to a line.
func (l *list) write(b *bytes.Buffer) {
	fmt.Fprintf(b, "# Built-in objects of PostgreSQL, made by internal/catalog/gen; do not edit.\n")
	fmt.Fprintf(b, "# Servers: %s\n", strings.Join(l.servers[oldest:], " "))
	fmt.Fprintf(b, "# kind name volatility-per-version functions-of-a-view\n")
	keys := make([]key, 0, len(l.volatility))
	for k := range l.volatility {
		keys = append(keys, k)
	}
	slices.SortFunc(keys, func(a, b key) int {
		return strings.Compare(a.kind+" "+a.name, b.kind+" "+b.name)
	})
	for _, k := range keys {
		fmt.Fprintf(b, "%s %s %s", k.kind, k.name, l.volatility[k][:])
		if k.kind == "v" {
			for _, f := range sorted(l.functions[k.name]) {
				fmt.Fprintf(b, " %s", f)
			}
		}
		b.WriteByte('\n')
	}
}
