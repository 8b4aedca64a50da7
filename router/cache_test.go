package router

import (
	"fmt"
	"strings"
	"testing"
)

func TestCacheGivesWhatClassifyGives(t *testing.T) {
	cat, path := newUserCatalog(17), DefaultSearchPath("alice")
	c := NewCache(1 << 20)
	for range 2 {
		for _, e := range readCorpus(t, "testdata/classify/*.txt") {
			text := []byte(e.text)
			want := Classify(text, cat, path, &Options{})
			got := c.Classify(text, cat, path, &Options{})
			if outcome(got) != outcome(&want) || got.Hint != want.Hint {
				t.Fatalf("%s: %s, cached %s", text, outcome(&want), outcome(got))
			}
			clear(text) // the caller's buffer is used again
		}
	}
	if s := c.Stats(); s.Hits < s.Misses || s.Entries == 0 {
		t.Errorf("%+v", s)
	}
}

func TestCacheKeepsContextsApart(t *testing.T) {
	c := NewCache(1 << 20)
	old, now := Builtin(13).Assuming(), Builtin(18).Assuming()
	text := []byte(`SELECT uuidv7(), 'a\' -- '`)
	path := DefaultSearchPath("alice")
	for range 2 {
		if s := c.Classify(text, old, path, nil); s.Class != ClassUnknown {
			t.Fatal(outcome(s))
		}
		if s := c.Classify(text, now, path, nil); s.Class != ClassRead {
			t.Fatal(outcome(s))
		}
		if s := c.Classify(text, now, path, &Options{EscapeStrings: true}); s.Class != ClassRead {
			t.Fatal(outcome(s))
		}
		if s := c.Classify(text, now, nil, &Options{Encoding: EncodingUnsafe}); s.Class != ClassUnknown {
			t.Fatal(outcome(s))
		}
	}
	if s := c.Stats(); s.Misses != 4 || s.Hits != 4 {
		t.Errorf("%+v", s)
	}
}

func TestCacheIsBoundedInBytes(t *testing.T) {
	const limit = 256 << 10
	cat := newUserCatalog(17)
	c := NewCache(limit)
	for i := range 5000 {
		c.Classify([]byte(fmt.Sprintf("SELECT %d, '%s'", i, strings.Repeat("x", i%2000))), cat, nil, nil)
		if s := c.Stats(); s.Bytes > limit || s.Bytes < 0 {
			t.Fatalf("%+v", s)
		}
	}
	s := c.Stats()
	if s.Evictions == 0 || s.Entries < 50 {
		t.Errorf("%+v", s)
	}
	c.Classify([]byte("SELECT '"+strings.Repeat("x", limit)+"'"), cat, nil, nil)
	if after := c.Stats(); after.Entries != s.Entries {
		t.Errorf("a text as large as the cache was kept: %+v", after)
	}
	c.Purge()
	if s := c.Stats(); s.Entries != 0 || s.Bytes != 0 {
		t.Errorf("after Purge %+v", s)
	}
}

func TestCacheHitAllocatesNothing(t *testing.T) {
	cat, path := newUserCatalog(17), DefaultSearchPath("alice")
	c := NewCache(1 << 20)
	c.Classify(benchText, cat, path, nil)
	if n := testing.AllocsPerRun(100, func() { c.Classify(benchText, cat, path, nil) }); n != 0 {
		t.Errorf("%v allocations", n)
	}
}
