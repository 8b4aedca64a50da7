package config

import (
	"fmt"
	"reflect"
	"strings"

	"github.com/pgroute/pgroute/internal/secret"
)

// Change is a key whose value differs between two configurations.
type Change struct {
	Key      string
	Old, New string // printable; secrets are redacted
	Restart  bool   // a reload does not suffice
}

// String gives "pool.size: 20 -> 30", and says when a restart is needed.
func (ch Change) String() string {
	text := fmt.Sprintf("%s: %s -> %s", ch.Key, ch.Old, ch.New)
	if ch.Restart {
		text += " (needs a restart)"
	}
	return text
}

// Diff tells what changes from old to new, in the order of proxy.toml.
func Diff(old, new *Config) []Change {
	var changes []Change
	for _, s := range settings() {
		a, b := s.value(old), s.value(new)
		if same(a, b) {
			continue
		}
		changes = append(changes, Change{Key: s.key, Old: show(a), New: show(b), Restart: !s.reloads()})
	}
	return changes
}

// Shown is one key for people to read, as the console and logs show it.
type Shown struct {
	Key    string
	Value  string // as in proxy.toml; secrets are redacted
	Origin string // where it was set, "" for a default
	Reload bool   // a reload suffices to change it
}

// Show lists all keys in the order of proxy.toml.
func (c *Config) Show() []Shown {
	all := settings()
	shown := make([]Shown, len(all))
	for i := range all {
		s := &all[i]
		shown[i] = Shown{Key: s.key, Value: show(s.value(c)), Origin: c.origins[s.key], Reload: s.reloads()}
	}
	return shown
}

// same compares two values; an empty list equals none.
func same(a, b reflect.Value) bool {
	if a.Kind() == reflect.Slice && a.Len() == 0 && b.Len() == 0 {
		return true
	}
	return reflect.DeepEqual(a.Interface(), b.Interface())
}

// show prints a value as proxy.toml would have it. Nodes are secret because
// their connection strings may hold a password.
func show(v reflect.Value) string {
	switch x := v.Interface().(type) {
	case secret.Text:
		return secret.Placeholder
	case []string:
		quoted := make([]string, len(x))
		for i, item := range x {
			quoted[i] = fmt.Sprintf("%q", withoutPassword(item))
		}
		return "[" + strings.Join(quoted, ", ") + "]"
	case Duration, ByteSize:
		return fmt.Sprintf("%q", fmt.Sprint(x))
	}
	if v.Kind() == reflect.String {
		return fmt.Sprintf("%q", v.String())
	}
	return fmt.Sprint(v.Interface())
}
