package backend

// mixedSequences stands for several sessions.
const mixedSequences = ^uint64(0)

// SequencesOf reports whether what currval and lastval answer on this
// connection can only come from that session.
func (c *Conn) SequencesOf(session uint64) bool {
	return c.sequences == 0 || c.sequences == session
}

// NoteSequences says that a session may have called nextval on the
// connection, by itself or by a column's default.
func (c *Conn) NoteSequences(session uint64) {
	switch c.sequences {
	case 0, session:
		c.sequences = session
	default:
		c.sequences = mixedSequences
	}
}

// ForgetSequences begins DISCARD SEQUENCES, which makes currval and lastval
// undefined for everybody; done is told.
func (c *Conn) ForgetSequences(done Internal) {
	c.sequences = 0
	c.Ask("DISCARD SEQUENCES", done)
}
