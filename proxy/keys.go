package proxy

import (
	"crypto/rand"
	"crypto/subtle"
	"sync"
	"sync/atomic"

	"github.com/pgroute/pgroute/internal/wire"
)

// cancelKey is what BackendKeyData gives a client to cancel its queries with.
// The PID is pgroute's own number for the session.
type cancelKey struct {
	pid    uint32
	secret []byte
}

// Lengths of secrets in bytes: what protocol 3.0 fixes, and what PostgreSQL
// chooses from 3.2 on.
const (
	shortSecret = 4
	longSecret  = 32
)

// issue makes a key.
func (k *cancelKey) issue(w *worker, minor int) {
	n := shortSecret
	if minor >= 2 {
		n = longSecret
	}
	k.secret = make([]byte, n)
	_, _ = rand.Read(k.secret) // never fails (crypto/rand)
}

// keys finds sessions by their cancel keys.
type keys struct {
	last atomic.Uint32
	mu   sync.Mutex
	m    map[uint32]*session
}

// number gives a session its PID.
func (k *keys) number() uint32 { return k.last.Add(1)&0x7fffffff | 1<<30 }

func (k *keys) add(s *session) {
	k.mu.Lock()
	k.m[s.key.pid] = s
	k.mu.Unlock()
}

func (k *keys) remove(s *session) {
	k.mu.Lock()
	if k.m[s.key.pid] == s {
		delete(k.m, s.key.pid)
	}
	k.mu.Unlock()
}

// find gives the session of a key; nil when there is none, or it is another's.
func (k *keys) find(pid uint32, secret []byte) *session {
	k.mu.Lock()
	defer k.mu.Unlock()
	s := k.m[pid]
	if s == nil || subtle.ConstantTimeCompare(s.key.secret, secret) != 1 {
		return nil
	}
	return s
}

// cancelRequest carries a client's CancelRequest to the session's loop. Like
// PostgreSQL it gives no answer, whatever comes of it.
func (w *worker) cancelRequest(packet []byte) {
	pid, secret, ok := wire.ParseCancel(packet)
	if !ok {
		return
	}
	w.counters.CancelRequests.Add(1)
	if s := w.keys.find(pid, secret); s != nil {
		s.w.loop.Post(s.cancel)
	}
}

// cancel cancels what the session runs or waits for.
func (s *session) cancel() {
	switch s.phase {
	case phaseLinked:
		if !s.link.Answered() && !s.state.busy {
			s.link.Cancel()
		}
	case phaseWaiting, phaseHeld:
		s.failWaiting(errCanceled)
	}
}
