package procfs

import (
	"bytes"
	"fmt"
	"strconv"
)

// Memory is what processes hold, in bytes.
type Memory struct {
	// RSS counts every resident page, PSS a page that n processes share as 1/n.
	// Of one process that shares nothing they are the same; a sum over
	// processes means something only as PSS.
	RSS, PSS int64
}

// Add gives the sum.
func (m Memory) Add(o Memory) Memory { return Memory{RSS: m.RSS + o.RSS, PSS: m.PSS + o.PSS} }

// ParseSmapsRollup reads the content of /proc/PID/smaps_rollup.
func ParseSmapsRollup(content []byte) (Memory, error) {
	var m Memory
	var err error
	if m.RSS, err = kilobytes(content, "Rss:"); err != nil {
		return Memory{}, err
	}
	m.PSS, err = kilobytes(content, "Pss:")
	return m, err
}

// kilobytes finds a line "Name:   123 kB" and gives its value in bytes.
func kilobytes(content []byte, name string) (int64, error) {
	for line := range bytes.Lines(content) {
		fields := bytes.Fields(line)
		if len(fields) != 3 || string(fields[0]) != name || string(fields[2]) != "kB" {
			continue
		}
		n, err := strconv.ParseInt(string(fields[1]), 10, 64)
		if err != nil {
			return 0, fmt.Errorf("smaps_rollup: %w", err)
		}
		return n << 10, nil
	}
	return 0, fmt.Errorf("smaps_rollup has no line %s", name)
}
