package router

import "github.com/pgroute/pgroute/router/sqlscan"

// set is SET in all its forms.
func (c *Classifier) set() {
	local := false
	if c.next.Keyword == sqlscan.KwLocal || c.next.Keyword == sqlscan.KwSession {
		if c.sessionForm() {
			return
		}
		// SET local = … is no setting of PostgreSQL's, and SET session neither.
		c.advance()
		local = c.tok.Keyword == sqlscan.KwLocal
	}
	c.st.Verb = VerbSet
	if local {
		c.st.Verb = VerbSetLocal
	}
	c.advance()
	switch c.tok.Keyword {
	case sqlscan.KwTransaction:
		c.setTransaction(false)
	case sqlscan.KwConstraints:
		c.is(VerbSetConstraints, ClassTransaction, ReasonTransaction, 0)
	case sqlscan.KwTime, sqlscan.KwNames, sqlscan.KwSchema, sqlscan.KwRole, sqlscan.KwSession, sqlscan.KwXml:
		c.specialSet(local)
	default:
		c.plainSet(local)
	}
}

// sessionForm handles SET SESSION CHARACTERISTICS; SET SESSION AUTHORIZATION
// goes on as a special setting, from the word SESSION.
func (c *Classifier) sessionForm() bool {
	look := c.scan
	after := look.Next()
	if c.next.Keyword != sqlscan.KwSession {
		return false
	}
	switch after.Keyword {
	case sqlscan.KwCharacteristics:
		for c.tok.Keyword != sqlscan.KwTransaction && c.tok.Kind != sqlscan.EOF && c.tok.Kind != sqlscan.Semicolon {
			c.advance()
		}
		c.setTransaction(true)
		return true
	case sqlscan.KwAuthorization:
		c.st.Verb = VerbSet
		c.advance()
		c.specialSet(false)
		return true
	}
	return false
}

// setTransaction is SET TRANSACTION, or with defaults SET SESSION
// CHARACTERISTICS AS TRANSACTION.
func (c *Classifier) setTransaction(defaults bool) {
	c.is(VerbSetTransaction, ClassTransaction, ReasonTransaction, 0)
	c.advance()
	c.transactionModes()
	if !defaults {
		return
	}
	// It sets the three default_transaction_… settings.
	c.st.Verb, c.st.Class, c.st.Reason = VerbSet, ClassSession, ReasonSetting
	c.st.Flags |= FlagDefaults
	c.st.Effects |= EffectSetting
	for _, d := range []struct {
		flags Flags
		id    SettingID
	}{
		{FlagReadOnly | FlagReadWrite, SettingDefaultReadOnly},
		{FlagIsolation, SettingDefaultIsolation},
		{FlagDeferrable | FlagNotDeferrable, SettingDefaultDeferrable},
	} {
		if c.st.Flags&d.flags != 0 {
			c.script.addSetting(&c.st, Setting{ID: d.id, Form: FormCharacteristics})
		}
	}
}

// specialSet is one of the forms without a name and TO; the current token is
// the word that tells the form.
func (c *Classifier) specialSet(local bool) {
	set := Setting{Local: local}
	switch c.tok.Keyword {
	case sqlscan.KwTime: // TIME ZONE
		set.ID, set.Form = SettingTimeZone, FormTimeZone
	case sqlscan.KwNames:
		set.ID, set.Form = SettingClientEncoding, FormNames
	case sqlscan.KwSchema:
		set.ID, set.Form = SettingSearchPath, FormSchema
	case sqlscan.KwRole:
		set.ID, set.Form = SettingRole, FormRole
	case sqlscan.KwSession: // SESSION AUTHORIZATION
		set.ID, set.Form = SettingSessionAuthorization, FormSessionAuthorization
	case sqlscan.KwXml: // XML OPTION
		set.Form = FormXMLOption
	}
	// Whatever the first word: a TO or = makes it a plain name.
	if assigns(c.next) {
		// SET role TO x, SET names = …: a name like any other.
		c.plainSet(local)
		return
	}
	switch set.Form {
	case FormTimeZone, FormSessionAuthorization, FormXMLOption:
		c.advance()
	}
	c.advance()
	c.value(&set)
	c.assign(set)
}

// assigns reports whether a token is the TO or = of SET.
func assigns(t sqlscan.Token) bool {
	return t.Keyword == sqlscan.KwTo || t.Kind == sqlscan.Operator && t.End-t.Start == 1
}

// plainSet is name TO value; the current token begins the name.
func (c *Classifier) plainSet(local bool) {
	set := Setting{Local: local}
	set.Name, set.ID = c.settingName()
	if set.Name.Len() == 0 || !assigns(c.tok) {
		c.unknown(ReasonUnknownStatement)
		return
	}
	c.advance()
	c.value(&set)
	c.assign(set)
}

// settingName reads a dotted name and moves past it; empty when there is none.
func (c *Classifier) settingName() (Span, SettingID) {
	first, ok := sqlscan.Name(c.text, c.tok, &c.nameBuf)
	if !ok {
		return Span{}, SettingOther
	}
	name, id, end := spanOf(c.tok), settingID(first), c.tok.End
	for c.next.Kind == sqlscan.Dot {
		c.advance()
		c.advance()
		if !c.tok.IsName() {
			return Span{}, SettingOther
		}
		name.End = c.tok.End
	}
	if name.End != end {
		id = partedID(first)
	}
	c.advance()
	return name, id
}

// value takes the rest of the statement as the value.
func (c *Classifier) value(set *Setting) {
	set.Value.Start = c.tok.Start
	if k := c.tok.Keyword; k == sqlscan.KwDefault || k == sqlscan.KwLocal && set.Form == FormTimeZone {
		set.Kind = SetDefault
	}
	for c.tok.Kind != sqlscan.EOF && c.tok.Kind != sqlscan.Semicolon && c.tok.Kind != sqlscan.Invalid {
		c.advance()
	}
	set.Value.End = max(set.Value.Start, c.prev.End)
}

// assign records one setting and what it makes of the statement.
func (c *Classifier) assign(set Setting) {
	c.script.addSetting(&c.st, set)
	switch {
	case set.ID == SettingProxy:
		c.st.Verb = VerbSetProxy
		c.demote(ClassSession, ReasonProxy, set.Name)
	case transactionSetting(set.ID):
		// These end with the transaction, LOCAL or not.
		c.st.Verb = VerbSetTransaction
		c.transactionValue(set)
		c.demote(ClassTransaction, modesReason(c.st.Flags), set.Name)
	default:
		c.demote(ClassSession, ReasonSetting, set.Name)
		if !set.Local {
			c.st.Effects |= EffectSetting
		}
	}
}

// transactionSetting reports the settings that stand for SET TRANSACTION.
func transactionSetting(id SettingID) bool {
	return id == SettingTransactionReadOnly || id == SettingTransactionIsolation || id == SettingTransactionDeferrable
}

// transactionValue turns the value into the flags of SET TRANSACTION.
func (c *Classifier) transactionValue(set Setting) {
	value, err := SettingText(c.text, set)
	on, isBool := parseBool(value)
	switch {
	case err != nil:
	case set.ID == SettingTransactionReadOnly && isBool:
		c.exclusive(pick(on, FlagReadOnly, FlagReadWrite), 0)
	case set.ID == SettingTransactionDeferrable && isBool:
		c.exclusive(pick(on, FlagDeferrable, FlagNotDeferrable), 0)
	case set.ID == SettingTransactionIsolation:
		c.st.Flags |= isolationFlag(value)
	}
}

// pick chooses one of two flags.
func pick(on bool, yes, no Flags) Flags {
	if on {
		return yes
	}
	return no
}

// isolationFlag reads the value of transaction_isolation.
func isolationFlag(value string) Flags {
	switch lowerASCII(value) {
	case "serializable":
		return FlagSerializable
	case "repeatable read":
		return FlagRepeatableRead
	case "read committed", "read uncommitted":
		return FlagReadCommitted
	}
	return 0
}

// reset is RESET name, RESET ALL and the special forms.
func (c *Classifier) reset() {
	c.advance()
	set := Setting{Kind: SetDefault}
	switch c.tok.Keyword {
	case sqlscan.KwAll:
		c.is(VerbResetAll, ClassSession, ReasonSetting, EffectSetting)
		return
	case sqlscan.KwTime:
		if c.next.Keyword == sqlscan.KwZone {
			set.ID, set.Form = SettingTimeZone, FormTimeZone
		}
	case sqlscan.KwSession:
		if c.next.Keyword == sqlscan.KwAuthorization {
			set.ID, set.Form = SettingSessionAuthorization, FormSessionAuthorization
		}
	case sqlscan.KwTransaction:
		c.is(VerbSetTransaction, ClassTransaction, ReasonTransaction, 0)
		return
	}
	if set.Form == FormPlain {
		set.Name, set.ID = c.settingName()
	}
	c.st.Verb = VerbReset
	c.assign(set)
	if c.st.Verb == VerbSetProxy {
		c.st.Verb = VerbResetProxy
	}
}

// show is SHOW name. Settings that are the session's own answer alike
// everywhere; what else there is belongs to the node.
func (c *Classifier) show() {
	c.st.Verb = VerbShow
	c.advance()
	switch c.tok.Keyword {
	case sqlscan.KwAll:
		c.demote(ClassWrite, ReasonNodeLocal, spanOf(c.tok))
		return
	case sqlscan.KwTime, sqlscan.KwSession:
		if c.next.Keyword == sqlscan.KwZone || c.next.Keyword == sqlscan.KwAuthorization {
			return
		}
	case sqlscan.KwTransaction: // ISOLATION LEVEL
		return
	}
	// The name of a setting of PostgreSQL's is one word, maybe quoted.
	plain, _ := sqlscan.Name(c.text, c.tok, &c.nameBuf)
	single := c.next.Kind != sqlscan.Dot
	var id SettingID
	c.st.Name, id = c.settingName()
	switch {
	case id == SettingProxy:
		c.st.Verb = VerbShowProxy
		c.demote(ClassSession, ReasonProxy, c.st.Name)
	case single:
		c.visible(plain, c.st.Name)
	}
}

// visible demotes a statement that shows a setting of the node.
func (c *Classifier) visible(name []byte, cause Span) {
	if reason := shownSetting(name); reason != ReasonRead {
		c.demote(ClassWrite, reason, cause)
	}
}
