package pg

// SQLState is a five-character code of PostgreSQL's appendix A.
type SQLState string

// The codes pgroute itself sends or judges, by their names in errcodes.txt.
const (
	ConnectionFailure            SQLState = "08006"
	TransactionResolutionUnknown SQLState = "08007"
	ProtocolViolation            SQLState = "08P01"
	FeatureNotSupported          SQLState = "0A000"
	InvalidParameterValue        SQLState = "22023"
	ReadOnlySQLTransaction       SQLState = "25006"
	IdleInTransactionTimeout     SQLState = "25P03"
	TransactionTimeout           SQLState = "25P04"
	InvalidAuthorization         SQLState = "28000"
	InvalidPassword              SQLState = "28P01"
	InFailedTransaction          SQLState = "25P02"
	InvalidStatementName         SQLState = "26000"
	InvalidSavepoint             SQLState = "3B001"
	InvalidCatalogName           SQLState = "3D000"
	SerializationFailure         SQLState = "40001"
	SyntaxError                  SQLState = "42601"
	DuplicatePreparedStatement   SQLState = "42P05"
	TooManyConnections           SQLState = "53300"
	ObjectNotInPrerequisiteState SQLState = "55000"
	QueryCanceled                SQLState = "57014"
	AdminShutdown                SQLState = "57P01"
	CrashShutdown                SQLState = "57P02"
	CannotConnectNow             SQLState = "57P03"
	DatabaseDropped              SQLState = "57P04"
	IdleSessionTimeout           SQLState = "57P05"
	InternalError                SQLState = "XX000"
)

// SQLStates lists the codes above, for metrics that start at zero.
func SQLStates() []SQLState {
	return []SQLState{
		ConnectionFailure, TransactionResolutionUnknown, ProtocolViolation, FeatureNotSupported,
		InvalidParameterValue, ReadOnlySQLTransaction, InFailedTransaction, IdleInTransactionTimeout,
		TransactionTimeout, InvalidAuthorization, InvalidPassword, InvalidStatementName, InvalidSavepoint,
		InvalidCatalogName, SerializationFailure, SyntaxError,
		DuplicatePreparedStatement, TooManyConnections, ObjectNotInPrerequisiteState, QueryCanceled,
		AdminShutdown, CrashShutdown, CannotConnectNow, DatabaseDropped, IdleSessionTimeout, InternalError,
	}
}
