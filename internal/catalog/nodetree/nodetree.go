package nodetree

import (
	"slices"
	"strconv"
	"strings"
)

// Refs are the OIDs a tree refers to, each list sorted and without repeats.
type Refs struct {
	Functions []uint32 // called by name: functions, aggregates, window functions, TABLESAMPLE methods
	Operators []uint32
	Relations []uint32
	// Types are what expressions result in; a domain among them has its
	// checks run, a base type its input function.
	Types []uint32
	// Locks: the tree locks rows (FOR UPDATE and its kin) or modifies data.
	Locks bool
}

// Scan reads one tree. It follows src/backend/nodes/outfuncs.c so far as to
// recognise a field by the colon at the start of a token; blanks and colons
// inside names and strings are escaped there. Zero means no object.
func Scan(tree string) Refs {
	var r Refs
	for rest := tree; ; {
		at := strings.Index(rest, " :")
		if at < 0 {
			break
		}
		rest = rest[at+2:]
		name, value, ok := strings.Cut(rest, " ")
		if !ok {
			break
		}
		r.field(name, value)
	}
	for _, list := range []*[]uint32{&r.Functions, &r.Operators, &r.Relations, &r.Types} {
		slices.Sort(*list)
		*list = slices.Compact(*list)
	}
	return r
}

// field takes the OIDs of one field; value starts with them.
func (r *Refs) field(name, value string) {
	switch name {
	case "funcid", "aggfnoid", "winfnoid", "tsmhandler", "opfuncid", "hashfuncid", "negfuncid":
		r.Functions = appendOIDs(r.Functions, value)
	case "opno", "opnos", "eqop", "sortop":
		r.Operators = appendOIDs(r.Operators, value)
	case "relid", "seqid":
		r.Relations = appendOIDs(r.Relations, value)
	case "resulttype", "funcresulttype", "opresulttype", "coalescetype", "typeId":
		r.Types = appendOIDs(r.Types, value)
	case "hasForUpdate", "hasModifyingCTE":
		r.Locks = r.Locks || strings.HasPrefix(value, "true")
	}
}

// appendOIDs takes one number, or the numbers of a list "(o 96 97)".
func appendOIDs(to []uint32, value string) []uint32 {
	if list, ok := strings.CutPrefix(value, "(o "); ok {
		list, _, _ = strings.Cut(list, ")")
		for _, f := range strings.Fields(list) {
			to = appendOID(to, f)
		}
		return to
	}
	end := strings.IndexAny(value, " })")
	if end < 0 {
		end = len(value)
	}
	return appendOID(to, value[:end])
}

// appendOID takes one number; what is none, and zero, is no object.
func appendOID(to []uint32, s string) []uint32 {
	v, err := strconv.ParseUint(s, 10, 32)
	if err != nil || v == 0 {
		return to
	}
	return append(to, uint32(v))
}
