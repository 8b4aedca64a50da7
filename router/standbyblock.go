package router

// What a read-only transaction on a standby may carry out there. A statement
// that is a read anywhere is one of them; so is what shapes or ends the
// transaction, moves its cursors, or changes a setting.

// StaysOnStandby reports whether the standby carries the statement out as the
// primary would, when it comes in a read-only transaction there.
func (s *Statement) StaysOnStandby() bool {
	switch s.Verb {
	case VerbCommit, VerbRollback, VerbSavepoint, VerbRollbackTo, VerbRelease, VerbSetConstraints,
		VerbFetch, VerbClose, VerbCloseAll, VerbDeallocate, VerbDeallocateAll:
		return true
	case VerbBegin, VerbSetTransaction:
		return s.Flags&(FlagPrimary|FlagSnapshot) == 0
	}
	switch {
	case s.Reason == ReasonSetting:
		return s.Effects&^EffectSetting == 0
	case s.Class == ClassSession:
		return s.Reason == ReasonProxy
	}
	return s.Retryable()
}

// StaysOnStandby reports whether that holds of every statement.
func (s *Script) StaysOnStandby() bool {
	if s.Class == ClassRead {
		return s.Effects == 0
	}
	for i := range s.count {
		if !s.Statement(i).StaysOnStandby() {
			return false
		}
	}
	return true
}
