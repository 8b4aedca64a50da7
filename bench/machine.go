package bench

import (
	"bufio"
	"bytes"
	"cmp"
	"fmt"
	"os"
	"runtime"
	"runtime/debug"
	"strings"
	"time"
)

// Machine is what a figure depends on besides the code.
type Machine struct {
	CPU        string    `json:"cpu"`
	Cores      int       `json:"cores"`
	MemoryGiB  int       `json:"memory_gib"`
	OS         string    `json:"os"`
	Kernel     string    `json:"kernel"`
	Go         string    `json:"go"`
	PostgreSQL string    `json:"postgresql"`
	Commit     string    `json:"commit"` // of pgroute; "+" when the tree had changes
	Load       string    `json:"load"`   // load averages when the run began
	Time       time.Time `json:"time"`
}

// thisMachine describes where we run. What cannot be found out stays empty.
func thisMachine(postgres string) Machine {
	return Machine{
		CPU: procValue("/proc/cpuinfo", "model name"), Cores: runtime.NumCPU(), MemoryGiB: memoryGiB(),
		OS: osName(), Kernel: fileText("/proc/sys/kernel/osrelease"), Go: runtime.Version(), PostgreSQL: postgres,
		Commit: commit(), Load: loadAverages(), Time: time.Now().UTC().Truncate(time.Second),
	}
}

// String is one line for tables.
func (m Machine) String() string {
	return fmt.Sprintf("%s, %d cores, %d GiB, %s, kernel %s, %s, %s, pgroute %s, load %s, %s",
		m.CPU, m.Cores, m.MemoryGiB, m.OS, m.Kernel, m.Go, m.PostgreSQL, cmp.Or(m.Commit, "of this tree"), m.Load, m.Time.Format(time.DateTime))
}

func fileText(path string) string {
	content, err := os.ReadFile(path)
	if err != nil {
		return ""
	}
	return strings.TrimSpace(string(content))
}

// procValue finds the first line "name : value" of a file in /proc.
func procValue(path, name string) string {
	content, err := os.ReadFile(path)
	if err != nil {
		return ""
	}
	for s := bufio.NewScanner(bytes.NewReader(content)); s.Scan(); {
		key, value, found := strings.Cut(s.Text(), ":")
		if found && strings.TrimSpace(key) == name {
			return strings.TrimSpace(value)
		}
	}
	return ""
}

func memoryGiB() int {
	var kib int
	if _, err := fmt.Sscanf(procValue("/proc/meminfo", "MemTotal"), "%d kB", &kib); err != nil {
		return 0
	}
	return (kib + 1<<19) >> 20
}

// osName reads os-release(5).
func osName() string {
	for line := range strings.Lines(fileText("/etc/os-release")) {
		if value, found := strings.CutPrefix(line, "PRETTY_NAME="); found {
			return strings.Trim(strings.TrimSpace(value), `"`)
		}
	}
	return runtime.GOOS
}

func loadAverages() string {
	fields := strings.Fields(fileText("/proc/loadavg"))
	return strings.Join(fields[:min(3, len(fields))], " ")
}

// commit is what the Go tool recorded when it built this binary.
func commit() string {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return ""
	}
	var revision, dirty string
	for _, s := range info.Settings {
		switch s.Key {
		case "vcs.revision":
			revision = s.Value[:min(12, len(s.Value))]
		case "vcs.modified":
			if s.Value == "true" {
				dirty = "+"
			}
		}
	}
	return revision + dirty
}
