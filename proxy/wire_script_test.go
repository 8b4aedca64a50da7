package proxy_test

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// A wire script tells what clients send and what they wait for. It is run
// against the primary and through pgroute, and what comes back must be the
// same, byte for byte. Its lines, for the session "a" or the one named in
// front ("b: send Sync"):
//
//	== name                      begins a case, with sessions of its own
//	connect key=value …          logs in with those startup parameters; a
//	                             session that sends first logs in by itself
//	send Type argument …         sends one message (wire_message_test.go)
//	until Type [n]               reads up to the nth message of that type
//	eof                          reads up to the end of the connection
//	close                        vanishes without a word
//	cancel                       sends a CancelRequest for the session
//	primary "SQL"                runs SQL on the primary, and awaits the standbys
//	await "SQL"                  runs SQL there until it gives true
//	expect-route standby|primary where all units since the last such line ran
//	mask "regexp"                replaces what matches in all messages
//
// A word in double quotes is read as in Go; @1000 stands for 1000 letters, and
// so does @{1000} in quotes.
type script struct {
	name  string
	steps []step
}

// step is one line of a script.
type step struct {
	line    string // file:number
	session string
	verb    string
	args    []word
}

// word is one argument; quoted tells "NULL" from NULL.
type word struct {
	text   string
	quoted bool
}

// readScripts reads the cases of all scripts that match the pattern.
func readScripts(t *testing.T, pattern string) []script {
	t.Helper()
	files, err := filepath.Glob(pattern)
	if err != nil || len(files) == 0 {
		t.Fatalf("no scripts match %s: %v", pattern, err)
	}
	var all []script
	for _, file := range files {
		content, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		cases, err := parseScripts(filepath.Base(file), string(content))
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, cases...)
	}
	return all
}

// parseScripts reads the cases of one file.
func parseScripts(file, content string) ([]script, error) {
	var all []script
	for i, line := range strings.Split(content, "\n") {
		at := fmt.Sprintf("%s:%d", file, i+1)
		line = strings.TrimSpace(line)
		name, isName := strings.CutPrefix(line, "== ")
		switch {
		case line == "" || line[0] == '#':
		case isName:
			all = append(all, script{name: strings.TrimSuffix(file, ".wire") + "/" + name})
		case len(all) == 0:
			return nil, fmt.Errorf("%s: a step before the first case", at)
		default:
			s, err := parseStep(at, line)
			if err != nil {
				return nil, err
			}
			last := &all[len(all)-1]
			last.steps = append(last.steps, s)
		}
	}
	return all, nil
}

func parseStep(at, line string) (step, error) {
	words, err := splitWords(line)
	if err != nil {
		return step{}, fmt.Errorf("%s: %w", at, err)
	}
	s := step{line: at, session: "a"}
	if name, ok := strings.CutSuffix(words[0].text, ":"); ok && !words[0].quoted {
		s.session, words = name, words[1:]
	}
	if len(words) == 0 || !slices.Contains(verbs, words[0].text) {
		return step{}, fmt.Errorf("%s: no such step: %s", at, line)
	}
	s.verb, s.args = words[0].text, words[1:]
	return s, nil
}

var verbs = []string{"connect", "send", "until", "eof", "close", "cancel", "primary", "await", "expect-route", "mask",
	"read", "write", "sql", "copy"} // the last four in corpus.txt only

var repeated = regexp.MustCompile(`@\{(\d+)\}`)

// expand replaces @{n} by n letters.
func expand(text string) string {
	return repeated.ReplaceAllStringFunc(text, func(m string) string {
		n, _ := strconv.Atoi(m[2 : len(m)-1]) // only digits
		return strings.Repeat("x", n)
	})
}

// splitWords reads blank-separated words.
func splitWords(line string) ([]word, error) {
	var words []word
	for line = strings.TrimLeft(line, " "); line != "" && line[0] != '#'; line = strings.TrimLeft(line, " ") {
		if line[0] == '"' || line[0] == '`' {
			quoted, err := strconv.QuotedPrefix(line)
			if err != nil {
				return nil, fmt.Errorf("bad quotes: %s", line)
			}
			text, err := strconv.Unquote(quoted)
			if err != nil {
				return nil, err
			}
			words = append(words, word{expand(text), true})
			line = line[len(quoted):]
			continue
		}
		text, rest, _ := strings.Cut(line, " ")
		if n, err := strconv.Atoi(strings.TrimPrefix(text, "@")); err == nil && text[0] == '@' {
			words = append(words, word{strings.Repeat("x", n), true})
		} else {
			words = append(words, word{text, false})
		}
		line = rest
	}
	return words, nil
}
