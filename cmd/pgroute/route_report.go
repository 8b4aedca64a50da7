package main

import (
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"
)

// routeReport collects statements with where they go.
type routeReport struct{ rows []routed }

func (r *routeReport) add(rows []routed) { r.rows = append(r.rows, rows...) }

// routeSummary tells how the statements divide.
type routeSummary struct {
	Statements int            `json:"statements"`
	Standby    int            `json:"standby_could"`
	Share      float64        `json:"standby_share"` // of all statements, 0 to 1
	Reads      int            `json:"reads"`
	ReadsBound int            `json:"reads_kept_by_their_transaction"`
	Classes    map[string]int `json:"classes"`
	Reasons    map[string]int `json:"reasons"`
}

func (r *routeReport) summary() routeSummary {
	s := routeSummary{Statements: len(r.rows), Classes: map[string]int{}, Reasons: map[string]int{}}
	for i := range r.rows {
		row := &r.rows[i]
		s.Classes[row.Class]++
		s.Reasons[row.Reason]++
		if row.OfStandbys {
			s.Standby++
		}
		if row.Class == "read" {
			s.Reads++
			if row.InBlock && !row.OfStandbys {
				s.ReadsBound++
			}
		}
	}
	if s.Statements > 0 {
		s.Share = float64(s.Standby) / float64(s.Statements)
	}
	return s
}

// writeJSON prints everything as one object.
func (r *routeReport) writeJSON(w io.Writer) error {
	e := json.NewEncoder(w)
	e.SetIndent("", "  ")
	e.SetEscapeHTML(false)
	rows := r.rows
	if rows == nil {
		rows = []routed{}
	}
	return e.Encode(struct {
		Statements []routed     `json:"statements"`
		Summary    routeSummary `json:"summary"`
	}{rows, r.summary()})
}

// statementWidth is how much of a statement the table shows, in characters.
const statementWidth = 60

// writeTable prints a line per statement.
func (r *routeReport) writeTable(w io.Writer) {
	t := newTable("#", "TARGET", "CLASS", "VERB", "REASON", "EFFECTS", "WHY", "STATEMENT")
	for i := range r.rows {
		row := &r.rows[i]
		reason := row.Reason
		if row.Trigger != "" {
			reason += " (" + oneLine(row.Trigger, 24) + ")"
		}
		why := row.Explained
		if row.Hint != "" {
			why += fmt.Sprintf("; the hint has an unknown word %q", row.Hint)
		}
		t.row(strconv.Itoa(i+1), target(row), row.Class, row.Verb, reason, row.Effects, why, oneLine(row.Statement, statementWidth))
	}
	t.write(w)
	fmt.Fprintln(w)
}

// target names the role, and the node where it has a name of its own.
func target(r *routed) string {
	if r.Node == "" || r.Node == r.Target {
		return r.Target
	}
	return r.Target + " " + r.Node
}

// oneLine cuts a text to a number of characters and takes its line ends out.
func oneLine(text string, width int) string {
	text = strings.Join(strings.Fields(text), " ")
	if utf8.RuneCountInString(text) <= width {
		return text
	}
	return string([]rune(text)[:width-1]) + "…"
}

// writeSummary prints the shares.
func (r *routeReport) writeSummary(w io.Writer) {
	s := r.summary()
	fmt.Fprintf(w, "standbys could carry %d of %d statements (%.1f %%)\n", s.Standby, s.Statements, 100*s.Share)
	if s.ReadsBound > 0 {
		fmt.Fprintf(w, "%d of %d reads are kept on the primary by the transaction around them\n", s.ReadsBound, s.Reads)
	}
	if s.Statements > 1 {
		fmt.Fprintf(w, "by class:  %s\nby reason: %s\n", counts(s.Classes), counts(s.Reasons))
	}
}

// counts lists what is counted, the most frequent first.
func counts(m map[string]int) string {
	names := make([]string, 0, len(m))
	for name := range m {
		names = append(names, name)
	}
	slices.SortFunc(names, func(a, b string) int {
		if m[a] != m[b] {
			return m[b] - m[a]
		}
		return strings.Compare(a, b)
	})
	for i, name := range names {
		names[i] = fmt.Sprintf("%s %d", name, m[name])
	}
	return strings.Join(names, ", ")
}
