package health

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/pgroute/pgroute/internal/cluster"
	"github.com/pgroute/pgroute/internal/pg"
)

// remembered is the state file's content. Without it a restarted pgroute
// would accept a deposed primary that happens to be the only one it reaches.
type remembered struct {
	SystemID uint64        `json:"system_identifier,string"`
	Timeline pg.TimelineID `json:"timeline"`
	Complete bool          `json:"history_complete"`
	History  []ancestor    `json:"history"`
}

// ancestor is one line of a history; a switch LSN of 0/0 was not readable.
type ancestor struct {
	Timeline pg.TimelineID `json:"timeline"`
	Switch   string        `json:"switch_lsn"`
}

// loadState reads the state file; a missing one or an empty path is an empty
// state. A damaged one is an error, because guessing could accept the wrong
// primary.
func loadState(path string) (accepted, error) {
	acc := accepted{primary: cluster.NoNode}
	if path == "" {
		return acc, nil
	}
	raw, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return acc, nil
	}
	if err != nil {
		return acc, fmt.Errorf("health: read state file: %w", err)
	}
	var r remembered
	if err := json.Unmarshal(raw, &r); err != nil {
		return acc, damaged(path, err)
	}
	acc.systemID, acc.timeline, acc.complete = r.SystemID, r.Timeline, r.Complete
	for _, a := range r.History {
		end, err := pg.ParseLSN(a.Switch)
		if err != nil {
			return acc, damaged(path, err)
		}
		acc.history = append(acc.history, cluster.Ancestor{Timeline: a.Timeline, End: end})
	}
	if acc.systemID == 0 || acc.timeline == 0 {
		return acc, damaged(path, errors.New("no system identifier or timeline"))
	}
	return acc, nil
}

func damaged(path string, err error) error {
	return fmt.Errorf("health: state file %s is damaged (%w); remove it to start without memory of earlier primaries", path, err)
}

// saveState replaces the state file in one step: a crash leaves the old or the
// new content.
func saveState(path string, acc accepted) error {
	r := remembered{SystemID: acc.systemID, Timeline: acc.timeline, Complete: acc.complete}
	for _, a := range acc.history {
		r.History = append(r.History, ancestor{a.Timeline, a.End.String()})
	}
	raw, err := json.MarshalIndent(r, "", "  ")
	if err != nil {
		return fmt.Errorf("encode state: %w", err)
	}
	// In the same directory: a rename is atomic within one file system only.
	tmp, err := os.CreateTemp(filepath.Dir(path), filepath.Base(path)+".*")
	if err != nil {
		return fmt.Errorf("create state file: %w", err)
	}
	defer os.Remove(tmp.Name()) // gone already when all went well
	_, err = tmp.Write(append(raw, '\n'))
	if err == nil {
		err = tmp.Sync()
	}
	if err = errors.Join(err, tmp.Close()); err != nil {
		return fmt.Errorf("write state file: %w", err)
	}
	if err := os.Rename(tmp.Name(), path); err != nil {
		return fmt.Errorf("replace state file: %w", err)
	}
	return nil
}

// sameAccepted reports whether two states would be remembered alike.
func sameAccepted(a, b *accepted) bool {
	return a.systemID == b.systemID && a.timeline == b.timeline && a.complete == b.complete &&
		len(a.history) == len(b.history)
}
