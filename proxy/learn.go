package proxy

import (
	"time"

	"github.com/hashicorp/golang-lru/v2/simplelru"

	"github.com/pgroute/pgroute/internal/wire"
)

// learned are the texts that were taken for reads and that a standby refused.
// They go to the primary from then on, for a while: what they call may change.
type learned struct {
	texts *simplelru.LRU[string, time.Time]
}

// Bounds of what is learned, per worker.
const (
	maxLearned  = 1000
	learnedLife = 10 * time.Minute
)

func newLearned() *learned {
	texts, _ := simplelru.NewLRU[string, time.Time](maxLearned, nil)
	return &learned{texts: texts}
}

// has reports whether a text was refused not long ago.
func (l *learned) has(text []byte, now time.Time) bool {
	if l.texts.Len() == 0 {
		return false
	}
	at, ok := l.texts.Get(unsafeString(text))
	if ok && now.Sub(at) > learnedLife {
		l.texts.Remove(string(text))
		return false
	}
	return ok
}

// learn remembers the texts of the units that a standby has just refused.
func (s *session) learn() {
	now := s.w.loop.Now()
	for p := s.again; len(p) >= wire.HeaderSize; {
		typ, size, _ := wire.Header(p)
		if text := s.textOf(typ, p[wire.HeaderSize:size]); text != nil {
			s.w.learned.texts.Add(string(text), now)
		}
		p = p[size:]
	}
}

// textOf gives the SQL text that a message of known shape is about; nil when
// it is about none.
func (s *session) textOf(typ byte, body []byte) []byte {
	switch typ {
	case wire.Query:
		text, _, _ := wire.CString(body)
		return text
	case wire.Parse:
		_, tail, _ := wire.CString(body)
		text, _, _ := wire.CString(tail)
		return text
	case wire.Bind:
		_, rest, _ := wire.CString(body)
		name, _, _ := wire.CString(rest)
		if st, _ := s.state.find(name); st != nil {
			return st.Text()
		}
	}
	return nil
}
