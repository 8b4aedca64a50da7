package router

// SettingID names the settings the router or the session must understand.
type SettingID uint8

// Settings known by name; every other is SettingOther.
const (
	SettingOther SettingID = iota
	SettingTransactionReadOnly
	SettingTransactionIsolation
	SettingTransactionDeferrable
	SettingDefaultReadOnly
	SettingDefaultIsolation
	SettingDefaultDeferrable
	SettingSearchPath
	SettingStandardStrings
	SettingClientEncoding
	SettingTimeZone
	SettingRole
	SettingSessionAuthorization
	SettingProxy // pgroute.…
)

// SettingKind is how a setting is given its value.
type SettingKind uint8

// Kinds.
const (
	// SetValue: Value is the list of values as written, without SET, name, TO.
	SetValue SettingKind = iota
	// SetDefault: SET x TO DEFAULT, RESET x, SET TIME ZONE LOCAL.
	SetDefault
	// SetCall: set_config('name', …, …): Value is the argument as written,
	// which may be any expression.
	SetCall
)

// Setting is one assignment to a setting. Special forms (SET TIME ZONE, SET
// NAMES, SET SCHEMA, SET ROLE, SET SESSION AUTHORIZATION, SET XML OPTION) have
// an empty Name and their ID or their Form.
type Setting struct {
	ID    SettingID
	Kind  SettingKind
	Form  SettingForm
	Local bool // ends with the transaction
	Name  Span // the name as written; of SetCall, the literal with its quotes
	Value Span
}

// SettingForm tells the special syntaxes apart.
type SettingForm uint8

// Forms.
const (
	FormPlain SettingForm = iota
	FormTimeZone
	FormNames
	FormSchema
	FormRole
	FormSessionAuthorization
	FormXMLOption
	// FormCharacteristics: SET SESSION CHARACTERISTICS; the statement's flags
	// are the value.
	FormCharacteristics
)
