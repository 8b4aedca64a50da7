package proxy

import (
	"strings"

	"github.com/pgroute/pgroute/backend"
	"github.com/pgroute/pgroute/internal/wire"
	"github.com/pgroute/pgroute/router"
)

// state is what makes a session's state on a server: what can be brought to
// any server connection, and what pins the session to the one it has.
type state struct {
	set     backend.Settings // on top of the startup settings
	path    *router.SearchPath
	scope   string               // role and search_path, unless they are the defaults
	named   map[string]*prepared // protocol-level, by the client's name
	parsing []*prepared          // made by units that are not answered
	unnamed *backend.Statement
	own     []byte // text of the unnamed statement if that is one of pgroute's own
	owns    bool   // there were prepared statements of that kind
	// touched are settings that may have changed; their values are read back
	// from the server when the transaction has ended.
	touched []string
	pins    pin
	// told are the pins whose statements were answered, toldIdle those
	// answered outside a transaction or before it.
	told, toldIdle pin
	// sqlNames are those of PREPARE: a Parse under one of them is for the server
	// to judge. The session is pinned.
	sqlNames []string
	forgets  []*forgetting // in the order they were sent
	// changesSchema: DDL was sent in a transaction that has not ended.
	changesSchema bool
	bound         bound
	// busy: pgroute itself uses the link; the client's input waits.
	busy     bool
	encoding router.Encoding
	// escaped: standard_conforming_strings is off.
	escaped bool
	// stable: by default all statements of a transaction see what the first saw.
	stable bool
}

// pin is a set of reasons for a session to keep its server connection.
type pin uint16

const (
	pinTempTable pin = 1 << iota
	pinListen
	pinAdvisoryLock
	pinSQLPrepare
	pinHoldCursor
	pinLoad
	pinSequence
	pinUnknownState
	pinAuthorization // SET SESSION AUTHORIZATION
	pinSetting       // a setting whose name is not known
	pinLargeStatement
	pinCount = iota
)

var pinNames = [pinCount]string{
	"temporary_table", "listen", "advisory_lock", "sql_prepare", "hold_cursor", "load",
	"sequence", "unknown_state", "session_authorization", "setting", "large_statement",
}

// String lists the reasons, joined by commas.
func (p pin) String() string {
	var names []string
	for i, name := range pinNames {
		if p&(1<<i) != 0 {
			names = append(names, name)
		}
	}
	return strings.Join(names, ",")
}

const (
	// transactional pins stand for what is undone with the transaction that
	// made it.
	transactional = pinTempTable | pinListen | pinHoldCursor
	// missed are pins for state whose loss shows where it is used: currval and
	// lastval say that they know nothing.
	missed = pinSequence
)

// answered notes that the client was told of all that pins it.
func (st *state) answered(tx byte) {
	st.told = st.pins
	if tx == wire.TxIdle {
		st.toldIdle = st.pins
	}
}

// goneWith gives the pins for what the client counts on and loses with its
// server. What was still being made it knows nothing of, and what the
// transaction that is lost too has made is undone with it.
func (st *state) goneWith(tx byte) pin {
	gone := st.pins & st.told &^ missed
	if tx != wire.TxIdle {
		gone &^= transactional &^ st.toldIdle
	}
	return gone
}

// pinsOf maps what statements leave behind to reasons to stay.
var pinsOf = [...]struct {
	effect router.Effects
	pin    pin
}{
	{router.EffectTempTable, pinTempTable},
	{router.EffectListen, pinListen},
	{router.EffectAdvisoryLock, pinAdvisoryLock},
	{router.EffectSQLPrepare, pinSQLPrepare},
	{router.EffectHoldCursor, pinHoldCursor},
	{router.EffectLoad, pinLoad},
	{router.EffectSequence, pinSequence},
	{router.EffectUnknownState, pinUnknownState},
}

// setName gives a statement its name with the client.
func (st *state) setName(name string, p *prepared) {
	if st.named == nil {
		st.named = map[string]*prepared{}
	}
	st.named[name] = p
}

// prepared is a statement with its two names.
type prepared struct {
	st    *backend.Statement
	alias backend.Alias
	own   []byte // its text if it is one of pgroute's own; st is the refusal then
	// unsure: the server was lost before the end of the unit that made it. The
	// client may have been told that it is there, and that the unit failed; it
	// may use it, and it may make it again.
	unsure bool
}

// parsed notes that the units that made statements are answered, or lost.
func (st *state) parsed(lost bool) {
	for i, p := range st.parsing {
		p.unsure = p.unsure || lost
		st.parsing[i] = nil
	}
	st.parsing = st.parsing[:0]
}

// find gives the statement of a client's name and both names, if it has any;
// nil when there is none.
func (st *state) find(name []byte) (*backend.Statement, *backend.Alias) {
	if len(name) == 0 {
		return st.unnamed, nil
	}
	if p := st.named[string(name)]; p != nil {
		return p.st, &p.alias
	}
	return nil, nil
}

// pin adds reasons to stay.
func (s *session) pin(p pin) {
	added := p &^ s.state.pins
	if added == 0 {
		return
	}
	s.state.pins |= p
	for i := range pinCount {
		if added&(1<<i) != 0 {
			s.w.counters.Pins[i].Add(1)
			s.w.counters.pinned[i].Add(1)
		}
	}
}

// unpin takes reasons to stay away: what they stood for is gone.
func (s *session) unpin(p pin) {
	s.w.counters.unpinned(s.state.pins & p)
	s.state.pins &^= p
}

// forgetPins: the server with all that the session had there is gone.
func (s *session) forgetPins() {
	s.unpin(s.state.pins)
	s.forgetDoubts()
}

// soil tells a connection what the session leaves on it.
func (st *state) soil(link *backend.Conn) {
	switch {
	case st.pins&pinLoad != 0:
		link.MarkUnusable()
	case st.pins != 0 || len(st.touched) > 0:
		link.MarkState()
	}
}

// note takes in what a statement about to be sent leaves behind.
func (s *session) note(sc *router.Script, text []byte) {
	if sc.Effects.Has(router.EffectDDL | router.EffectUnknownState) {
		s.state.changesSchema = true
		s.user.tenant.SchemaChanged()
	}
	if sc.Effects.Has(router.EffectCatalog) && s.holder == nil {
		s.holder = s.w.catalogs.Hold(s.user.tenant.Database)
	}
	s.noteSequences(sc.Effects)
	if sc.HasSettings() && !sc.Effects.Has(router.EffectSetting) {
		s.noteLocal(sc, text)
	}
	if sc.Effects&router.SessionState == 0 {
		return
	}
	s.pinFor(sc.Effects)
	if sc.Effects.Has(router.EffectUnknownState) {
		s.doubt(text)
	}
	if sc.Effects.Has(router.EffectSetting) {
		for i := range sc.Len() {
			if sc.Statement(i).Verb == router.VerbResetAll {
				s.state.set.All(func(name, _ string) bool { s.touch(name); return true })
				s.forgetWishes()
			}
			for _, set := range sc.Settings(sc.Statement(i)) {
				s.touchSetting(set, text)
			}
		}
	}
}

// noteLocal takes in settings for the transaction only. Of those with a class
// the server knows the name from then on, which the session must find anywhere.
func (s *session) noteLocal(sc *router.Script, text []byte) {
	for i := range sc.Len() {
		for _, set := range sc.Settings(sc.Statement(i)) {
			name := settingName(set, text)
			if _, known := s.state.set.Get(name); !known && backend.IsCustom(name) && set.ID != router.SettingProxy {
				s.touch(name)
			}
		}
	}
}

// pinFor adds the reasons to stay that effects give.
func (s *session) pinFor(e router.Effects) {
	for _, m := range pinsOf {
		if e.Has(m.effect) {
			s.pin(m.pin)
		}
	}
}

// releaseCatalog lets the catalogue be read anew: the transaction with the
// DDL has ended, one way or the other.
func (s *session) releaseCatalog() {
	if s.holder != nil {
		s.holder.Release()
		s.holder = nil
	}
}

// touchSetting notes that a setting may change.
func (s *session) touchSetting(set router.Setting, text []byte) {
	if set.Form == router.FormCharacteristics {
		s.touch("default_transaction_isolation")
		s.touch("default_transaction_read_only")
		s.touch("default_transaction_deferrable")
		return
	}
	name := settingName(set, text)
	switch p := pinOfSetting(set, name); {
	case p != 0:
		s.pin(p)
	case set.Local && !backend.IsCustom(name):
		// ends with the transaction
	default:
		s.touch(name)
	}
}

// pinOfSetting gives the reason to stay that a setting is which cannot be
// brought to another server; 0 for all others.
func pinOfSetting(set router.Setting, name string) pin {
	switch {
	case name == "seed":
		return pinSetting // the state of random() cannot be read back
	case set.ID == router.SettingSessionAuthorization:
		return pinAuthorization
	case name == "":
		return pinSetting
	}
	return 0
}

func (s *session) touch(name string) {
	for _, t := range s.state.touched {
		if t == name {
			return
		}
	}
	s.state.touched = append(s.state.touched, name)
}

// settingName gives the name of a setting in lower case; empty when it cannot
// be known from the text.
func settingName(set router.Setting, text []byte) string {
	switch set.Form {
	case router.FormTimeZone:
		return "timezone"
	case router.FormNames:
		return "client_encoding"
	case router.FormSchema:
		return "search_path"
	case router.FormRole:
		return "role"
	case router.FormXMLOption:
		return "xmloption"
	}
	name := string(set.Name.Of(text))
	if set.Kind == router.SetCall {
		if len(name) < 3 || name[0] != '\'' || strings.ContainsAny(name[1:len(name)-1], `'\`) {
			return ""
		}
		name = name[1 : len(name)-1]
	}
	if strings.Contains(name, `"`) {
		name = strings.ReplaceAll(name, `"`, "")
	}
	return strings.ToLower(name)
}
