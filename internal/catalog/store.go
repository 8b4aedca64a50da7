package catalog

import (
	"context"
	"errors"
	"log/slog"
	"maps"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/pgroute/pgroute/router"
)

// ErrNoPrimary is what Config.Dial returns while no primary is known.
var ErrNoPrimary = errors.New("no primary is known")

// Config says how catalogues are loaded and kept. Zero values get defaults.
type Config struct {
	// Dial connects to a database of the current primary as the monitor role;
	// ErrNoPrimary while there is none.
	Dial func(ctx context.Context, database string) (*pgx.Conn, error)
	// Interval is the time between two looks for changes; 1 s. It grows to
	// fifty times what a look costs.
	Interval time.Duration
	// Timeout bounds connecting and a look, and a tenth of a load; 5 s.
	Timeout time.Duration
	// Trust is how long a catalogue is used when the primary is there but
	// cannot be asked; 30 s.
	Trust time.Duration
	// Idle is how long a database is kept that no session uses; 10 min.
	Idle time.Duration
	// Databases bounds how many are kept at once; 64. Others have only
	// built-in objects.
	Databases int
	// Harmless and Primary are functions that configuration judges, "name" or
	// "schema.name".
	Harmless, Primary []string
}

// defaulted fills in the defaults.
func (c Config) defaulted() Config {
	set := func(d *time.Duration, to time.Duration) {
		if *d <= 0 {
			*d = to
		}
	}
	set(&c.Interval, time.Second)
	set(&c.Timeout, 5*time.Second)
	set(&c.Trust, 30*time.Second)
	set(&c.Idle, 10*time.Minute)
	if c.Databases <= 0 {
		c.Databases = 64
	}
	return c
}

// Store holds the catalogues of all databases in use. For, MarkStale, Hold,
// Release and Databases may be called from anywhere at any time.
type Store struct {
	cfg       Config
	log       *slog.Logger
	connect   func(ctx context.Context, database string) (source, error)
	overrides *overrides
	unloaded  *unloaded

	byName   atomic.Pointer[map[string]*database] // replaced by Run only
	wanted   chan string
	epoch    atomic.Uint64 // counts looks at the idle databases
	primary  atomic.Uint64 // counts changes of the primary
	versions atomic.Uint64

	mu       sync.Mutex
	builtins map[int]*router.Builtins // by major version
	watchers map[int]func(database string)
	watcher  int
}

// New makes a store; Run fills it.
func New(cfg Config, log *slog.Logger) *Store {
	s := &Store{
		cfg: cfg.defaulted(), log: log,
		overrides: newOverrides(cfg.Harmless, cfg.Primary),
		wanted:    make(chan string, 64),
		builtins:  map[int]*router.Builtins{},
		watchers:  map[int]func(string){},
	}
	s.unloaded = &unloaded{builtins: s.builtinsOf(newestMajor), version: s.versions.Add(1)}
	s.byName.Store(&map[string]*database{})
	s.connect = func(ctx context.Context, database string) (source, error) {
		return dial(ctx, s.cfg, database)
	}
	return s
}

// newestMajor asks router.Builtin for the newest version it has.
const newestMajor = 99

// builtinsOf gives the built-in objects of a version; they are shared.
func (s *Store) builtinsOf(version int) *router.Builtins {
	if version >= 10000 {
		version /= 10000
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	b := s.builtins[version]
	if b == nil {
		b = router.Builtin(version)
		s.builtins[version] = b
	}
	return b
}

// For gives the catalogue of a database as it is now; a session asks for every
// statement it classifies. A database asked for the first time is loaded in
// the background. Never blocks, allocates nothing.
func (s *Store) For(name string) router.Catalog {
	if d := (*s.byName.Load())[name]; d != nil {
		if e := s.epoch.Load(); d.touched.Load() != e {
			d.touched.Store(e)
		}
		return d.served.Load().catalog
	}
	select {
	case s.wanted <- name:
	default: // the next statement asks again
	}
	return s.unloaded
}

// MarkStale forgets what is known of a database until a look at it that begins
// after this call. For a single moment; see Hold for DDL under way.
func (s *Store) MarkStale(name string) {
	if d := (*s.byName.Load())[name]; d != nil {
		d.markStale()
	}
}

// Hold forgets what is known of a database until as many calls of Release as
// of Hold, and a look that begins after the last of them. It is called before
// DDL, or the end of a transaction with DDL, is sent.
func (s *Store) Hold(name string) *Holder {
	h := &Holder{store: s, name: name, d: (*s.byName.Load())[name]}
	if h.d != nil {
		h.d.hold()
	}
	return h
}

// Holder stands for one Hold.
type Holder struct {
	store *Store
	name  string
	d     *database // nil when the database was not followed then
}

// Release ends the Hold, after the end of the transaction was acknowledged or
// its connection was lost.
func (h *Holder) Release() {
	if h.d != nil {
		h.d.release()
		return
	}
	h.store.MarkStale(h.name)
}

// PrimaryChanged makes every database be loaded anew, from the new primary.
// Until then what is known stays in use.
func (s *Store) PrimaryChanged() {
	s.primary.Add(1)
	for _, d := range *s.byName.Load() {
		d.kick()
	}
}

// Subscribe has f called, from any goroutine and without delay, whenever the
// catalogue of a database was replaced.
func (s *Store) Subscribe(f func(database string)) (cancel func()) {
	s.mu.Lock()
	defer s.mu.Unlock()
	id := s.watcher
	s.watcher++
	s.watchers[id] = f
	return func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		delete(s.watchers, id)
	}
}

// notify tells the subscribers.
func (s *Store) notify(name string) {
	s.mu.Lock()
	calls := slices.Collect(maps.Values(s.watchers))
	s.mu.Unlock()
	for _, f := range calls {
		f(name)
	}
}

// Databases tells the state of every database, by name.
func (s *Store) Databases() []Status {
	var all []Status
	for _, d := range *s.byName.Load() {
		all = append(all, d.report())
	}
	slices.SortFunc(all, func(a, b Status) int { return strings.Compare(a.Database, b.Database) })
	return all
}
