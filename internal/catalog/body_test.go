package catalog

import (
	"slices"
	"testing"

	"github.com/pgroute/pgroute/router"
)

func TestWordsOfASource(t *testing.T) {
	for source, want := range map[string][]string{
		`SELECT nextval('s')`:                       {"select", "nextval", "s"},
		"a -- nextval\nb /* setval\n */ c":          {"a", "b", "c"},
		`EXECUTE 'SELECT ' || quote_ident(x)`:       {"execute", "select", "quote_ident", "x"},
		`"Mixed Case"(1), lower."x"`:                {"Mixed Case", "lower", "x"},
		`SELECT $1 + a1_$x`:                         {"select", "a1_$x", "a1_", "x"},
		`größe(ÄB)`:                                 {"größe", "äb"},
		"/* not closed nextval":                     nil,
		`"not closed`:                               {"not closed"},
		"$body$ SELECT f() $body$":                  {"body$", "body", "", "select", "f", "body$", "body", ""},
		"SELECT 1::checked, t.row_writes, 2e3, e''": {"select", "checked", "t", "row_writes", "e3", "e"},
	} {
		var got []string
		words(source, func(word string, _ bool) { got = append(got, word) })
		if !slices.Equal(got, want) {
			t.Errorf("%q: %q, want %q", source, got, want)
		}
	}
}

func TestEffectsOfASource(t *testing.T) {
	const state, write = router.EffectUnknownState, router.EffectWrite
	for source, want := range map[string]router.Effects{
		"BEGIN RETURN 1; END":                                        0,
		"BEGIN UPDATE t SET a = 1; RETURN 1; END":                    write,
		"INSERT INTO t VALUES ('x') ON CONFLICT DO UPDATE SET a = 1": write,
		"BEGIN SET app.x = 1; END":                                   state,
		"SET LOCAL app.x = 1":                                        0,
		"BEGIN SET CONSTRAINTS ALL DEFERRED; END":                    0,
		"BEGIN IF a THEN SET x TO 1; END IF; END":                    state,
		"BEGIN EXECUTE q; END":                                       state | write,
		"BEGIN EXECUTE 'set x = 1'; END":                             state | write,
		"BEGIN LISTEN x; END":                                        router.EffectListen,
		"CREATE TEMP TABLE x (i int)":                                write | router.EffectDDL | router.EffectCatalog | router.EffectTempTable,
		"-- INSERT\nSELECT 1":                                        0,
	} {
		if got := bodyEffects(source); got != want {
			t.Errorf("%q: %s, want %s", source, got, want)
		}
	}
}

func FuzzWords(f *testing.F) {
	f.Add(`SELECT "a" -- b`)
	f.Add("/* $ ' ")
	f.Fuzz(func(t *testing.T, source string) {
		n := 0
		words(source, func(word string, _ bool) { n++ })
		if n > 2*len(source) {
			t.Fatalf("%d words in %d bytes", n, len(source))
		}
	})
}

// What is known of a database before it is loaded must never make a read of
// what users may have made.
func TestUnloadedKnowsOnlyTheSystem(t *testing.T) {
	u := &unloaded{builtins: router.Builtin(17)}
	for sql, want := range map[string]router.Class{
		"SELECT 1": router.ClassRead,
		"SELECT relname FROM pg_catalog.pg_class":     router.ClassRead,
		"SELECT 'x'::text":                            router.ClassRead,
		"SELECT pg_catalog.lower('X')":                router.ClassRead,
		"SELECT lower('X')":                           router.ClassUnknown,
		"SELECT 1 + 1":                                router.ClassUnknown,
		"SELECT * FROM t":                             router.ClassUnknown,
		"SELECT * FROM public.t":                      router.ClassUnknown,
		"SELECT f()":                                  router.ClassUnknown,
		"SELECT '1'::mytype":                          router.ClassUnknown,
		"SELECT pid FROM pg_catalog.pg_stat_activity": router.ClassWrite,
		"SELECT pg_catalog.pg_advisory_lock(1)":       router.ClassWrite,
	} {
		sc := router.Classify([]byte(sql), u, router.DefaultSearchPath("app"), &router.Options{})
		if sc.Class != want {
			t.Errorf("%s: %s (%s), want %s", sql, sc.Class, sc.Reason, want)
		}
	}
	path, err := router.ParseSearchPath("public, pg_catalog", "app")
	if err != nil {
		t.Fatal(err)
	}
	if sc := router.Classify([]byte("SELECT relname FROM pg_class"), u, path, &router.Options{}); sc.Class != router.ClassUnknown {
		t.Errorf("pg_catalog last: %s", sc.Class)
	}
}
