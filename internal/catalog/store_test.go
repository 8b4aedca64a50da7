package catalog

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/pgroute/pgroute/router"
)

// fakePrimary stands for one database of a primary: its content is one
// function f, harmless or not, and every commit counts.
type fakePrimary struct {
	mu       sync.Mutex
	commits  int
	ddl      int
	volatile bool
	loads    int
	checks   int
	dials    int
	refuse   error
	loading  chan struct{} // when set, a load stops after reading until it is closed
}

func (p *fakePrimary) connect(context.Context, string) (source, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.dials++
	return p, p.refuse
}

func (p *fakePrimary) state() state {
	return state{snapshot: fmt.Sprint(p.commits), signature: fmt.Sprint("s", p.ddl)}
}

func (p *fakePrimary) check(_ context.Context, known string) (state, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.checks++
	s := p.state()
	if known == s.snapshot {
		s.signature = ""
	}
	return s, p.refuse
}

func (p *fakePrimary) load(context.Context) (*contents, state, error) {
	p.mu.Lock()
	p.loads++
	s, err, loading := p.state(), p.refuse, p.loading
	volatility := "s"
	if p.volatile {
		volatility = "v"
	}
	p.mu.Unlock()
	if loading != nil {
		<-loading
	}
	return &contents{version: 150000, functions: []functionRow{
		{OID: 20000, Schema: "public", Name: "f", Volatility: volatility, Kind: "f", Language: "sql"},
	}}, s, err
}

func (p *fakePrimary) close() {}

// commit makes a change; ddl says whether it is one to the catalogue.
func (p *fakePrimary) commit(ddl bool, f func()) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.commits++
	if ddl {
		p.ddl++
	}
	if f != nil {
		f()
	}
}

// with runs a test against a store over a fake primary, on a fake clock.
func with(t *testing.T, f func(t *testing.T, s *Store, p *fakePrimary)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		p := &fakePrimary{}
		s := New(Config{}, slog.New(slog.DiscardHandler))
		s.connect = p.connect
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan error, 1)
		go func() { done <- s.Run(ctx) }()
		f(t, s, p)
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
}

// verdict is what the store says of the function f now.
func verdict(s *Store) router.VerdictKind {
	return s.For("app").Lookup(router.KindFunction, nil, []byte("f"), router.DefaultSearchPath("u")).Kind
}

// settle lets everything under way come to rest and checks the verdict.
func settle(t *testing.T, s *Store, want router.VerdictKind, when string) {
	t.Helper()
	synctest.Wait()
	if got := verdict(s); got != want {
		t.Fatalf("%s: verdict %v, want %v", when, got, want)
	}
}

func TestDatabasesLoadOnDemand(t *testing.T) {
	with(t, func(t *testing.T, s *Store, p *fakePrimary) {
		if verdict(s) != router.VerdictUnknown {
			t.Error("known before it was loaded")
		}
		settle(t, s, router.VerdictHarmless, "loaded")
		if st := s.Databases(); len(st) != 1 || !st[0].Fresh || st[0].Counts.Functions != 1 {
			t.Errorf("%+v", st)
		}
	})
}

func TestQuietPrimaryIsNotLoadedAgain(t *testing.T) {
	with(t, func(t *testing.T, s *Store, p *fakePrimary) {
		verdict(s)
		synctest.Wait()
		version := s.For("app").Version()
		p.commit(false, nil)
		time.Sleep(time.Minute)
		synctest.Wait()
		if p.loads != 1 || p.checks < 50 {
			t.Errorf("%d loads, %d checks", p.loads, p.checks)
		}
		if s.For("app").Version() != version {
			t.Error("the version changed with nothing")
		}
	})
}

func TestForeignDDLIsFoundWithinTheInterval(t *testing.T) {
	with(t, func(t *testing.T, s *Store, p *fakePrimary) {
		verdict(s)
		settle(t, s, router.VerdictHarmless, "loaded")
		p.commit(true, func() { p.volatile = true })
		time.Sleep(time.Second + time.Millisecond)
		settle(t, s, router.VerdictPrimary, "after an interval")
	})
}

func TestReloadWithoutEffectKeepsTheVersion(t *testing.T) {
	with(t, func(t *testing.T, s *Store, p *fakePrimary) {
		verdict(s)
		synctest.Wait()
		version := s.For("app").Version()
		p.commit(true, nil)
		time.Sleep(2 * time.Second)
		synctest.Wait()
		if p.loads != 2 || s.For("app").Version() != version {
			t.Errorf("%d loads, version %d and then %d", p.loads, version, s.For("app").Version())
		}
	})
}

func TestHeldDatabaseKnowsNothingOfUsers(t *testing.T) {
	with(t, func(t *testing.T, s *Store, p *fakePrimary) {
		verdict(s)
		settle(t, s, router.VerdictHarmless, "loaded")
		first, second := s.Hold("app"), s.Hold("app")
		time.Sleep(10 * time.Second)
		settle(t, s, router.VerdictUnknown, "held twice")
		first.Release()
		time.Sleep(10 * time.Second)
		settle(t, s, router.VerdictUnknown, "held once")
		p.commit(true, func() { p.volatile = true })
		second.Release()
		settle(t, s, router.VerdictPrimary, "released")
	})
}

func TestRolledBackDDLCostsNoLoad(t *testing.T) {
	with(t, func(t *testing.T, s *Store, p *fakePrimary) {
		verdict(s)
		synctest.Wait()
		s.Hold("app").Release()
		settle(t, s, router.VerdictHarmless, "released")
		if p.loads != 1 {
			t.Errorf("%d loads", p.loads)
		}
	})
}

// A load that began before the DDL ended must not be believed, whatever the
// order in which the two end.
func TestLoadBegunBeforeDDLIsNotServed(t *testing.T) {
	for _, mark := range []func(s *Store){
		func(s *Store) { s.MarkStale("app") },
		func(s *Store) { s.Hold("app").Release() },
	} {
		with(t, func(t *testing.T, s *Store, p *fakePrimary) {
			p.loading = make(chan struct{})
			verdict(s)
			synctest.Wait() // it has read the old state
			loading := p.loading
			p.commit(true, func() { p.volatile, p.loading = true, nil })
			mark(s)
			close(loading)
			seen := verdict(s)
			for range 1000 {
				if seen == router.VerdictHarmless {
					t.Fatal("the old state was served")
				}
				seen = verdict(s)
			}
			settle(t, s, router.VerdictPrimary, "loaded again")
		})
	}
}

func TestCatalogueOutlivesThePrimary(t *testing.T) {
	with(t, func(t *testing.T, s *Store, p *fakePrimary) {
		verdict(s)
		settle(t, s, router.VerdictHarmless, "loaded")
		p.commit(true, func() { p.refuse = fmt.Errorf("dial: %w", ErrNoPrimary) })
		time.Sleep(9 * time.Minute)
		settle(t, s, router.VerdictHarmless, "without a primary")
		p.commit(true, func() { p.refuse, p.volatile = nil, true })
		s.PrimaryChanged()
		time.Sleep(20 * time.Second)
		settle(t, s, router.VerdictPrimary, "with another primary")
	})
}

func TestCatalogueIsDroppedWhenItCannotBeAsked(t *testing.T) {
	with(t, func(t *testing.T, s *Store, p *fakePrimary) {
		verdict(s)
		settle(t, s, router.VerdictHarmless, "loaded")
		p.commit(true, func() { p.refuse = errors.New("permission denied for database") })
		time.Sleep(10 * time.Second)
		settle(t, s, router.VerdictHarmless, "within the time of trust")
		time.Sleep(time.Minute)
		settle(t, s, router.VerdictUnknown, "after it")
		if st := s.Databases(); st[0].Err == "" || st[0].Fresh {
			t.Errorf("%+v", st[0])
		}
	})
}

func TestNewPrimaryIsLoadedAtOnce(t *testing.T) {
	with(t, func(t *testing.T, s *Store, p *fakePrimary) {
		verdict(s)
		synctest.Wait()
		p.commit(false, func() { p.volatile = true }) // a state whose signature cannot tell
		s.PrimaryChanged()
		settle(t, s, router.VerdictPrimary, "with another primary")
		if p.dials != 2 {
			t.Errorf("%d connections", p.dials)
		}
	})
}

func TestIdleDatabasesAreDropped(t *testing.T) {
	with(t, func(t *testing.T, s *Store, p *fakePrimary) {
		verdict(s)
		synctest.Wait()
		for range 6 {
			time.Sleep(5 * time.Minute)
			verdict(s)
		}
		if len(s.Databases()) != 1 {
			t.Fatal("dropped while in use")
		}
		time.Sleep(31 * time.Minute)
		synctest.Wait()
		if st := s.Databases(); len(st) != 0 {
			t.Errorf("%+v", st)
		}
	})
}

func TestNumberOfDatabasesIsBounded(t *testing.T) {
	with(t, func(t *testing.T, s *Store, p *fakePrimary) {
		for i := range 100 {
			s.For(fmt.Sprint("db", i))
			synctest.Wait()
		}
		if n := len(s.Databases()); n != 64 {
			t.Errorf("%d databases", n)
		}
	})
}

func TestSubscribersHearOfChanges(t *testing.T) {
	with(t, func(t *testing.T, s *Store, p *fakePrimary) {
		heard := make(chan string, 10)
		cancel := s.Subscribe(func(db string) { heard <- db })
		verdict(s)
		if db := <-heard; db != "app" {
			t.Error(db)
		}
		cancel()
		s.MarkStale("app")
		synctest.Wait()
		if len(heard) != 0 {
			t.Error("heard after the end")
		}
	})
}

func TestForAllocatesNothing(t *testing.T) {
	s := New(Config{}, slog.New(slog.DiscardHandler))
	d := newDatabase(s, "app")
	s.byName.Store(&map[string]*database{"app": d})
	if n := testing.AllocsPerRun(100, func() { s.For("app"); s.For("other") }); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

func BenchmarkFor(b *testing.B) {
	s := New(Config{}, slog.New(slog.DiscardHandler))
	s.byName.Store(&map[string]*database{"app": newDatabase(s, "app")})
	b.ReportAllocs()
	for b.Loop() {
		s.For("app")
	}
}
