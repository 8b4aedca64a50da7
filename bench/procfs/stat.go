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

// Stat is what matters here of /proc/PID/stat (proc_pid_stat(5)).
type Stat struct {
	PID, Parent int
	Command     string
	// Own is the CPU time, user and system, of all threads of the process, those
	// that have ended included.
	Own time.Duration
	// Reaped is the CPU time of children that ended and were waited for.
	Reaped time.Duration
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
	var ticks [4]int64
	for i, f := range fields {
		n, err := strconv.ParseInt(string(f), 10, 64)
		if err != nil {
			return fmt.Errorf("stat of %d: %w", s.PID, err)
		}
		ticks[i] = n
	}
	s.Own = time.Duration(ticks[0]+ticks[1]) * tick
	s.Reaped = time.Duration(ticks[2]+ticks[3]) * tick
	return nil
}
