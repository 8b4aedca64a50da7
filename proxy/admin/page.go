package admin

import (
	"bytes"
	"crypto/sha256"
	_ "embed" // the page
	"encoding/base64"
	"fmt"
	"html/template"
	"net/http"
	"slices"
	"strings"
	"time"
)

// The page and what is put into it, so that it needs nothing else.
//
//go:embed page.html
var pageHTML string

//go:embed page.css
var pageCSS string

//go:embed page.js
var pageJS string

// page serves the status page. It is complete without its script, which only
// brings it up to date every few seconds.
type page struct {
	sources *Sources
	html    *template.Template
	policy  string // Content-Security-Policy
}

// newPage parses the page; a mistake in it is one of this package.
func newPage(s *Sources) *page {
	t := template.New("page").Funcs(template.FuncMap{
		"style": func() template.CSS { return template.CSS(pageCSS) }, "script": func() template.JS { return template.JS(pageJS) },
		"words": words, "size": sizeText,
		"seconds": secondsText, "count": countText[uint64], "ago": agoText, "newest": newestFirst, "positive": positive, "share": share,
		"clock": func(t time.Time) string { return t.Format("15:04:05.000") }, "day": func(t time.Time) string { return t.Format("2006-01-02") },
	})
	return &page{
		sources: s, html: template.Must(t.Parse(pageHTML)),
		policy: fmt.Sprintf("default-src 'none'; style-src %s; script-src %s; connect-src 'self'; img-src data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
			hashSource(pageCSS), hashSource(pageJS)),
	}
}

// hashSource lets a browser use one inline text and no other.
func hashSource(text string) string {
	sum := sha256.Sum256([]byte(text))
	return "'sha256-" + base64.StdEncoding.EncodeToString(sum[:]) + "'"
}

// ServeHTTP shows the state at this moment.
func (p *page) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	html, err := p.render(p.sources.takeAll(r.Context()))
	if err != nil {
		http.Error(w, "cannot make the page: "+err.Error(), http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.Header().Set("Content-Security-Policy", p.policy)
	_, _ = w.Write(html)
}

// render makes the page of a sample.
func (p *page) render(m *sample) ([]byte, error) {
	st := m.status()
	var b bytes.Buffer
	err := p.html.Execute(&b, &st)
	return b.Bytes(), err
}

// words makes a label readable.
func words(label string) string { return strings.ReplaceAll(label, "_", " ") }

// secondsText gives a time in a fitting unit.
func secondsText(s float64) string {
	d := time.Duration(s * float64(time.Second))
	switch {
	case d == 0:
		return "0 s"
	case d < time.Millisecond:
		return fmt.Sprintf("%d µs", d.Microseconds())
	case d < time.Second:
		return fmt.Sprintf("%d ms", d.Milliseconds())
	case d < 2*time.Minute:
		return fmt.Sprintf("%.1f s", s)
	}
	return longText(d)
}

// agoText tells how long before at something was.
func agoText(at, then time.Time) string {
	if then.IsZero() {
		return "never"
	}
	return longText(max(0, at.Sub(then)))
}

// longText gives a duration in its two largest units.
func longText(d time.Duration) string {
	const day = 24 * time.Hour
	switch {
	case d < time.Minute:
		return fmt.Sprintf("%d s", int(d.Seconds()))
	case d < time.Hour:
		return fmt.Sprintf("%d min %d s", d/time.Minute, d%time.Minute/time.Second)
	case d < day:
		return fmt.Sprintf("%d h %d min", d/time.Hour, d%time.Hour/time.Minute)
	}
	return fmt.Sprintf("%d d %d h", d/day, d%day/time.Hour)
}

// countText groups digits by threes.
func countText[N ~uint64 | ~int64 | ~int](n N) string {
	digits := fmt.Sprint(n)
	for i := len(digits) - 3; i > 0; i -= 3 {
		digits = digits[:i] + "\u202f" + digits[i:]
	}
	return digits
}

// newestFirst turns the order of events around.
func newestFirst(events []Event) []Event {
	events = slices.Clone(events)
	slices.Reverse(events)
	return events
}

// labelled is one entry of a map of counts.
type labelled struct {
	Label string
	Count int64
}

// positive lists what of a map of counts is not zero, the largest first.
func positive(m any) []labelled {
	var all []labelled
	add := func(label string, n int64) {
		if n > 0 {
			all = append(all, labelled{label, n})
		}
	}
	switch m := m.(type) {
	case map[string]int64:
		for label, n := range m {
			add(label, n)
		}
	case map[string]uint64:
		for label, n := range m {
			add(label, int64(n))
		}
	}
	slices.SortFunc(all, func(a, b labelled) int {
		if a.Count != b.Count {
			return int(b.Count - a.Count)
		}
		return strings.Compare(a.Label, b.Label)
	})
	return all
}

// share tells which part of all queries the standbys answered.
func share(nodes []Node) string {
	var standbys, all uint64
	for i := range nodes {
		standbys += nodes[i].AsStandby
		all += nodes[i].AsStandby + nodes[i].AsPrimary
	}
	if all == 0 {
		return "no query was answered yet"
	}
	return fmt.Sprintf("standbys answered %s of %s queries (%.1f %%)", countText(standbys), countText(all), 100*float64(standbys)/float64(all))
}
