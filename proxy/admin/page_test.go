package admin

import (
	"crypto/sha256"
	"encoding/base64"
	"regexp"
	"strings"
	"testing"
)

// rendered is the page of a sample.
func rendered(t *testing.T, m *sample) string {
	t.Helper()
	html, err := newPage(nil).render(m)
	if err != nil {
		t.Fatal(err)
	}
	return string(html)
}

func TestPageTellsWhatStatusTells(t *testing.T) {
	html := rendered(t, eventful())
	for _, want := range []string{
		"10.0.0.3:5432", "zone west", "beyond max_lag_bytes (16MB)", "does not answer and was last seen as deposed: connection refused",
		"timeline 1 until", "0/5000000", "accepted as primary", "alice", "1.5 s", "2 waiting", "server connection for 250 ms", "listen,temporary table", "the last one held writes for 1.2 s",
	} {
		if !strings.Contains(html, want) {
			t.Errorf("the page does not show %q", want)
		}
	}
	if strings.Index(html, "accepted as primary") > strings.LastIndex(html, "connection refused") {
		t.Error("the newest event is not the first")
	}
}

// TestPageEscapes uses names as an attacker would choose them.
func TestPageEscapes(t *testing.T) {
	m := eventful()
	m.pools[0].Key.Database = `<script>alert(1)</script>`
	m.snap.Nodes[0].LastError = `"><img src=x onerror=alert(1)>`
	html := rendered(t, m)
	if strings.Contains(html, "<script>alert") || strings.Contains(html, "<img") {
		t.Error("names reach the page as HTML")
	}
}

// TestPageNeedsNothingElse: no address but pgroute's own, and the policy lets
// the browser run the script and the style that the page has.
func TestPageNeedsNothingElse(t *testing.T) {
	html := rendered(t, eventful())
	if found := regexp.MustCompile(`(?i)(src|href)="[^/d][^"]*"|https?://|url\(|@import`).FindString(html); found != "" {
		t.Errorf("the page refers to something outside: %s", found)
	}
	policy := newPage(nil).policy
	for _, tag := range []string{"style", "script"} {
		found := regexp.MustCompile(`(?s)<` + tag + `>(.*)</` + tag + `>`).FindStringSubmatch(html)
		if found == nil {
			t.Fatalf("no %s on the page", tag)
		}
		sum := sha256.Sum256([]byte(found[1]))
		if !strings.Contains(policy, tag+"-src 'sha256-"+base64.StdEncoding.EncodeToString(sum[:])+"'") {
			t.Errorf("the policy forbids the page's own %s", tag)
		}
	}
}

func TestTextsForPeople(t *testing.T) {
	for got, want := range map[string]string{
		sizeText(0): "0 B", sizeText(1023): "1023 B", sizeText(1536): "1.5 KiB", sizeText(20 << 20): "20 MiB", sizeText(1 << 60): "1.0 EiB",
		secondsText(0): "0 s", secondsText(0.0000021): "2 µs", secondsText(0.25): "250 ms", secondsText(3.04): "3.0 s", secondsText(3700): "1 h 1 min",
		countText(uint64(999)): "999", countText(uint64(1234567)): "1\u202f234\u202f567",
		agoText(noon(), noon().Add(-50*60*60*1e9)): "2 d 2 h",
		agoText(noon(), noon().Add(1)):             "0 s",
	} {
		if got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
}
