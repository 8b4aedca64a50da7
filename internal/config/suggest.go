package config

import (
	"fmt"
	"strings"
)

// suggest names the candidate nearest to a mistyped key, as the end of a
// sentence, or nothing when none is near. A key that exists in another
// section counts as near.
func suggest(name string, candidates []string) string {
	best, distance := "", 1+len(name)/3
	for _, c := range candidates {
		d := editDistance(name, c)
		if lastPart(c) == lastPart(name) {
			d = min(d, 1)
		}
		if d < distance || (d == distance && best == "") {
			best, distance = c, d
		}
	}
	if best == "" {
		return ""
	}
	return fmt.Sprintf("; did you mean %q?", best)
}

func lastPart(key string) string { return key[strings.LastIndexByte(key, '.')+1:] }

// maxSuggest bounds the names that are compared, in bytes.
const maxSuggest = 64

// editDistance counts the bytes to insert, delete or replace to get from a
// to b (Levenshtein).
func editDistance(a, b string) int {
	if len(a) > maxSuggest {
		return len(a)
	}
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			cost := diagonal
			if a[i] != b[j] {
				cost++
			}
			diagonal = row[j+1]
			row[j+1] = min(cost, diagonal+1, row[j]+1)
		}
	}
	return row[len(b)]
}
