package main

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
)

// wanted is the share of reads that must be recognised, in percent.
const wanted = 99.0

func main() {
	verbose := flag.Bool("v", false, "print missed reads too")
	count := flag.Int("generate", 200000, "how many queries to generate")
	seed := flag.Uint64("seed", 1, "seed of the generator")
	flag.Parse()
	total, err := run(os.Stdout, *verbose, *count, *seed, flag.Args())
	if err != nil {
		fmt.Fprintln(os.Stderr, "parsercheck:", err)
		os.Exit(2)
	}
	if total.Violations > 0 || total.share() < wanted {
		os.Exit(1)
	}
}

// run judges all bodies and prints the table.
func run(out io.Writer, verbose bool, count int, seed uint64, files []string) (tally, error) {
	if len(glob("testdata/orm/*.sql")) == 0 || len(corpus()) == 0 {
		return tally{}, errors.New("the test data are not there: run it in its own directory")
	}
	c := newChecker(out, verbose)
	tallies := []tally{c.body("pgbench scripts", pgbenchScripts())}
	var found []string
	for _, group := range []struct {
		name  string
		files []string
	}{
		{"shipped with PostgreSQL", installed()},
		{"recorded from ORMs and drivers", glob("testdata/orm/*.sql")},
		{"reports and queues", glob("testdata/*.sql")},
		{"files named", files},
	} {
		var texts []string
		for _, file := range group.files {
			s, err := statementsOf(file)
			if err != nil {
				return tally{}, fmt.Errorf("read SQL: %w", err)
			}
			texts = append(texts, s...)
		}
		tallies = append(tallies, c.body(group.name, texts))
		found = append(found, texts...)
	}
	made := generate(count, seed)
	tallies = append(tallies, c.body("generated", made))
	found = append(append(found, corpus()...), made[:min(len(made), 2000)]...)
	tallies = append(tallies, c.body("mutated", mutate(found, 5*count, seed)))
	total := table(out, tallies)
	lexed := lexers(10*count, seed, out)
	fmt.Fprintf(out, "lexers: %d texts of random pieces, %d refused by both, %d by sqlscan only, %d differ\n",
		lexed.texts, lexed.refused, lexed.cautious, lexed.differ)
	total.Violations += lexed.differ
	return total, nil
}

// corpus gives the texts of the router's own test data, whose entries are a
// line "> expectation" and the text up to an empty line.
func corpus() []string {
	var texts []string
	for _, file := range glob("../testdata/classify/*.txt") {
		data, err := os.ReadFile(file)
		if err != nil {
			panic(err) // just listed
		}
		for _, entry := range strings.Split(string(data), "\n\n") {
			if head, text, ok := strings.Cut(entry, "\n"); ok && strings.HasPrefix(head, "> ") {
				texts = append(texts, text)
			}
		}
	}
	return texts
}

// glob finds files; the patterns are constants and well formed.
func glob(pattern string) []string {
	files, err := filepath.Glob(pattern)
	if err != nil {
		panic(err)
	}
	return files
}

// table prints a line per body and gives the sum.
func table(out io.Writer, tallies []tally) tally {
	total := tally{Body: "total"}
	const row = "%-34s %10s %9s %8s %11s %8s %11s\n"
	fmt.Fprintf(out, row, "body", "statements", "unparsed", "reads", "recognised", "share", "violations")
	line := func(t tally) {
		fmt.Fprintf(out, row, t.Body, fmt.Sprint(t.Statements), fmt.Sprint(t.Unparsed), fmt.Sprint(t.Reads),
			fmt.Sprint(t.Recognised), fmt.Sprintf("%.2f%%", t.share()), fmt.Sprint(t.Violations))
	}
	for _, t := range tallies {
		total.add(t)
		line(t)
	}
	line(total)
	return total
}
