package procfs

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"syscall"
)

// root is where the kernel shows processes.
const root = "/proc"

// CPU is the CPU time that a process and all its descendants, the ended ones
// included, have used since they started.
func CPU(pid int) (Times, error) {
	stats, err := tree(pid)
	if err != nil {
		return Times{}, err
	}
	var sum Times
	for _, s := range stats {
		sum = sum.Add(s.Own).Add(s.Reaped)
	}
	return sum, nil
}

// MemoryOf is what a process and all its living descendants hold.
func MemoryOf(pid int) (Memory, error) {
	stats, err := tree(pid)
	if err != nil {
		return Memory{}, err
	}
	var sum Memory
	for _, s := range stats {
		content, err := os.ReadFile(filepath.Join(root, strconv.Itoa(s.PID), "smaps_rollup"))
		if gone(err) {
			continue
		}
		if err != nil {
			return Memory{}, fmt.Errorf("memory of %d: %w", s.PID, err)
		}
		m, err := ParseSmapsRollup(content)
		if err != nil {
			return Memory{}, fmt.Errorf("memory of %d: %w", s.PID, err)
		}
		sum = sum.Add(m)
	}
	return sum, nil
}

// Processes counts a process and its living descendants.
func Processes(pid int) (int, error) {
	stats, err := tree(pid)
	return len(stats), err
}

// tree lists a process and its living descendants, the process first.
func tree(pid int) ([]Stat, error) {
	all, err := list()
	if err != nil {
		return nil, err
	}
	children := make(map[int][]Stat)
	var found []Stat
	for _, s := range all {
		if s.PID == pid {
			found = append(found, s)
		}
		children[s.Parent] = append(children[s.Parent], s)
	}
	if len(found) == 0 {
		return nil, fmt.Errorf("no process %d", pid)
	}
	for i := 0; i < len(found); i++ {
		found = append(found, children[found[i].PID]...)
	}
	return found, nil
}

// list reads the stat of every process there is.
func list() ([]Stat, error) {
	entries, err := os.ReadDir(root)
	if err != nil {
		return nil, fmt.Errorf("list processes: %w", err)
	}
	var all []Stat
	for _, e := range entries {
		if _, err := strconv.Atoi(e.Name()); err != nil {
			continue
		}
		content, err := os.ReadFile(filepath.Join(root, e.Name(), "stat"))
		if gone(err) {
			continue
		}
		if err != nil {
			return nil, fmt.Errorf("list processes: %w", err)
		}
		s, err := ParseStat(content)
		if err != nil {
			return nil, err
		}
		all = append(all, s)
	}
	return all, nil
}

// gone recognises that a process ended between being listed and being read.
func gone(err error) bool {
	return errors.Is(err, os.ErrNotExist) || errors.Is(err, syscall.ESRCH)
}
