package router

import (
	"fmt"
	"strings"
	"testing"
)

func TestCacheGivesWhatClassifyGives(t *testing.T) {
	cat, path := newUserCatalog(17), DefaultSearchPath("alice")
	c := NewCache(1 << 20)
	for range 6 { // seen, stored, then found
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
	// The first look only remembers that the text came, so the first context
	// is stored a round later than the others.
	if s := c.Stats(); s.Misses != 5 || s.Hits != 3 {
		t.Errorf("%+v", s)
	}
}

func TestCacheIsBoundedInBytes(t *testing.T) {
	const limit = 256 << 10
	cat := newUserCatalog(17)
	c := NewCache(limit)
	for i := range 2000 {
		c.Classify([]byte(fmt.Sprintf("SELECT '%s'", strings.Repeat("x", 5*(i%400)))), cat, nil, nil)
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

func TestCacheDoesNotStoreWhatComesOnce(t *testing.T) {
	cat, c := newUserCatalog(17), NewCache(1<<20)
	text := []byte("SELECT a FROM t WHERE a = 00000000")
	i := 0
	next := func() {
		i++
		copy(text[len(text)-8:], fmt.Appendf(nil, "%08d", i))
	}
	for range 10_000 {
		next()
		c.Classify(text, cat, nil, nil)
	}
	if s := c.Stats(); s.Entries > 100 { // by chance, a fingerprint meets another
		t.Errorf("%d of 10,000 texts that came once are stored", s.Entries)
	}
}

func TestCacheJudgesTheSameTextInARowOnce(t *testing.T) {
	cat, c := newUserCatalog(17), NewCache(1<<20)
	text := []byte("SELECT 1")
	c.Classify(text, cat, nil, nil)
	c.Classify(text, cat, nil, nil)
	if s := c.Stats(); s.Misses != 1 || s.Hits != 1 {
		t.Errorf("%+v", s)
	}
	copy(text, "DELETE 1") // in the same buffer
	if s := c.Classify(text, cat, nil, nil); s.Class == ClassRead {
		t.Error("a text was taken for the one before it in the buffer")
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
