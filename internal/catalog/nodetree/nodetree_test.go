package nodetree

import (
	"slices"
	"testing"
)

// tree has the shape of SELECT nextval('s') + 1 FROM t WHERE (a, b) < (1, 2),
// with what a name must not smuggle in.
const tree = `({QUERY :commandType 1 :hasForUpdate false :rtable ({RANGETBLENTRY :alias <> ` +
	`:eref {ALIAS :aliasname t :colnames ("a" "b" "x\ :funcid\ 99")} :rtekind 0 :relid 16384 :inh true}) ` +
	`:targetList ({TARGETENTRY :expr {OPEXPR :opno 684 :opfuncid 463 :opresulttype 20 :args ({FUNCEXPR :funcid 1574 ` +
	`:funcresulttype 20 :args <>} {CONST :consttype 20})}}) :whereClause {ROWCOMPAREEXPR :opnos (o 97 97 664) ` +
	`:opfamilies (o 1976 1976)} :sortClause ({SORTGROUPCLAUSE :eqop 96 :sortop 0})})`

func TestScanFindsWhatIsReferredTo(t *testing.T) {
	r := Scan(tree)
	for _, c := range []struct {
		what      string
		got, want []uint32
	}{
		{"functions", r.Functions, []uint32{463, 1574}},
		{"operators", r.Operators, []uint32{96, 97, 664, 684}},
		{"relations", r.Relations, []uint32{16384}},
		{"types", r.Types, []uint32{20}},
	} {
		if !slices.Equal(c.got, c.want) {
			t.Errorf("%s: %v, want %v", c.what, c.got, c.want)
		}
	}
	if r.Locks {
		t.Error("nothing in it locks")
	}
}

func TestScanSeesRowLocks(t *testing.T) {
	if !Scan("({QUERY :hasDistinctOn false :hasForUpdate true :isReturn false})").Locks {
		t.Error("FOR UPDATE not seen")
	}
}

func FuzzScan(f *testing.F) {
	f.Add(tree)
	f.Add("{X :funcid")
	f.Add("{X :opnos (o 1")
	f.Fuzz(func(t *testing.T, s string) {
		for _, o := range Scan(s).Functions {
			if o == 0 {
				t.Fatal("no object has OID 0")
			}
		}
	})
}
