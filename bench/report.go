package bench

import (
	"encoding/json"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"text/tabwriter"
)

// Report is the result of a benchmark.
type Report interface {
	// Name is that of the files, such as "overhead".
	Name() string
	// WriteTable writes what people read.
	WriteTable(w io.Writer) error
	// Plots gives SVG documents by the name of what they show; "" is the main one.
	Plots() map[string][]byte
}

// Header is what every report begins with.
type Header struct {
	Benchmark string  `json:"benchmark"`
	Command   string  `json:"command"` // that made it
	Machine   Machine `json:"machine"`
}

// header begins a report about a site.
func (s Setup) header(benchmark string, t *site) Header {
	return Header{benchmark, s.Command, thisMachine(t.lab.Version())}
}

// Name is that of the benchmark.
func (h Header) Name() string { return h.Benchmark }

func (h Header) write(w io.Writer) error {
	_, err := fmt.Fprintf(w, "$ %s\n%s\n\n", h.Command, h.Machine)
	return err
}

// Save writes the report to w and its JSON and plots into directory dir, which
// is made when missing; "" saves nothing. It returns the files written.
func Save(w io.Writer, dir string, r Report) ([]string, error) {
	if err := r.WriteTable(w); err != nil || dir == "" {
		return nil, err
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return nil, fmt.Errorf("save %s: %w", r.Name(), err)
	}
	content, err := json.MarshalIndent(r, "", "  ")
	if err != nil {
		return nil, fmt.Errorf("save %s: %w", r.Name(), err)
	}
	files := map[string][]byte{r.Name() + ".json": append(content, '\n')}
	for name, svg := range r.Plots() {
		files[strings.TrimSuffix(r.Name()+"-"+name, "-")+".svg"] = svg
	}
	return writeFiles(dir, files)
}

func writeFiles(dir string, files map[string][]byte) ([]string, error) {
	var written []string
	for name, content := range files {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, content, 0o644); err != nil {
			return written, fmt.Errorf("save: %w", err)
		}
		written = append(written, path)
	}
	return written, nil
}

// table writes rows in columns, the first row being the head.
func table(w io.Writer, rows [][]string) error {
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	for _, row := range rows {
		fmt.Fprintln(t, strings.Join(row, "\t"))
	}
	return t.Flush()
}
