package router

import (
	"strconv"
	"strings"
)

// reasonWords say a reason to people; a %s is where the cause goes in.
var reasonWords = [reasons]string{
	ReasonNone:                "it was not judged",
	ReasonRead:                "it only reads",
	ReasonEmpty:               "there is no statement",
	ReasonUnknownStatement:    "it was not understood%s",
	ReasonUnterminated:        "a string, comment, identifier or parenthesis is left open",
	ReasonBadByte:             "it holds a byte or number that PostgreSQL does not read%s",
	ReasonEncoding:            "its bytes cannot be told from ASCII safely",
	ReasonTooComplex:          "it is nested too deep to follow",
	ReasonMixed:               "it has several statements that are not all reads",
	ReasonDML:                 "it writes%s",
	ReasonCTEWrite:            "a query inside it writes%s",
	ReasonRowLock:             "it locks rows%s",
	ReasonTableLock:           "it locks a table",
	ReasonSelectInto:          "SELECT INTO makes a table",
	ReasonDDL:                 "it changes the schema%s",
	ReasonMaintain:            "it maintains the database%s",
	ReasonCopyFrom:            "COPY FROM writes",
	ReasonServerFile:          "it reads or writes a file or program on the server",
	ReasonProcedure:           "procedures and DO blocks may do anything",
	ReasonNotify:              "it notifies%s",
	ReasonTwoPhase:            "it concerns a prepared transaction",
	ReasonUnknownFunction:     "it calls a function the catalogue does not know%s",
	ReasonVolatileFunction:    "it calls a volatile function%s",
	ReasonSequence:            "it uses a sequence%s",
	ReasonAdvisoryLock:        "advisory locks hold on one node only%s",
	ReasonTransactionID:       "it concerns transaction IDs%s",
	ReasonSnapshot:            "it exports or imports a snapshot%s",
	ReasonLargeObject:         "it uses large objects%s",
	ReasonOutside:             "it acts outside the database%s",
	ReasonNodeControl:         "it controls the node it runs on%s",
	ReasonNodeLocal:           "its answer differs from node to node%s",
	ReasonRoleProbe:           "it asks whether this is the primary%s",
	ReasonOverride:            "it is configured, or was learned, to need the primary%s",
	ReasonUnknownRelation:     "it names a relation the catalogue does not know%s",
	ReasonTemporary:           "it uses a temporary table%s",
	ReasonUnlogged:            "it uses an unlogged table%s",
	ReasonForeign:             "it uses a foreign table%s",
	ReasonView:                "a view it uses calls a function that needs the primary%s",
	ReasonOperator:            "an operator it uses needs the primary%s",
	ReasonType:                "a type it uses needs the primary or is not known%s",
	ReasonHiddenCall:          "the database runs such functions without their being named%s",
	ReasonSetting:             "it changes a setting of the session%s",
	ReasonListen:              "it concerns the channels the session listens on",
	ReasonPrepared:            "it concerns prepared statements of the session",
	ReasonCursor:              "it concerns cursors of the session",
	ReasonDiscard:             "it resets the session",
	ReasonLoad:                "it loads a library into the session",
	ReasonProxy:               "pgroute answers it itself",
	ReasonTransaction:         "it begins, ends or shapes a transaction",
	ReasonReadOnlyTransaction: "the transaction is read-only",
	ReasonIsolation:           "standbys refuse SERIALIZABLE and DEFERRABLE",
}

// maxCause bounds what is quoted of a statement.
const maxCause = 60

// Words says the reason to people, with the piece of text that is its cause.
func (r Reason) Words(cause string) string {
	if r >= reasons {
		return r.String()
	}
	words, places, found := strings.Cut(reasonWords[r], "%s")
	if !found || cause == "" {
		return words + places
	}
	if len(cause) > maxCause {
		cause = cutAt(cause, maxCause) + "..."
	}
	return words + ": " + strconv.Quote(cause)
}

// Description is a statement's classification for people and tables.
type Description struct {
	SQL     string // the statement
	Class   string
	Verb    string
	Reason  string // the label
	Effects string
	Because string // the reason in words
}

// Describe tells about every statement of a classified text.
func Describe(text []byte, s *Script) []Description {
	all := make([]Description, 0, s.Len())
	for i := range s.Len() {
		st := s.Statement(i)
		all = append(all, Description{
			SQL:     string(st.Span.Of(text)),
			Class:   st.Class.String(),
			Verb:    st.Verb.String(),
			Reason:  st.Reason.String(),
			Effects: st.Effects.String(),
			Because: st.Reason.Words(string(st.Cause.Of(text))),
		})
	}
	return all
}
