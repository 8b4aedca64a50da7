package router

import (
	"bytes"
	"hash/maphash"
	"unsafe"

	"github.com/hashicorp/golang-lru/v2/simplelru"
)

// Cache remembers classifications by text, so that a hot statement is judged
// once. It belongs to one goroutine, such as an event loop, and is bounded in
// bytes: the least recently used texts go first.
type Cache struct {
	lru        *simplelru.LRU[cacheKey, *Script]
	classifier Classifier
	bytes      int
	limit      int
	stats      CacheStats

	// last is the classification of lastText, which may not be stored.
	last        Script
	lastText    []byte
	lastContext uint64
	// seen holds fingerprints of texts that came once. A text is stored when
	// it comes again: those with literals in them never do, and would only
	// push out the others.
	seen [seenTexts]uint32
	seed maphash.Seed
}

// seenTexts is how many fingerprints are kept, a power of two.
const seenTexts = 1 << 12

// CacheStats counts what a Cache did since it was made.
type CacheStats struct {
	Hits, Misses, Evictions uint64
	Entries, Bytes          int
}

// cacheKey is a text and what else its classification depends on.
type cacheKey struct {
	text    string
	context uint64
}

const (
	// entryOverhead is what an entry takes beside its text, in bytes, roughly:
	// the Script, the list element and its place in the map.
	entryOverhead = int(unsafe.Sizeof(Script{})) + 160
	// maxShare keeps one text from emptying the cache: longer ones than this
	// part of the limit are classified anew each time.
	maxShare = 16
	// maxEntries stands in for no bound on the count; bytes bound the cache.
	maxEntries = 1 << 30
)

// NewCache makes a cache of at most limit bytes; at least 64 KiB.
func NewCache(limit int) *Cache {
	c := &Cache{limit: max(limit, 64<<10), seed: maphash.MakeSeed()}
	lru, err := simplelru.NewLRU(maxEntries, c.evicted)
	if err != nil {
		panic(err) // only a size below one is refused
	}
	c.lru = lru
	return c
}

// evicted keeps the account of bytes.
func (c *Cache) evicted(k cacheKey, s *Script) { c.bytes -= entrySize(k, s) }

// entrySize is what an entry counts for.
func entrySize(k cacheKey, s *Script) int {
	return len(k.text) + entryOverhead + len(s.spill)*int(unsafe.Sizeof(Statement{})) +
		len(s.settingSpill)*int(unsafe.Sizeof(Setting{}))
}

// Classify is the function of that name with a memory. The Script must not be
// changed and is valid until the next call. Only a text that is stored, which
// it is when it comes for the second time, costs an allocation.
func (c *Cache) Classify(text []byte, cat Catalog, path *SearchPath, opts *Options) *Script {
	// The key borrows the text for the look-up only; what is stored is a copy.
	key := cacheKey{unsafe.String(unsafe.SliceData(text), len(text)), contextOf(cat, path, opts)}
	if s, ok := c.lru.Get(key); ok {
		c.stats.Hits++
		return s
	}
	if key.context == c.lastContext && bytes.Equal(text, c.lastText) {
		c.stats.Hits++
		return &c.last
	}
	c.stats.Misses++
	c.classifier.Classify(&c.last, text, cat, path, opts)
	c.lastText, c.lastContext = append(c.lastText[:0], text...), key.context
	if len(text) <= c.limit/maxShare && c.again(text) {
		s := new(Script)
		*s = c.last
		key.text = string(text)
		c.add(key, s)
	}
	return &c.last
}

// again reports whether a text has come before, and remembers that it has.
func (c *Cache) again(text []byte) bool {
	h := maphash.Bytes(c.seed, text)
	slot, print := &c.seen[h%seenTexts], uint32(h>>32)|1
	if *slot == print {
		return true
	}
	*slot = print
	return false
}

// add makes room and stores.
func (c *Cache) add(key cacheKey, s *Script) {
	c.bytes += entrySize(key, s)
	c.lru.Add(key, s)
	for c.bytes > c.limit {
		c.stats.Evictions++
		c.lru.RemoveOldest()
	}
}

// contextOf mixes what a classification depends on beside the text. Versions
// and path IDs are few and random enough not to meet.
func contextOf(cat Catalog, path *SearchPath, opts *Options) uint64 {
	h := cat.Version()*0x9E3779B97F4A7C15 ^ path.ID()
	if opts != nil {
		h = h*4 + uint64(opts.Encoding)
		if opts.EscapeStrings {
			h = ^h
		}
	}
	return h
}

// Stats tells how the cache does.
func (c *Cache) Stats() CacheStats {
	s := c.stats
	s.Entries, s.Bytes = c.lru.Len(), c.bytes
	return s
}

// Purge forgets everything.
func (c *Cache) Purge() { c.lru.Purge() }
