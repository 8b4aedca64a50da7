package router

import (
	"bytes"

	"github.com/pgroute/pgroute/router/sqlscan"
)

// resolve folds a name and its schema (the zero token when there is none).
// False when it cannot be known how PostgreSQL would read it.
func (c *Classifier) resolve(schema, name sqlscan.Token) (s, n []byte, ok bool) {
	if schema.Kind != sqlscan.EOF {
		if s, ok = sqlscan.Name(c.text, schema, &c.schemaBuf); !ok || !c.plainUnicode(schema) {
			return nil, nil, false
		}
	}
	n, ok = sqlscan.Name(c.text, name, &c.nameBuf)
	return s, n, ok && c.plainUnicode(name)
}

// plainUnicode reports whether a name needs no UESCAPE clause to be read.
func (c *Classifier) plainUnicode(t sqlscan.Token) bool {
	return t.Kind != sqlscan.UnicodeQuoted || c.next.Keyword != sqlscan.KwUescape
}

// spells reports whether a token is the name, however it is written.
func (c *Classifier) spells(t sqlscan.Token, name string) bool {
	n, ok := sqlscan.Name(c.text, t, &c.cteBuf)
	return ok && string(n) == name
}

// temporary reports whether a schema is a session's temporary one.
func temporary(schema []byte) bool { return bytes.HasPrefix(schema, []byte("pg_temp")) }

// function judges a call of the named function.
func (c *Classifier) function(schema, name sqlscan.Token) {
	s, n, ok := c.resolve(schema, name)
	if !ok {
		c.unknown(ReasonUnknownFunction)
		return
	}
	if c.mode == modeExplain {
		return
	}
	if temporary(s) {
		c.demote(ClassWrite, ReasonTemporary, spanOf(name))
		c.st.Effects |= EffectUnknownState
		return
	}
	if c.settingCall(s, n, name) {
		return
	}
	c.judge(c.cat.Lookup(KindFunction, s, n, c.path), ReasonUnknownFunction, ReasonVolatileFunction, name)
}

// relation judges a name in FROM.
func (c *Classifier) relation(schema, name sqlscan.Token) {
	s, n, ok := c.resolve(schema, name)
	if !ok {
		c.unknown(ReasonUnknownRelation)
		return
	}
	if s == nil && c.isCTE(n) {
		return
	}
	if temporary(s) {
		c.demote(ClassWrite, ReasonTemporary, spanOf(name))
		return
	}
	v := c.cat.Lookup(KindRelation, s, n, c.path)
	c.judge(v, ReasonUnknownRelation, ReasonView, name)
	// PostgreSQL's own relations have no column of a user's type.
	if h := c.traits.Hidden; h.Kind != VerdictHarmless && string(s) != "pg_catalog" {
		c.judge(h, ReasonHiddenCall, ReasonHiddenCall, name)
	}
}

// typeName judges the target of a cast. tolerant says that the word may be
// part of a clause, so that an unknown type is no type at all.
func (c *Classifier) typeName(schema, name sqlscan.Token, tolerant bool) {
	if c.mode == modeExplain {
		return
	}
	s, n, ok := c.resolve(schema, name)
	if !ok || temporary(s) {
		c.unknown(ReasonType)
		return
	}
	v := c.cat.Lookup(KindType, s, n, c.path)
	if v.Kind == VerdictUnknown && tolerant {
		return
	}
	c.judge(v, ReasonType, ReasonType, name)
}

// attribute judges the last part of a dotted column, which is a function call
// when there is no such column.
func (c *Classifier) attribute(name sqlscan.Token) {
	if c.traits.AttributesHarmless || c.mode == modeExplain {
		return
	}
	if _, n, ok := c.resolve(sqlscan.Token{}, name); ok {
		c.judge(c.cat.Lookup(KindAttribute, nil, n, c.path), ReasonUnknownFunction, ReasonVolatileFunction, name)
		return
	}
	c.unknown(ReasonUnknownFunction)
}

// judge demotes the statement by a verdict; unknown and primary are the
// reasons for verdicts that bring none.
func (c *Classifier) judge(v Verdict, unknown, primary Reason, cause sqlscan.Token) {
	if c.mode == modePlain {
		c.st.Effects |= v.Effects
	}
	switch v.Kind {
	case VerdictHarmless:
	case VerdictPrimary:
		if v.Reason != ReasonNone {
			primary = v.Reason
		}
		c.demote(ClassWrite, primary, spanOf(cause))
	default:
		if v.Reason != ReasonNone {
			unknown = v.Reason
		}
		if c.mode == modePlain && unknown != ReasonUnknownRelation {
			c.st.Effects |= EffectUnknownState
		}
		c.demote(ClassUnknown, unknown, spanOf(cause))
	}
}
