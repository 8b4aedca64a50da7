package auth

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	lru "github.com/hashicorp/golang-lru/v2"

	"github.com/pgroute/pgroute/internal/pg"
	"github.com/pgroute/pgroute/internal/secret"
)

// Source is asked about roles the users file does not name.
type Source interface {
	// Fetch asks anew; a role that does not exist is no error. It blocks.
	Fetch(ctx context.Context, user string) (Record, error)
}

// Record is a Source's answer.
type Record struct {
	secret.Redacted
	Found      bool
	Verifier   Verifier
	NoLogin    bool
	ValidUntil time.Time // zero: for ever, or not told
	Problem    string    // why there is no usable verifier, for the log
}

// LookupOptions configures a Lookup. Zero durations and sizes mean defaults.
type LookupOptions struct {
	Users  *UsersFile // may be nil
	Source Source     // may be nil: only the users file counts
	Mock   *Mock      // required
	Keys   *KeyCache  // may be nil
	// TTL is how long an answer may be used again; NegativeTTL likewise for
	// roles that were not found, TTL/5 if zero.
	TTL, NegativeTTL time.Duration
	// Revalidate asks for every login, so that a changed password or dropped
	// role counts at once; answers younger than TTL are then used only when no server
	// can be asked. Logins of one user that wait share one question.
	Revalidate bool
	// Timeout bounds one question, 10 s if zero.
	Timeout time.Duration
	// Size is the number of roles remembered, 10,000 if zero; as many
	// unknown names are remembered beside them and cannot push them out.
	Size int
}

// Lookup finds the roles that log in: in the users file, else through the
// Source. It is safe for concurrent use. Close it when done.
type Lookup struct {
	secret.Redacted
	opts         LookupOptions
	known        *lru.Cache[string, *answer]
	unknown      *lru.Cache[string, *answer]
	ctx          context.Context // ends with Close
	cancel       context.CancelFunc
	wg           sync.WaitGroup
	mu           sync.Mutex
	closed       bool
	inquiries    map[string]*inquiry
	asked, saved uint64
}

// answer is what a Source said, and when it was asked.
type answer struct {
	role    Role
	at      time.Time
	suspect bool // a login failed against it; guarded by Lookup.mu
}

// round is one question to the Source and those who wait for its answer.
type round struct {
	done chan struct{}
	role Role
	err  error
}

// inquiry is the work on one user: at most one question under way, and the
// round that collects who came too late for it. Those may not be answered by
// the running question: it may have been read before their client changed the password.
type inquiry struct{ next *round }

// NewLookup makes a Lookup.
func NewLookup(o LookupOptions) *Lookup {
	if o.Timeout <= 0 {
		o.Timeout = 10 * time.Second
	}
	if o.Size <= 0 {
		o.Size = 10_000
	}
	if o.NegativeTTL <= 0 {
		o.NegativeTTL = o.TTL / 5
	}
	l := &Lookup{opts: o, inquiries: make(map[string]*inquiry)}
	l.known, _ = lru.New[string, *answer](o.Size) // fails only for sizes below one
	l.unknown, _ = lru.New[string, *answer](o.Size)
	l.ctx, l.cancel = context.WithCancel(context.Background())
	return l
}

// Close ends questions under way and waits for them.
func (l *Lookup) Close() {
	l.mu.Lock()
	l.closed = true
	l.mu.Unlock()
	l.cancel()
	l.wg.Wait()
}

// Find looks a user up. It blocks while a server is asked, so call it on an
// ordinary goroutine. A role that does not exist is no error: authenticate the
// client against it all the same, so that it cannot tell. When ctx ends first,
// the error is that of ctx; all others are of type *pg.Error.
func (l *Lookup) Find(ctx context.Context, user string) (Role, error) {
	if l.opts.Users != nil {
		if v, ok := l.opts.Users.Find(user); ok {
			return l.fromFile(user, v)
		}
	}
	if l.opts.Source == nil {
		return Role{Name: user}, nil
	}
	if !l.opts.Revalidate {
		if r, ok := l.remembered(user, true); ok {
			return r, nil
		}
	}
	r, err := l.ask(ctx, user)
	if err == nil || ctx.Err() != nil {
		return r, err
	}
	if r, ok := l.remembered(user, false); ok {
		return r, nil
	}
	return Role{}, pg.Fatalf(pg.CannotConnectNow, `no server can be asked about user "%s" at the moment`, user).
		WithHint("Try again when a node of the cluster is reachable.").WithCause(err)
}

// fromFile makes a role of a line of the users file.
func (l *Lookup) fromFile(user string, v Verifier) (Role, error) {
	r, err := NewRole(user, v, l.opts.Mock, l.opts.Keys)
	if err != nil {
		return Role{}, pg.Fatalf(pg.InternalError, `could not prepare the password of user "%s"`, user).WithCause(err)
	}
	r.FromFile = true
	return r, nil
}

// Failed tells that a login of this user failed, so that an answer from
// memory is not used again before a server was asked.
func (l *Lookup) Failed(user string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, c := range []*lru.Cache[string, *answer]{l.known, l.unknown} {
		if a, ok := c.Peek(user); ok {
			a.suspect = true
		}
	}
}

// remembered gives an answer that is young enough; trusted leaves out those
// a login failed against.
func (l *Lookup) remembered(user string, trusted bool) (Role, bool) {
	ttl := l.opts.TTL
	a, ok := l.known.Get(user)
	if !ok {
		ttl = l.opts.NegativeTTL
		a, ok = l.unknown.Get(user)
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if !ok || time.Since(a.at) >= ttl || (trusted && a.suspect) {
		return Role{}, false
	}
	l.saved++
	r := a.role
	r.Cached = true
	return r, true
}

// ask joins the next question about the user, and starts it when none is
// under way.
func (l *Lookup) ask(ctx context.Context, user string) (Role, error) {
	r, err := l.join(user)
	if err != nil {
		return Role{}, err
	}
	select {
	case <-r.done:
		return r.role, r.err
	case <-ctx.Done():
		return Role{}, fmt.Errorf("wait for auth_query: %w", context.Cause(ctx))
	}
}

// join finds or makes the round a newcomer may wait for.
func (l *Lookup) join(user string) (*round, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.closed {
		return nil, errors.New("the lookup is closed")
	}
	q, running := l.inquiries[user]
	if !running {
		q = &inquiry{}
		l.inquiries[user] = q
	}
	if q.next == nil {
		q.next = &round{done: make(chan struct{})}
	}
	r := q.next
	if !running {
		l.wg.Go(func() { l.run(user, q) })
	}
	return r, nil
}

// run asks round after round until nobody waits.
func (l *Lookup) run(user string, q *inquiry) {
	for {
		l.mu.Lock()
		r := q.next
		q.next = nil
		if r == nil {
			delete(l.inquiries, user)
			l.mu.Unlock()
			return
		}
		l.asked++
		l.mu.Unlock()
		r.role, r.err = l.fetch(user)
		close(r.done)
	}
}

// fetch puts one question to the Source and remembers the answer.
func (l *Lookup) fetch(user string) (Role, error) {
	at := time.Now()
	ctx, cancel := context.WithTimeout(l.ctx, l.opts.Timeout)
	defer cancel()
	rec, err := l.opts.Source.Fetch(ctx, user)
	if err != nil {
		return Role{}, err
	}
	role := Role{
		Name: user, Found: rec.Found, Verifier: rec.Verifier,
		NoLogin: rec.NoLogin, ValidUntil: rec.ValidUntil, problem: rec.Problem,
	}
	if role.Verifier.kind == KindPlain {
		// No PostgreSQL stores this; a query that invents it is not believed.
		role.Verifier = Verifier{}
		role.problem = fmt.Sprintf(`auth_query returned neither an md5 nor a SCRAM verifier for user "%s".`, user)
	}
	l.remember(&answer{role: role, at: at})
	return role, nil
}

// remember keeps an answer; a role is either known or unknown.
func (l *Lookup) remember(a *answer) {
	in, out := l.known, l.unknown
	if !a.role.Found {
		in, out = out, in
	}
	in.Add(a.role.Name, a)
	out.Remove(a.role.Name)
}

// LookupStats counts what a Lookup did since it was made.
type LookupStats struct {
	Asked      uint64 // questions to the Source
	Remembered uint64 // answers from memory
	Entries    int    // roles in memory, unknown ones included
}

// Stats gives the counters.
func (l *Lookup) Stats() LookupStats {
	l.mu.Lock()
	defer l.mu.Unlock()
	return LookupStats{Asked: l.asked, Remembered: l.saved, Entries: l.known.Len() + l.unknown.Len()}
}
