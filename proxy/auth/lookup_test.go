package auth

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"testing/synctest"
	"time"

	"github.com/pgroute/pgroute/internal/pg"
	"github.com/pgroute/pgroute/internal/secret"
)

// fakeSource answers what the test says, and counts. A question waits at the
// gate while there is one.
type fakeSource struct {
	answers map[string]Record
	err     error
	asked   int
	gate    chan struct{}
}

func (s *fakeSource) Fetch(ctx context.Context, user string) (Record, error) {
	s.asked++
	rec, err := s.answers[user], s.err // read before waiting, as a server does
	if s.gate != nil {
		select {
		case <-s.gate:
		case <-ctx.Done():
			return Record{}, ctx.Err()
		}
	}
	return rec, err
}

// withLookup runs f within a bubble of fake time.
func withLookup(t *testing.T, o LookupOptions, f func(t *testing.T, l *Lookup, s *fakeSource)) {
	synctest.Test(t, func(t *testing.T) {
		s := &fakeSource{answers: map[string]Record{
			"ann": {Found: true, Verifier: verifierOf(t, "pencil")},
		}}
		o.Source, o.Mock, o.TTL = s, testMock(), 5*time.Second
		l := NewLookup(o)
		defer l.Close()
		f(t, l, s)
	})
}

// find looks up and fails the test on an error.
func find(t *testing.T, l *Lookup, user string) Role {
	t.Helper()
	r, err := l.Find(t.Context(), user)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func TestAnswersAreUsedAgainForAShortWhile(t *testing.T) {
	withLookup(t, LookupOptions{}, func(t *testing.T, l *Lookup, s *fakeSource) {
		for range 3 {
			find(t, l, "ann")
		}
		if r := find(t, l, "ann"); s.asked != 1 || !r.Cached || !r.Found {
			t.Fatalf("asked %d times, %v", s.asked, r.Cached)
		}
		time.Sleep(5 * time.Second)
		if r := find(t, l, "ann"); s.asked != 2 || r.Cached {
			t.Fatalf("asked %d times after the TTL", s.asked)
		}
		if st := l.Stats(); st.Asked != 2 || st.Remembered != 3 || st.Entries != 1 {
			t.Fatalf("%+v", st)
		}
	})
}

func TestUnknownRolesAreRememberedForLess(t *testing.T) {
	withLookup(t, LookupOptions{}, func(t *testing.T, l *Lookup, s *fakeSource) {
		find(t, l, "bob")
		if r := find(t, l, "bob"); s.asked != 1 || r.Found {
			t.Fatalf("asked %d times", s.asked)
		}
		time.Sleep(time.Second)
		s.answers["bob"] = Record{Found: true}
		if r := find(t, l, "bob"); s.asked != 2 || !r.Found {
			t.Fatal("a new role is not seen")
		}
		delete(s.answers, "bob")
		l.Failed("bob")
		if r := find(t, l, "bob"); r.Found {
			t.Fatal("a dropped role is still found")
		}
		if st := l.Stats(); st.Entries != 1 {
			t.Fatalf("known and unknown at once: %+v", st)
		}
	})
}

func TestFailedLoginAsksAgain(t *testing.T) {
	withLookup(t, LookupOptions{}, func(t *testing.T, l *Lookup, s *fakeSource) {
		find(t, l, "ann")
		s.answers["ann"] = Record{Found: true, Verifier: verifierOf(t, "changed")}
		l.Failed("ann")
		r := find(t, l, "ann")
		if _, _, err := withPassword(r, "changed").run(); err != nil || s.asked != 2 {
			t.Fatalf("asked %d times, %v", s.asked, err)
		}
		l.Failed("nobody") // nothing to forget
	})
}

func TestChangedPasswordCountsAtOnce(t *testing.T) {
	withLookup(t, LookupOptions{Revalidate: true}, func(t *testing.T, l *Lookup, s *fakeSource) {
		if _, _, err := withPassword(find(t, l, "ann"), "pencil").run(); err != nil {
			t.Fatal(err)
		}
		s.answers["ann"] = Record{Found: true, Verifier: verifierOf(t, "changed")}
		if _, _, err := withPassword(find(t, l, "ann"), "changed").run(); err != nil {
			t.Fatal(err)
		}
		_, _, err := withPassword(find(t, l, "ann"), "pencil").run()
		wantError(t, err, pg.InvalidPassword, `password authentication failed for user "ann"`)
	})
}

// TestMemoryHelpsWhileNoServerAnswers: logins go on through a failover, but
// not for ever.
func TestMemoryHelpsWhileNoServerAnswers(t *testing.T) {
	withLookup(t, LookupOptions{Revalidate: true}, func(t *testing.T, l *Lookup, s *fakeSource) {
		find(t, l, "ann")
		s.err = errors.New("down")
		if r := find(t, l, "ann"); !r.Cached || !r.Found {
			t.Fatalf("%v", r.Cached)
		}
		_, err := l.Find(t.Context(), "carl")
		wantError(t, err, pg.CannotConnectNow, `no server can be asked about user "carl" at the moment`)
		time.Sleep(5 * time.Second)
		_, err = l.Find(t.Context(), "ann")
		e := wantError(t, err, pg.CannotConnectNow, `no server can be asked about user "ann" at the moment`)
		if !errors.Is(e, s.err) {
			t.Error("the cause is lost")
		}
	})
}

// TestLoginsThatWaitShareOneQuestion: a hundred logins that arrive during one
// question cause exactly one more, which was sent after they came.
func TestLoginsThatWaitShareOneQuestion(t *testing.T) {
	withLookup(t, LookupOptions{Revalidate: true}, func(t *testing.T, l *Lookup, s *fakeSource) {
		s.gate = make(chan struct{})
		results := make(chan Role)
		login := func() { results <- find(t, l, "ann") }
		go login()
		synctest.Wait() // the first question is under way
		s.answers["ann"] = Record{Found: true, Verifier: verifierOf(t, "changed")}
		for range 100 {
			go login()
		}
		synctest.Wait()
		if s.asked != 1 {
			t.Fatalf("asked %d times while the first question was under way", s.asked)
		}
		close(s.gate)
		old, fresh := verifierOf(t, "pencil"), verifierOf(t, "changed")
		seen := map[bool]int{}
		for range 101 {
			r := <-results
			if !r.Verifier.Equal(&old) && !r.Verifier.Equal(&fresh) {
				t.Fatal("neither verifier")
			}
			seen[r.Verifier.Equal(&fresh)]++
		}
		if s.asked != 2 || seen[true] != 100 {
			t.Fatalf("asked %d times; %d logins saw the new verifier", s.asked, seen[true])
		}
	})
}

func TestWaitingLoginsGiveUp(t *testing.T) {
	withLookup(t, LookupOptions{Revalidate: true, Timeout: time.Minute}, func(t *testing.T, l *Lookup, s *fakeSource) {
		s.gate = make(chan struct{})
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if _, err := l.Find(ctx, "ann"); !errors.Is(err, context.DeadlineExceeded) {
			t.Fatal(err)
		}
		start := time.Now()
		_, err := l.Find(t.Context(), "ann")
		wantError(t, err, pg.CannotConnectNow, `no server can be asked about user "ann" at the moment`)
		if took := time.Since(start); took > 2*time.Minute {
			t.Fatalf("the question was not bounded: %v", took)
		}
	})
}

func TestCloseEndsQuestions(t *testing.T) {
	withLookup(t, LookupOptions{}, func(t *testing.T, l *Lookup, s *fakeSource) {
		s.gate = make(chan struct{})
		failed := make(chan error)
		go func() { _, err := l.Find(t.Context(), "ann"); failed <- err }()
		synctest.Wait()
		l.Close()
		if err := <-failed; err == nil {
			t.Fatal("a closed lookup answered")
		}
		if _, err := l.Find(t.Context(), "ann"); err == nil {
			t.Fatal("a closed lookup takes questions")
		}
	})
}

func TestMemoryIsBounded(t *testing.T) {
	withLookup(t, LookupOptions{Size: 10}, func(t *testing.T, l *Lookup, s *fakeSource) {
		find(t, l, "ann")
		for i := range 100 {
			find(t, l, fmt.Sprint("guess", i))
		}
		asked := s.asked
		if find(t, l, "ann"); s.asked != asked || l.Stats().Entries != 11 {
			t.Fatalf("unknown names pushed a role out; %+v", l.Stats())
		}
	})
}

func TestUsersFileGoesFirst(t *testing.T) {
	path := filepath.Join(t.TempDir(), "users.txt")
	if err := os.WriteFile(path, []byte(`"ann" "from file"`), 0o600); err != nil {
		t.Fatal(err)
	}
	users, err := OpenUsersFile(path)
	if err != nil {
		t.Fatal(err)
	}
	withLookup(t, LookupOptions{Users: users, Keys: NewKeyCache()}, func(t *testing.T, l *Lookup, s *fakeSource) {
		r := find(t, l, "ann")
		if _, _, err := withPassword(r, "from file").run(); err != nil || s.asked != 0 || !r.FromFile {
			t.Fatalf("asked %d times, %v", s.asked, err)
		}
		if r := find(t, l, "bob"); r.Found || s.asked != 1 {
			t.Fatal("bob is not in the file")
		}
	})
	alone := NewLookup(LookupOptions{Users: users, Mock: testMock()})
	if r := find(t, alone, "bob"); r.Found {
		t.Fatal("without a source only the file counts")
	}
}

// TestPlainPasswordsOfAQueryAreNotBelieved: what auth_query calls a verifier
// and is none must not become a password.
func TestPlainPasswordsOfAQueryAreNotBelieved(t *testing.T) {
	withLookup(t, LookupOptions{}, func(t *testing.T, l *Lookup, s *fakeSource) {
		s.answers["ann"] = Record{Found: true, Verifier: Verifier{kind: KindPlain, text: secret.New("pencil")}}
		for _, m := range []Method{SCRAM, MD5} {
			login := withPassword(find(t, l, "ann"), "pencil")
			login.server.Method = m
			_, _, err := login.run()
			wantError(t, err, pg.InvalidPassword, `password authentication failed for user "ann"`)
		}
	})
}
