package router

// Span is a range of bytes of the classified text.
type Span struct{ Start, End uint32 }

// Len is the length in bytes; zero for the empty span that means absent.
func (s Span) Len() int { return int(s.End - s.Start) }

// Of gives the bytes of text that the span covers.
func (s Span) Of(text []byte) []byte { return text[s.Start:s.End] }

// Statement is what is known of one statement of a query string. Spans index
// into the text it was classified from.
type Statement struct {
	Class   Class
	Reason  Reason
	Verb    Verb
	Flags   Flags
	Effects Effects
	Span    Span // the statement without its semicolon
	// Cause is the token that decided the reason, such as a function's name.
	Cause Span
	// Name is what PREPARE, EXECUTE, DEALLOCATE, DECLARE, FETCH, CLOSE,
	// SAVEPOINT, RELEASE, ROLLBACK TO, LISTEN, UNLISTEN, NOTIFY and SHOW name,
	// as written; Ident folds it.
	Name Span
	// Body is the statement inside EXPLAIN, EXPLAIN ROUTE, PREPARE and DECLARE.
	Body Span

	firstSetting uint16
	settingCount uint16
}

// Retryable reports whether running the statement twice does no harm.
func (s *Statement) Retryable() bool { return s.Class == ClassRead && s.Effects == 0 }

// Ident gives the name a statement carries as PostgreSQL would store it;
// empty when there is none. The name of a setting is folded part by part.
func (s *Statement) Ident(text []byte) string { return dottedName(s.Name.Of(text)) }

// Inline capacities: longer scripts spill into slices.
const (
	inlineStatements = 2
	inlineSettings   = 2
)

// Script is the classification of one query string: a summary, and each
// statement. It holds no reference to the text.
type Script struct {
	// Class is ClassRead only when every statement is a read; otherwise the
	// class that weighs most. Reason goes with it, ReasonMixed when several
	// statements without writes make up the class.
	Class   Class
	Reason  Reason
	Effects Effects // of all statements
	Hint    Hint    // from the leading comment
	// Transaction reports that a statement begins, ends or shapes a transaction.
	Transaction bool

	count        int
	inline       [inlineStatements]Statement
	spill        []Statement
	settingCount int
	settings     [inlineSettings]Setting
	settingSpill []Setting
}

// Len is the number of statements; 0 for an empty query string.
func (s *Script) Len() int { return s.count }

// Statement gives the i-th statement, from 0. It is part of the script and
// must not be changed.
func (s *Script) Statement(i int) *Statement {
	if s.spill != nil {
		return &s.spill[i]
	}
	return &s.inline[i]
}

// Single gives the only statement, or nil when there is none or several.
func (s *Script) Single() *Statement {
	if s.count != 1 {
		return nil
	}
	return s.Statement(0)
}

// Retryable reports whether running the whole string twice does no harm.
func (s *Script) Retryable() bool { return s.Class == ClassRead && s.Effects == 0 }

// Settings gives the settings a statement touches, in order.
func (s *Script) Settings(st *Statement) []Setting {
	from, to := int(st.firstSetting), int(st.firstSetting)+int(st.settingCount)
	if s.settingSpill != nil {
		return s.settingSpill[from:to]
	}
	return s.settings[from:to]
}

// HasSettings reports whether any statement touches a setting, be it for the
// transaction only.
func (s *Script) HasSettings() bool { return s.settingCount > 0 }

// add appends a statement and gives a pointer to it, valid until the next.
func (s *Script) add(st Statement) *Statement {
	if s.spill == nil && s.count == inlineStatements {
		s.spill = append(make([]Statement, 0, 4*inlineStatements), s.inline[:]...)
	}
	s.count++
	if s.spill != nil {
		s.spill = append(s.spill, st)
		return &s.spill[s.count-1]
	}
	s.inline[s.count-1] = st
	return &s.inline[s.count-1]
}

// maxSettings is how many settings one script can tell of.
const maxSettings = 1<<16 - 1

// addSetting appends a setting to those of the last statement. Beyond the
// bound the session only knows that there was one.
func (s *Script) addSetting(st *Statement, set Setting) {
	if s.settingCount >= maxSettings {
		st.Effects |= EffectUnknownState
		return
	}
	if s.settingSpill == nil && s.settingCount == inlineSettings {
		s.settingSpill = append(make([]Setting, 0, 4*inlineSettings), s.settings[:]...)
	}
	if st.settingCount == 0 {
		st.firstSetting = uint16(s.settingCount)
	}
	if s.settingSpill != nil {
		s.settingSpill = append(s.settingSpill, set)
	} else {
		s.settings[s.settingCount] = set
	}
	s.settingCount++
	st.settingCount++
}
