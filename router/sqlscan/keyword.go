package sqlscan

// Keyword numbers the key words; NoKeyword is zero.
type Keyword uint16

// Category is what a key word may also be, as in src/include/parser/kwlist.h.
type Category uint8

// Categories. NewColumnName words were plain names before PostgreSQL 16 or 17
// and can be the names of functions there.
const (
	NotKeyword Category = iota
	Unreserved
	ColumnName
	NewColumnName
	FunctionOrType
	Reserved
)

// Category gives the category; NotKeyword for NoKeyword.
func (k Keyword) Category() Category { return keywordCategories[k] }

// String gives the word in lower case.
func (k Keyword) String() string { return keywordWords[k] }

// lookup finds the key word that the letters of word spell, given the hash of
// their lower case.
func lookup(word []byte, hash uint32) Keyword {
	at := hash >> (32 - hashSlotBits)
	for {
		e := keywordSlots[at]
		if e == 0 {
			return NoKeyword
		}
		if (e^hash)>>12 == 0 {
			if k := Keyword(e & 0xFFF); spells(word, keywordWords[k]) {
				return k
			}
		}
		at = (at + 1) % (1 << hashSlotBits)
	}
}

// spells compares without regard to the case of ASCII letters.
func spells(word []byte, want string) bool {
	if len(word) != len(want) {
		return false
	}
	for i, c := range word {
		if lower[c] != want[i] {
			return false
		}
	}
	return true
}
