package router

import (
	"strings"
	"testing"
)

// eachBuiltin calls f for every line of the generated list.
func eachBuiltin(f func(kind, name, volatility string, functions []string)) {
	for line := range strings.Lines(builtinData) {
		if w := strings.Fields(line); w[0] != "#" {
			f(w[0], w[1], w[2], w[3:])
		}
	}
}

func TestEveryVolatileBuiltinIsJudged(t *testing.T) {
	seen := 0
	eachBuiltin(func(kind, name, volatility string, _ []string) {
		if kind != "f" || !strings.Contains(volatility, "v") {
			return
		}
		seen++
		if _, ok := judged(name); !ok {
			t.Errorf("%s (%s) has no judgement", name, volatility)
		}
	})
	if seen < 200 {
		t.Fatalf("only %d volatile functions in the list", seen)
	}
}

func TestBuiltinOperatorsAndTypesNeedNoLookup(t *testing.T) {
	eachBuiltin(func(kind, name, volatility string, _ []string) {
		if (kind == "o" || kind == "t") && strings.Contains(volatility, "v") {
			t.Errorf("%s %s (%s) runs a volatile function: Traits must not promise otherwise", kind, name, volatility)
		}
	})
}

func TestBuiltinListCoversEveryVersion(t *testing.T) {
	count := map[string][builtinNewest - builtinOldest + 1]int{}
	eachBuiltin(func(kind, name, volatility string, _ []string) {
		if len(volatility) != builtinNewest-builtinOldest+1 || strings.Trim(volatility, "isvx-") != "" {
			t.Fatalf("%s %s: %q", kind, name, volatility)
		}
		c := count[kind]
		for i := range volatility {
			if volatility[i] != '-' {
				c[i]++
			}
		}
		count[kind] = c
	})
	for kind, least := range map[string]int{"f": 2500, "o": 70, "t": 90, "r": 60, "v": 120} {
		for i, n := range count[kind] {
			if n < least {
				t.Errorf("version %d: only %d objects of kind %s", builtinOldest+i, n, kind)
			}
		}
	}
}

func TestBuiltinVerdicts(t *testing.T) {
	for _, c := range []struct {
		kind   ObjectKind
		schema string
		name   string
		want   Reason
	}{
		{KindFunction, "", "random", ReasonRead},
		{KindFunction, "", "lower", ReasonRead},
		{KindFunction, "", "now", ReasonRead},
		{KindFunction, "", "count", ReasonRead},
		{KindFunction, "", "coalesce", ReasonRead},
		{KindFunction, "", "int4", ReasonRead},
		{KindFunction, "pg_catalog", "gen_random_uuid", ReasonRead},
		{KindFunction, "", "nextval", ReasonSequence},
		{KindFunction, "", "lastval", ReasonSequence},
		{KindFunction, "", "set_config", ReasonSetting},
		{KindFunction, "", "pg_advisory_lock", ReasonAdvisoryLock},
		{KindFunction, "", "pg_try_advisory_xact_lock", ReasonAdvisoryLock},
		{KindFunction, "", "pg_export_snapshot", ReasonSnapshot},
		{KindFunction, "", "txid_current", ReasonTransactionID},
		{KindFunction, "", "pg_current_xact_id", ReasonTransactionID},
		{KindFunction, "", "lo_create", ReasonLargeObject},
		{KindFunction, "", "pg_notify", ReasonNotify},
		{KindFunction, "", "pg_is_in_recovery", ReasonRoleProbe},
		{KindFunction, "", "pg_terminate_backend", ReasonNodeControl},
		{KindFunction, "", "pg_wal_replay_pause", ReasonNodeControl},
		{KindFunction, "", "pg_read_file", ReasonNodeLocal},
		{KindFunction, "", "query_to_xml", ReasonVolatileFunction},
		{KindFunction, "", "no_such_function", ReasonUnknownFunction},
		{KindFunction, "public", "lower", ReasonUnknownFunction},
		{KindRelation, "", "pg_class", ReasonRead},
		{KindRelation, "pg_catalog", "pg_tables", ReasonRead},
		{KindRelation, "", "pg_stat_activity", ReasonNodeLocal},
		{KindRelation, "", "pg_locks", ReasonNodeLocal},
		{KindRelation, "", "pg_replication_slots", ReasonNodeLocal},
		{KindRelation, "", "pg_settings", ReasonNodeLocal},
		{KindRelation, "", "pg_cursors", ReasonCursor},
		{KindRelation, "", "pg_prepared_statements", ReasonPrepared},
		{KindRelation, "", "pg_sequences", ReasonSequence},
		{KindRelation, "information_schema", "tables", ReasonRead},
		{KindRelation, "information_schema", "columns", ReasonRead},
		{KindRelation, "pg_temp", "anything", ReasonTemporary},
		{KindRelation, "pg_toast", "pg_toast_1255", ReasonRead},
		{KindRelation, "", "users", ReasonUnknownRelation},
		{KindOperator, "", "||", ReasonRead},
		{KindOperator, "", "~~@~~", ReasonNone},
		{KindType, "", "int4", ReasonRead},
		{KindType, "", "integer", ReasonRead},
		{KindType, "", "_text", ReasonRead},
		{KindType, "", "regclass", ReasonRead},
		{KindType, "", "pg_class", ReasonRead},
		{KindType, "information_schema", "cardinal_number", ReasonRead},
		{KindType, "", "mytype", ReasonNone},
	} {
		for major := builtinOldest; major <= builtinNewest; major++ {
			var schema []byte
			if c.schema != "" {
				schema = []byte(c.schema)
			}
			v := Builtin(major).Lookup(c.kind, schema, []byte(c.name), DefaultSearchPath("app"))
			if v.Reason != c.want || (v.Kind == VerdictHarmless) != (c.want == ReasonRead) {
				t.Errorf("version %d: kind %d %s.%s: %v %s, want %s", major, c.kind, c.schema, c.name, v.Kind, v.Reason, c.want)
			}
		}
	}
}

func TestBuiltinFollowsTheVersion(t *testing.T) {
	known := func(version int) bool {
		return Builtin(version).Lookup(KindFunction, nil, []byte("array_shuffle"), nil).Kind == VerdictHarmless
	}
	if known(150018) || known(13) || !known(16) || !known(180004) || !known(190000) {
		t.Error("array_shuffle came with 16")
	}
}

func TestInformationSchemaOnThePath(t *testing.T) {
	path, err := ParseSearchPath("information_schema, public", "app")
	if err != nil {
		t.Fatal(err)
	}
	b := Builtin(15)
	if v := b.Lookup(KindRelation, nil, []byte("columns"), path); v.Kind != VerdictHarmless {
		t.Errorf("columns: %+v", v)
	}
	if v := b.Lookup(KindRelation, nil, []byte("columns"), DefaultSearchPath("app")); v.Kind != VerdictUnknown {
		t.Errorf("columns without the schema: %+v", v)
	}
}

func TestAssumingKnowsTables(t *testing.T) {
	b := Builtin(15).Assuming()
	if v := b.Lookup(KindRelation, nil, []byte("users"), nil); v.Kind != VerdictHarmless {
		t.Errorf("users: %+v", v)
	}
	if v := b.Lookup(KindFunction, nil, []byte("f"), nil); v.Kind != VerdictUnknown {
		t.Errorf("f: %+v", v)
	}
	if b.Version() == Builtin(15).Version() {
		t.Error("two catalogues of one version number")
	}
}

func TestBuiltinLookupAllocatesNothing(t *testing.T) {
	b := Builtin(15)
	path := DefaultSearchPath("app")
	long := []byte("a_name_longer_than_the_thirty_two_bytes_of_a_stack_buffer_______")
	name, schema := []byte("gen_random_uuid"), []byte("information_schema")
	n := testing.AllocsPerRun(100, func() {
		b.Lookup(KindFunction, nil, name, path)
		b.Lookup(KindFunction, nil, long, nil)
		b.Lookup(KindRelation, schema, long, path)
		b.Lookup(KindRelation, long, long, path)
	})
	if n != 0 {
		t.Errorf("%v allocations", n)
	}
}

func BenchmarkBuiltinLookup(b *testing.B) {
	c := Builtin(15)
	path := DefaultSearchPath("app")
	name := []byte("generate_series")
	b.ReportAllocs()
	for b.Loop() {
		c.Lookup(KindFunction, nil, name, path)
	}
}

func BenchmarkBuiltin(b *testing.B) {
	b.ReportAllocs()
	for b.Loop() {
		Builtin(18)
	}
}
