package main

import (
	"math/rand/v2"
	"strings"

	"github.com/pgroute/pgroute/router/sqlscan"
)

// spice is what mutations put in: things that need the primary, and words that
// mean one thing here and another there.
var spice = []string{
	"writes()", "writes(1)", "writes", "wview", "public.wview", "wtype", "::wtype", "<=>", "nofunction(1)", ".writes",
	"for update", "into n", "(delete from t)", "(table wview)", "(select writes())", "as", "as x", "x", "(a, b)", "(", ")",
	",", ".", "from", "from wview", "join", "on", "using", "using (a)", "distinct", "is distinct from", "lateral", "only",
	"tablesample", "with", "with ordinality", "recursive", "over", "filter", "within group", "order by", "group by", "values",
	"table", "rows from", "array", "row", "cast", "between", "and", "like", "case", "end", "default", "path", "columns",
	"extract", "substring", "for", "no", "key", "update", "delete", "insert", "merge", "set", "returning", "operator",
	"collate", "interval", "timestamp", "zone", "at", "'x'", "1", "$1", "*", "-", "[", "]", "::", "current_date", "value",
}

// mutate makes count texts out of those given: a few tokens of one replaced,
// dropped, doubled or joined by spice or by tokens of another. Most of them
// the parser refuses; the rest goes where no generator thought of going.
func mutate(texts []string, count int, seed uint64) []string {
	r := rand.New(rand.NewPCG(seed, 3))
	var pool [][]string
	for _, text := range texts {
		if words := words(text); len(words) > 0 && len(words) < 120 {
			pool = append(pool, words)
		}
	}
	if len(pool) == 0 {
		return nil
	}
	all := make([]string, 0, count)
	for range count {
		words := append([]string(nil), pool[r.IntN(len(pool))]...)
		for range 1 + r.IntN(3) {
			words = mutateOnce(r, words, pool[r.IntN(len(pool))])
		}
		all = append(all, strings.Join(words, " "))
	}
	return all
}

// mutateOnce changes one place.
func mutateOnce(r *rand.Rand, words, other []string) []string {
	if len(words) == 0 {
		return other
	}
	at, from := r.IntN(len(words)), r.IntN(len(other))
	with := spice[r.IntN(len(spice))]
	switch r.IntN(6) {
	case 0, 1:
		return append(words[:at:at], append([]string{with}, words[at:]...)...)
	case 2:
		words[at] = with
	case 3:
		words[at] = other[from]
	case 4:
		return append(words[:at:at], words[at+1:]...)
	case 5:
		to := min(len(other), from+1+r.IntN(6))
		return append(words[:at:at], append(append([]string(nil), other[from:to]...), words[at:]...)...)
	}
	return words
}

// words gives the tokens of a text; none when one is invalid.
func words(text string) []string {
	scan := sqlscan.New([]byte(text), false)
	var all []string
	for {
		t := scan.Next()
		switch t.Kind {
		case sqlscan.EOF:
			return all
		case sqlscan.Invalid:
			return nil
		}
		all = append(all, string(t.Of([]byte(text))))
	}
}
