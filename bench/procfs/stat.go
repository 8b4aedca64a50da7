package procfs

import (
	"bytes"
	"fmt"
	"strconv"
	"time"
)

// tick is the unit of times in /proc/PID/stat: USER_HZ is 100 on every
// architecture Go runs on, whatever the kernel's own clock.
const tick = 10 * time.Millisecond

// Times is CPU time. The kernel knows the sum exactly and its parts by sampling,
// unless it was built to account for every switch: over seconds they are right.
type Times struct{ User, System time.Duration }

// Total is both parts.
func (t Times) Total() time.Duration { return t.User + t.System }

// Add gives the sum.
func (t Times) Add(o Times) Times { return Times{t.User + o.User, t.System + o.System} }

// Sub gives what was used since o was read.
func (t Times) Sub(o Times) Times { return Times{t.User - o.User, t.System - o.System} }

// Stat is what matters here of /proc/PID/stat (proc_pid_stat(5)).
type Stat struct {
	PID, Parent int
	Command     string
	// Own is the CPU time of all threads of the process, those that have ended
	// included.
	Own Times
	// Reaped is that of children that ended and were waited for.
	Reaped Times
}

// Positions after the command, which ends the part that cannot be split at
// spaces. Field 3 of the manual page is position 0.
const (
	fieldParent = 1
	fieldUser   = 11
	fieldLast   = 14
)

// ParseStat reads the content of /proc/PID/stat. The command stands in
// parentheses and may itself hold parentheses and spaces.
func ParseStat(content []byte) (Stat, error) {
	open, end := bytes.IndexByte(content, '('), bytes.LastIndexByte(content, ')')
	if open < 1 || end < open {
		return Stat{}, fmt.Errorf("stat has no command: %q", content)
	}
	pid, err := strconv.Atoi(string(bytes.TrimSpace(content[:open])))
	if err != nil {
		return Stat{}, fmt.Errorf("stat: %w", err)
	}
	fields := bytes.Fields(content[end+1:])
	if len(fields) <= fieldLast {
		return Stat{}, fmt.Errorf("stat of %d has %d fields after the command", pid, len(fields))
	}
	s := Stat{PID: pid, Command: string(content[open+1 : end])}
	if s.Parent, err = strconv.Atoi(string(fields[fieldParent])); err != nil {
		return Stat{}, fmt.Errorf("stat of %d: %w", pid, err)
	}
	return s, s.parseTimes(fields[fieldUser : fieldLast+1])
}

// parseTimes reads utime, stime, cutime and cstime.
func (s *Stat) parseTimes(fields [][]byte) error {
	var times [4]time.Duration
	for i, f := range fields {
		n, err := strconv.ParseInt(string(f), 10, 64)
		if err != nil {
			return fmt.Errorf("stat of %d: %w", s.PID, err)
		}
		times[i] = time.Duration(n) * tick
	}
	s.Own = Times{times[0], times[1]}
	s.Reaped = Times{times[2], times[3]}
	return nil
}
