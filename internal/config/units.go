package config

import (
	"errors"
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"
)

// Duration is a time span, written as PostgreSQL and Go write them: "500ms",
// "30s", "5min", "1h30m", "1d". A bare 0 is allowed, other numbers need a unit.
// It is a struct so that no number slips in without one.
type Duration struct{ time.Duration }

// UnmarshalText implements encoding.TextUnmarshaler. After an error the old
// value stays, so that nothing more is said of the key.
func (d *Duration) UnmarshalText(text []byte) error {
	span, err := parseDuration(string(text))
	if err == nil {
		d.Duration = span
	}
	return err
}

// String gives the shortest form with one unit that is exact.
func (d Duration) String() string {
	for _, u := range durationUnits() {
		if d.Duration != 0 && d.Duration%u.size == 0 {
			return strconv.FormatInt(int64(d.Duration/u.size), 10) + u.name
		}
	}
	return "0"
}

// MarshalText implements encoding.TextMarshaler.
func (d Duration) MarshalText() ([]byte, error) { return []byte(d.String()), nil }

type durationUnit struct {
	name string
	size time.Duration
}

// durationUnits lists the units, the largest first; of two names for one
// unit String uses the first.
func durationUnits() []durationUnit {
	return []durationUnit{
		{"d", 24 * time.Hour}, {"h", time.Hour}, {"min", time.Minute}, {"m", time.Minute},
		{"s", time.Second}, {"ms", time.Millisecond}, {"us", time.Microsecond},
		{"µs", time.Microsecond}, {"ns", time.Nanosecond},
	}
}

// parseDuration adds up numbers with units: "1h30m", "1 d", "1.5s".
func parseDuration(s string) (time.Duration, error) {
	text := strings.TrimSpace(s)
	if text == "0" {
		return 0, nil
	}
	if text == "" {
		return 0, errors.New(`is empty; write a time such as "500ms", "30s" or "5min"`)
	}
	var total float64
	for text != "" {
		number, unit, rest, err := splitNumber(text)
		if err != nil {
			return 0, fmt.Errorf(`%q is no time; write one such as "500ms", "30s" or "5min"`, s)
		}
		size, ok := sizeOf(unit)
		if !ok {
			return 0, fmt.Errorf("%q has %s; use us, ms, s, min, h or d", s, describeUnit(unit))
		}
		total += number * float64(size)
		text = rest
	}
	if total > math.MaxInt64/2 {
		return 0, fmt.Errorf("%q is too long a time", s)
	}
	return time.Duration(math.Round(total)), nil
}

func sizeOf(unit string) (time.Duration, bool) {
	for _, u := range durationUnits() {
		if u.name == unit {
			return u.size, true
		}
	}
	return 0, false
}

func describeUnit(unit string) string {
	if unit == "" {
		return "no unit"
	}
	return fmt.Sprintf("the unknown unit %q", unit)
}

// splitNumber cuts a non-negative decimal number, the unit after it and the
// white space around them off the front of s.
func splitNumber(s string) (number float64, unit, rest string, err error) {
	i := strings.IndexFunc(s, func(r rune) bool { return r != '.' && (r < '0' || r > '9') })
	if i < 0 {
		i = len(s)
	}
	if number, err = strconv.ParseFloat(s[:i], 64); err != nil {
		return 0, "", "", err
	}
	s = strings.TrimLeft(s[i:], " ")
	j := strings.IndexAny(s, " .0123456789")
	if j < 0 {
		j = len(s)
	}
	return number, s[:j], strings.TrimLeft(s[j:], " "), nil
}

// ByteSize is an amount of memory or WAL, written in PostgreSQL's units, of
// 1024 each: "16MB", "512kB", "1GB". A number without a unit counts bytes.
type ByteSize struct{ n uint64 }

// Bytes makes a ByteSize.
func Bytes(n uint64) ByteSize { return ByteSize{n} }

// Bytes gives the number of bytes.
func (b ByteSize) Bytes() uint64 { return b.n }

// UnmarshalText implements encoding.TextUnmarshaler.
func (b *ByteSize) UnmarshalText(text []byte) error {
	s := string(text)
	number, unit, rest, err := splitNumber(strings.TrimSpace(s))
	if err != nil || rest != "" {
		return fmt.Errorf(`%q is no size; write one such as "16MB" or "512kB"`, s)
	}
	shift, ok := shiftOf(unit)
	if !ok {
		return fmt.Errorf("%q has the unknown unit %q; use B, kB, MB, GB or TB", s, unit)
	}
	if number = math.Round(number * float64(uint64(1)<<shift)); number >= math.MaxInt64 {
		return fmt.Errorf("%q is too large a size", s)
	}
	b.n = uint64(number)
	return nil
}

// shiftOf takes PostgreSQL's spelling of the units and no other, except that
// KB is understood as well.
func shiftOf(unit string) (uint, bool) {
	switch unit {
	case "", "B":
		return 0, true
	case "kB", "KB":
		return 10, true
	case "MB":
		return 20, true
	case "GB":
		return 30, true
	case "TB":
		return 40, true
	}
	return 0, false
}

// String gives the shortest exact form.
func (b ByteSize) String() string {
	units := []string{"B", "kB", "MB", "GB", "TB"}
	n, i := b.n, 0
	for n != 0 && n%1024 == 0 && i < len(units)-1 {
		n, i = n/1024, i+1
	}
	if n == 0 {
		return "0"
	}
	return strconv.FormatUint(n, 10) + units[i]
}

// MarshalText implements encoding.TextMarshaler.
func (b ByteSize) MarshalText() ([]byte, error) { return []byte(b.String()), nil }
