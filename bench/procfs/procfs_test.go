package procfs

import (
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"
)

func TestStatOfACommandWithParentheses(t *testing.T) {
	line := "4711 (a) b (c)) S 12 4711 4711 0 -1 4194560 1 2 3 4 150 25 7 3 20 0 9 0 100 1 2 3\n"
	s, err := ParseStat([]byte(line))
	if err != nil {
		t.Fatal(err)
	}
	want := Stat{PID: 4711, Parent: 12, Command: "a) b (c)", Own: Times{1500 * time.Millisecond, 250 * time.Millisecond}, Reaped: Times{70 * time.Millisecond, 30 * time.Millisecond}}
	if s != want {
		t.Errorf("got %+v, want %+v", s, want)
	}
}

func TestStatThatIsNoneIsRefused(t *testing.T) {
	for _, line := range []string{
		"", "4711", "4711 (a", "(a) S 1", "x (a) S 1 2", "1 (a) S 1 2 3",
		"1 (a) S x 1 1 0 -1 0 1 2 3 4 150 25 7 3 20", "1 (a) S 0 1 1 0 -1 0 1 2 3 4 150 x 7 3 20",
	} {
		if s, err := ParseStat([]byte(line)); err == nil {
			t.Errorf("%q gave %+v", line, s)
		}
	}
}

func TestSmapsRollup(t *testing.T) {
	content := "55d0-7ffd ---p 00000000 00:00 0 [rollup]\nRss:            2048 kB\nPss:            1000 kB\nPss_Anon:        900 kB\n"
	m, err := ParseSmapsRollup([]byte(content))
	if err != nil || m != (Memory{RSS: 2 << 20, PSS: 1000 << 10}) {
		t.Errorf("got %+v, %v", m, err)
	}
	for _, bad := range []string{"", "Rss: 1 kB\n", "Rss: x kB\nPss: 1 kB\n", "Rss: 1 MB\nPss: 1 kB\n"} {
		if m, err := ParseSmapsRollup([]byte(bad)); err == nil {
			t.Errorf("%q gave %+v", bad, m)
		}
	}
}

// TestChildrenCountAfterTheirEnd starts a shell whose child works and ends:
// what it used must be found with the shell afterwards.
func TestChildrenCountAfterTheirEnd(t *testing.T) {
	cmd := exec.Command("/bin/sh", "-c", `(i=0; while [ $i -lt 200000 ]; do i=$((i+1)); done); echo done; read -r x`)
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = in.Close(); _ = cmd.Wait() })
	word := make([]byte, len("done"))
	if _, err := out.Read(word); err != nil || string(word) != "done" {
		t.Fatalf("the shell said %q, %v", word, err)
	}
	used, err := CPU(cmd.Process.Pid)
	if err != nil || used.Total() < tick {
		t.Errorf("a loop of 200,000 turns took %v, %v", used, err)
	}
	if n, err := Processes(cmd.Process.Pid); err != nil || n != 1 {
		t.Errorf("%d processes, %v", n, err)
	}
}

func TestMemoryOfOurselves(t *testing.T) {
	m, err := MemoryOf(os.Getpid())
	if err != nil || m.RSS < 1<<20 || m.PSS <= 0 || m.PSS > m.RSS {
		t.Errorf("got %+v, %v", m, err)
	}
}

func TestAProcessThatIsNotThere(t *testing.T) {
	const none = 1 << 30
	if _, err := CPU(none); err == nil || !strings.Contains(err.Error(), "no process") {
		t.Errorf("got %v", err)
	}
	if _, err := MemoryOf(none); err == nil {
		t.Error("memory of nobody")
	}
}
