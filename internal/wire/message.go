package wire

import "bytes"

// Message types a client sends.
const (
	Bind         = 'B'
	Close        = 'C'
	CopyFail     = 'f'
	Describe     = 'D'
	Execute      = 'E'
	Flush        = 'H'
	FunctionCall = 'F'
	Parse        = 'P'
	Password     = 'p' // also GSSResponse, SASLInitialResponse and SASLResponse
	Query        = 'Q'
	Sync         = 'S'
	Terminate    = 'X'
)

// Message types a server sends.
const (
	Authentication           = 'R'
	BackendKeyData           = 'K'
	BindComplete             = '2'
	CloseComplete            = '3'
	CommandComplete          = 'C'
	CopyBothResponse         = 'W'
	CopyInResponse           = 'G'
	CopyOutResponse          = 'H'
	DataRow                  = 'D'
	EmptyQueryResponse       = 'I'
	ErrorResponse            = 'E'
	FunctionCallResponse     = 'V'
	NegotiateProtocolVersion = 'v'
	NoData                   = 'n'
	NoticeResponse           = 'N'
	NotificationResponse     = 'A'
	ParameterDescription     = 't'
	ParameterStatus          = 'S'
	ParseComplete            = '1'
	PortalSuspended          = 's'
	ReadyForQuery            = 'Z'
	RowDescription           = 'T'
)

// Message types both sides send.
const (
	CopyData = 'd'
	CopyDone = 'c'
)

// Transaction status as ReadyForQuery tells it.
const (
	TxIdle   = 'I'
	TxOpen   = 'T'
	TxFailed = 'E'
)

// HeaderSize is the length of a type byte and a length word.
const HeaderSize = 5

// MaxMessage is the largest length word accepted from either side, in bytes:
// PostgreSQL's own PQ_LARGE_MESSAGE_LIMIT (MaxAllocSize) plus the word.
const MaxMessage = 1<<30 + 4

// Header reads the type and total size in bytes (header included) of the
// message at the start of p. ok is false while p is too short; size is
// negative when the length word is impossible.
func Header(p []byte) (typ byte, size int, ok bool) {
	if len(p) < HeaderSize {
		return 0, 0, false
	}
	n := uint32(p[1])<<24 | uint32(p[2])<<16 | uint32(p[3])<<8 | uint32(p[4])
	if n < 4 || n > MaxMessage {
		return p[0], -1, true
	}
	return p[0], int(n) + 1, true
}

// CString reads the zero-terminated string at the start of p and what
// follows it; ok is false when p has no zero byte.
func CString(p []byte) (s, rest []byte, ok bool) {
	if i := bytes.IndexByte(p, 0); i >= 0 {
		return p[:i], p[i+1:], true
	}
	return nil, p, false
}
