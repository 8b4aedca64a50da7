package secret

import (
	"bytes"
	"encoding/json"
	"fmt"
	"log/slog"
	"strings"
	"testing"
)

// holder is a struct as other packages build them: secrets in unexported
// fields, where fmt cannot reach a method of the field.
type holder struct {
	Redacted
	inner Text
	key   [4]byte
}

func TestNothingPrintsASecret(t *testing.T) {
	const word = "hunter2"
	values := []any{New(word), &holder{inner: New(word), key: [4]byte{'h', 'u', 'n', 't'}},
		holder{inner: New(word)}, []Text{New(word)}, map[string]any{"x": New(word)},
		struct{ T Text }{New(word)}}
	for _, v := range values {
		for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%d"} {
			out := fmt.Sprintf(verb, v)
			if strings.Contains(out, word) || strings.Contains(out, "68756e74") || strings.Contains(out, "104") {
				t.Errorf("%s of %T shows the secret: %s", verb, v, out)
			}
		}
		if b, err := json.Marshal(v); err != nil || bytes.Contains(b, []byte(word)) {
			t.Errorf("JSON of %T: %s, %v", v, b, err)
		}
		var log bytes.Buffer
		slog.New(slog.NewTextHandler(&log, nil)).Info("x", "v", v)
		if strings.Contains(log.String(), word) {
			t.Errorf("log of %T shows the secret: %s", v, &log)
		}
	}
}

func TestTextComparesAndReveals(t *testing.T) {
	var a Text
	if !a.IsZero() || a.UnmarshalText([]byte("x")) != nil || a.Reveal() != "x" {
		t.Fatal("UnmarshalText does not keep the text")
	}
	if !a.Equal(New("x")) || a.Equal(New("y")) || a.Equal(New("xx")) {
		t.Fatal("Equal is wrong")
	}
}
