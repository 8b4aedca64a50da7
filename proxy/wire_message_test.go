package proxy_test

import (
	"encoding/binary"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/jackc/pgproto3/v2"
)

// builders make a message of the words behind its type:
//
//	Query text                     Parse name text [oid …]
//	Bind portal statement [pf=1,0] [rf=1] [value|NULL …]
//	Describe S|P name              Close S|P name
//	Execute portal [rows]          FunctionCall oid [pf=…] [rf=…] [value|NULL …]
//	Sync  Flush  Terminate  CopyDone  CopyData text  CopyFail text
//	Raw type body                  any type, with a right length
//	Bytes text                     no frame at all
var builders = map[string]func(args []word) ([]byte, error){
	"Query": func(a []word) ([]byte, error) { return encode(&pgproto3.Query{String: a[0].text}) },
	"Parse": buildParse,
	"Bind":  buildBind,
	"Describe": func(a []word) ([]byte, error) {
		return encode(&pgproto3.Describe{ObjectType: a[0].text[0], Name: a[1].text})
	},
	"Close": func(a []word) ([]byte, error) {
		return encode(&pgproto3.Close{ObjectType: a[0].text[0], Name: a[1].text})
	},
	"Execute":      buildExecute,
	"FunctionCall": buildFunctionCall,
	"Sync":         func([]word) ([]byte, error) { return encode(&pgproto3.Sync{}) },
	"Flush":        func([]word) ([]byte, error) { return encode(&pgproto3.Flush{}) },
	"Terminate":    func([]word) ([]byte, error) { return encode(&pgproto3.Terminate{}) },
	"CopyDone":     func([]word) ([]byte, error) { return encode(&pgproto3.CopyDone{}) },
	"CopyData":     func(a []word) ([]byte, error) { return encode(&pgproto3.CopyData{Data: []byte(a[0].text)}) },
	"CopyFail":     func(a []word) ([]byte, error) { return encode(&pgproto3.CopyFail{Message: a[0].text}) },
	"Raw":          func(a []word) ([]byte, error) { return frame(a[0].text[0], []byte(a[1].text)), nil },
	"Bytes":        func(a []word) ([]byte, error) { return []byte(a[0].text), nil },
}

// build makes the message of a send step.
func build(args []word) (msg []byte, err error) {
	defer func() {
		if recover() != nil {
			err = errors.New("too few arguments")
		}
	}()
	b := builders[args[0].text]
	if b == nil {
		return nil, fmt.Errorf("no such message: %s", args[0].text)
	}
	return b(args[1:])
}

func encode(m pgproto3.FrontendMessage) ([]byte, error) { return m.Encode(nil) }

// frame puts a header before a body.
func frame(typ byte, body []byte) []byte {
	out := binary.BigEndian.AppendUint32([]byte{typ}, uint32(len(body)+4))
	return append(out, body...)
}

func buildParse(a []word) ([]byte, error) {
	m := pgproto3.Parse{Name: a[0].text, Query: a[1].text}
	for _, w := range a[2:] {
		oid, err := strconv.ParseUint(w.text, 10, 32)
		if err != nil {
			return nil, err
		}
		m.ParameterOIDs = append(m.ParameterOIDs, uint32(oid))
	}
	return encode(&m)
}

func buildExecute(a []word) ([]byte, error) {
	m := pgproto3.Execute{Portal: a[0].text}
	if len(a) > 1 {
		n, err := strconv.ParseUint(a[1].text, 10, 32)
		if err != nil {
			return nil, err
		}
		m.MaxRows = uint32(n)
	}
	return encode(&m)
}

func buildBind(a []word) ([]byte, error) {
	m := pgproto3.Bind{DestinationPortal: a[0].text, PreparedStatement: a[1].text}
	for _, w := range a[2:] {
		pf, isPf := strings.CutPrefix(w.text, "pf=")
		rf, isRf := strings.CutPrefix(w.text, "rf=")
		switch {
		case isPf && !w.quoted:
			m.ParameterFormatCodes = formats(pf)
		case isRf && !w.quoted:
			m.ResultFormatCodes = formats(rf)
		default:
			m.Parameters = append(m.Parameters, value(w))
		}
	}
	return encode(&m)
}

func formats(list string) []int16 {
	var out []int16
	for _, f := range strings.Split(list, ",") {
		out = append(out, int16(f[0]-'0'))
	}
	return out
}

// value is nil for NULL.
func value(w word) []byte {
	if w.text == "NULL" && !w.quoted {
		return nil
	}
	return []byte(w.text)
}

// buildFunctionCall frames by hand: pgproto3/v2 has the message for servers only.
func buildFunctionCall(a []word) ([]byte, error) {
	oid, err := strconv.ParseUint(a[0].text, 10, 32)
	if err != nil {
		return nil, err
	}
	var argFormats []int16
	result := int16(0)
	var values [][]byte
	for _, w := range a[1:] {
		pf, isPf := strings.CutPrefix(w.text, "pf=")
		rf, isRf := strings.CutPrefix(w.text, "rf=")
		switch {
		case isPf && !w.quoted:
			argFormats = formats(pf)
		case isRf && !w.quoted:
			result = formats(rf)[0]
		default:
			values = append(values, value(w))
		}
	}
	body := binary.BigEndian.AppendUint32(nil, uint32(oid))
	body = binary.BigEndian.AppendUint16(body, uint16(len(argFormats)))
	for _, f := range argFormats {
		body = binary.BigEndian.AppendUint16(body, uint16(f))
	}
	body = binary.BigEndian.AppendUint16(body, uint16(len(values)))
	for _, v := range values {
		body = appendValue(body, v)
	}
	return frame('F', binary.BigEndian.AppendUint16(body, uint16(result))), nil
}

func appendValue(dst, v []byte) []byte {
	if v == nil {
		return binary.BigEndian.AppendUint32(dst, 0xffffffff)
	}
	return append(binary.BigEndian.AppendUint32(dst, uint32(len(v))), v...)
}

// typeNames give what a server sends its name; "until" uses them.
var typeNames = map[byte]string{
	'R': "Authentication", 'K': "BackendKeyData", '2': "BindComplete", '3': "CloseComplete", 'C': "CommandComplete",
	'W': "CopyBothResponse", 'G': "CopyInResponse", 'H': "CopyOutResponse", 'D': "DataRow", 'I': "EmptyQueryResponse",
	'E': "ErrorResponse", 'V': "FunctionCallResponse", 'v': "NegotiateProtocolVersion", 'n': "NoData", 'N': "NoticeResponse",
	'A': "NotificationResponse", 't': "ParameterDescription", 'S': "ParameterStatus", '1': "ParseComplete",
	's': "PortalSuspended", 'Z': "ReadyForQuery", 'T': "RowDescription", 'd': "CopyData", 'c': "CopyDone",
}
