package router

import "github.com/pgroute/pgroute/router/sqlscan"

// settingCall handles set_config and current_setting, the functions that are
// SET and SHOW in disguise. The current token is the last of the name, the
// next one the opening parenthesis. False for every other function.
func (c *Classifier) settingCall(schema, name []byte, tok sqlscan.Token) bool {
	if schema != nil && string(schema) != "pg_catalog" {
		return false
	}
	switch string(name) {
	case "set_config":
		c.setConfig(tok)
	case "current_setting":
		c.currentSetting(tok)
	default:
		return false
	}
	return true
}

// setConfig reads set_config(name, value, is_local). Unless name and is_local
// are plain literals, what it changes and for how long is not known.
func (c *Classifier) setConfig(tok sqlscan.Token) {
	c.demote(ClassSession, ReasonSetting, spanOf(tok))
	a := c.lookArguments()
	if a.count != 3 || !a.simple[0] || !a.simple[2] || a.first[0].Kind != sqlscan.String {
		c.st.Effects |= EffectUnknownState
		return
	}
	// The value may be any expression: the session reads it back afterwards.
	local, ok := c.boolLiteral(a.first[2])
	if !ok {
		c.st.Effects |= EffectUnknownState
		return
	}
	set := Setting{Kind: SetCall, Local: local, Name: spanOf(a.first[0]), Value: a.span[1]}
	name := set.Name.Of(c.text)
	set.ID = settingID(name[1 : len(name)-1])
	c.script.addSetting(&c.st, set)
	if !local && !transactionSetting(set.ID) {
		c.st.Effects |= EffectSetting
	}
}

// currentSetting reads current_setting(name [, missing_ok]).
func (c *Classifier) currentSetting(tok sqlscan.Token) {
	a := c.lookArguments()
	if a.count == 0 || !a.simple[0] || a.first[0].Kind != sqlscan.String {
		c.demote(ClassWrite, ReasonNodeLocal, spanOf(tok))
		return
	}
	name := a.first[0].Of(c.text)
	c.visible(name[1:len(name)-1], spanOf(a.first[0]))
}

// boolLiteral reads true, false and the strings that mean them.
func (c *Classifier) boolLiteral(t sqlscan.Token) (value, ok bool) {
	switch {
	case t.Keyword == sqlscan.KwTrue:
		return true, true
	case t.Keyword == sqlscan.KwFalse:
		return false, true
	case t.Kind == sqlscan.String:
		b := t.Of(c.text)
		return parseBool(string(b[1 : len(b)-1]))
	}
	return false, false
}

// maxArguments is as many as settingCall wants to see.
const maxArguments = 3

// arguments are the arguments of a call, as far as they are looked at.
type arguments struct {
	count  int
	first  [maxArguments]sqlscan.Token // first token of each
	simple [maxArguments]bool          // and whether it is the only one, a cast aside
	span   [maxArguments]Span
}

// lookArguments looks ahead over the call whose parenthesis is the next token.
func (c *Classifier) lookArguments() (a arguments) {
	look, depth, tokens, cast := c.scan, 0, 0, false
	for prev, t := c.next, look.Next(); ; prev, t = t, look.Next() {
		switch {
		case t.Kind == sqlscan.EOF, t.Kind == sqlscan.Invalid, t.Kind == sqlscan.Semicolon:
			return arguments{}
		case depth == 0 && (t.Kind == sqlscan.Comma || t.Kind == sqlscan.RightParen):
			a.finish(tokens, prev)
			if t.Kind == sqlscan.RightParen {
				return a
			}
			tokens, cast = 0, false
			continue
		case t.Kind == sqlscan.LeftParen, t.Kind == sqlscan.LeftBracket:
			depth++
		case t.Kind == sqlscan.RightParen, t.Kind == sqlscan.RightBracket:
			depth--
		}
		if cast = cast && t.Kind == sqlscan.Word || t.Kind == sqlscan.Typecast; cast && tokens == 1 {
			continue // ::text changes nothing
		}
		a.token(tokens, t)
		tokens++
	}
}

// token notes the first token of an argument.
func (a *arguments) token(n int, t sqlscan.Token) {
	if n == 0 && a.count < maxArguments {
		a.first[a.count] = t
		a.span[a.count].Start = t.Start
	}
}

// finish ends an argument of n tokens, the last of them being last.
func (a *arguments) finish(n int, last sqlscan.Token) {
	if n == 0 {
		return
	}
	if a.count < maxArguments {
		a.simple[a.count] = n == 1
		a.span[a.count].End = last.End
	}
	a.count++
}
