package wire

import (
	"encoding/binary"
	"strings"

	"github.com/pgroute/pgroute/internal/pg"
)

// Codes in the place of the protocol version (src/include/libpq/pqcomm.h).
const (
	Protocol30  = 3 << 16
	CancelCode  = 1234<<16 | 5678
	SSLCode     = 1234<<16 | 5679
	GSSEncCode  = 1234<<16 | 5680
	TLSFirst    = 0x16 // first byte of a TLS ClientHello: direct negotiation
	protoMajor  = 3
	newestMinor = 2
)

// MaxStartup is the largest packet accepted before authentication chose a
// protocol, in bytes (MAX_STARTUP_PACKET_LENGTH).
const MaxStartup = 10000

// Startup is a parsed StartupMessage.
type Startup struct {
	Minor        int      // requested minor version of protocol 3
	Params       []string // name, value, name, value, in the order sent
	Unrecognized []string // _pq_. options, none of which pgroute knows
}

// Get gives the last value of a parameter; ok is false when it was not sent.
func (s *Startup) Get(name string) (value string, ok bool) {
	for i := 0; i+1 < len(s.Params); i += 2 {
		if s.Params[i] == name {
			value, ok = s.Params[i+1], true
		}
	}
	return value, ok
}

// AgreedMinor is the minor version both sides speak.
func (s *Startup) AgreedMinor() int {
	switch {
	case s.Minor >= newestMinor:
		return newestMinor
	default: // 3.1 was never released; PostgreSQL 18 answers it with 3.0
		return 0
	}
}

// NeedsNegotiation reports whether NegotiateProtocolVersion must be sent.
func (s *Startup) NeedsNegotiation() bool {
	return s.AgreedMinor() != s.Minor || len(s.Unrecognized) > 0
}

// StartupPacket frames one packet without a type byte: it gives the whole
// packet's size in bytes, or ok false while p is too short to tell.
func StartupPacket(p []byte) (size int, ok bool, err *pg.Error) {
	if len(p) < 4 {
		return 0, false, nil
	}
	n := binary.BigEndian.Uint32(p)
	if n < 8 || n > MaxStartup {
		return 0, false, pg.Fatalf(pg.ProtocolViolation, "invalid length of startup packet")
	}
	return int(n), true, nil
}

// StartupCode gives the version or request code of a whole packet.
func StartupCode(packet []byte) uint32 { return binary.BigEndian.Uint32(packet[4:]) }

// ParseStartup reads a whole StartupMessage packet, as ProcessStartupPacket
// in src/backend/tcop/backend_startup.c does.
func ParseStartup(packet []byte) (*Startup, *pg.Error) {
	code := StartupCode(packet)
	if code>>16 != protoMajor {
		return nil, pg.Fatalf(pg.FeatureNotSupported,
			"unsupported frontend protocol %d.%d: server supports 3.0 to 3.%d", code>>16, code&0xffff, newestMinor)
	}
	s := &Startup{Minor: int(code & 0xffff)}
	rest := packet[8:]
	for len(rest) > 0 && rest[0] != 0 {
		name, after, ok := CString(rest)
		if !ok {
			return nil, badLayout()
		}
		value, next, ok := CString(after)
		if !ok {
			return nil, badLayout()
		}
		s.add(string(name), string(value))
		rest = next
	}
	if len(rest) != 1 {
		return nil, badLayout()
	}
	return s, nil
}

func (s *Startup) add(name, value string) {
	if strings.HasPrefix(name, "_pq_.") {
		s.Unrecognized = append(s.Unrecognized, name)
		return
	}
	s.Params = append(s.Params, name, value)
}

func badLayout() *pg.Error {
	return pg.Fatalf(pg.ProtocolViolation, "invalid startup packet layout: expected terminator as last byte")
}

// ParseCancel reads a whole CancelRequest packet; the key is 4 bytes up to
// protocol 3.0 and at most 256 from 3.2 on.
func ParseCancel(packet []byte) (pid uint32, key []byte, ok bool) {
	if len(packet) < 13 || len(packet) > 12+256 {
		return 0, nil, false
	}
	return binary.BigEndian.Uint32(packet[8:]), packet[12:], true
}

// AppendNegotiate adds a NegotiateProtocolVersion message.
func AppendNegotiate(dst []byte, s *Startup) []byte {
	dst, at := begin(dst, NegotiateProtocolVersion)
	dst = binary.BigEndian.AppendUint32(dst, uint32(Protocol30|s.AgreedMinor()))
	dst = binary.BigEndian.AppendUint32(dst, uint32(len(s.Unrecognized)))
	for _, o := range s.Unrecognized {
		dst = appendCString(dst, o)
	}
	return finish(dst, at)
}

// AppendBackendKeyData adds a BackendKeyData with a key of any length.
func AppendBackendKeyData(dst []byte, pid uint32, key []byte) []byte {
	dst = AppendHeader(dst, BackendKeyData, 4+len(key))
	dst = binary.BigEndian.AppendUint32(dst, pid)
	return append(dst, key...)
}
