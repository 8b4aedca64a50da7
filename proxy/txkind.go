package proxy

import "github.com/pgroute/pgroute/router"

// txKind is what a transaction on the primary has turned out to be so far. It
// is counted, so that it can be told from data what it would bring to decide
// about BEGIN only when something in the transaction needs the primary.
type txKind uint8

const (
	txNone    txKind = iota // not in a transaction that is watched
	txEmpty                 // begun, nothing asked yet
	txReads                 // nothing but reads: a standby could have carried it
	txPrimary               // something needed the primary, or may have
	txKinds
)

var txKindNames = [txKinds]string{"none", "empty", "read_only_in_fact", "needed_primary"}

// TxKinds lists the kinds of transactions that are counted, in the order of
// Counters.Transactions.
func TxKinds() []string { return txKindNames[txEmpty:] }

// Transactions gives how many transactions that might have written, and so
// were on the primary, have turned out to be of the kind at that place of
// TxKinds. What was begun READ ONLY is not among them, nor are transactions
// within one query string.
func (c *Counters) Transactions(kind int) uint64 { return c.transactions[int(txEmpty)+kind].Load() }

// WouldHaveSplit gives how many of them did nothing but read.
func (c *Counters) WouldHaveSplit() uint64 { return c.transactions[txReads].Load() }

// watch takes in what is sent in a transaction; nil is something unknown.
func (s *session) watch(sc *router.Script, inBlock bool) {
	if s.tx == txNone {
		if !inBlock && sc != nil && s.onPrimary && !s.facts.ReadOnly {
			s.tx = begun(sc)
		}
		return
	}
	if sc == nil {
		s.tx = txPrimary
		return
	}
	for i := range sc.Len() {
		s.tx = max(s.tx, kindOf(sc.Statement(i)))
	}
}

// begun tells what a statement begins.
func begun(sc *router.Script) txKind {
	st := sc.Single()
	switch {
	case st == nil || st.Verb != router.VerbBegin || st.Flags&router.FlagReadOnly != 0:
		return txNone
	case st.Flags&router.FlagPrimary != 0:
		return txPrimary // a standby refuses these
	}
	return txEmpty
}

// kindOf tells what a statement makes of the transaction it is in. Settings
// could be brought to a standby as well.
func kindOf(st *router.Statement) txKind {
	switch {
	case st.Class == router.ClassRead:
		return txReads
	case st.Flags&router.FlagPrimary != 0,
		st.Verb == router.VerbPrepareTransaction:
		return txPrimary
	case st.Class == router.ClassTransaction, st.Reason == router.ReasonSetting:
		return txEmpty
	}
	return txPrimary
}

// endTx counts a transaction that has ended.
func (s *session) endTx() {
	if s.tx != txNone {
		s.w.counters.transactions[s.tx].Add(1)
		s.tx = txNone
	}
}
