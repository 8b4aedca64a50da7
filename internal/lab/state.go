package lab

import (
	"crypto/rand"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
)

// Files of a lab's directory. Every node has a directory of its name besides.
const (
	stateFile   = "lab.json"
	secretsFile = "passwords.json" // 0600
	lockFile    = "lock"           // held by the process that runs the lab
	logDir      = "log"
	runDir      = "run"
)

// state is lab.json: what another process needs to work with the lab. Nothing
// in it changes while the lab runs, save the proxy's part.
type state struct {
	PID     int               `json:"pid"` // of the process that runs the lab
	PgBin   string            `json:"pg_bin"`
	Version string            `json:"version"`
	User    string            `json:"user"` // system user of the servers
	Sync    bool              `json:"sync"`
	Auth    Auth              `json:"auth"`
	Conf    map[string]string `json:"conf,omitempty"`
	HBA     []string          `json:"hba,omitempty"`
	Preload string            `json:"preload,omitempty"` // shared_preload_libraries
	Nodes   []nodeState       `json:"nodes"`
	Proxy   *proxyState       `json:"proxy,omitempty"`
}

type nodeState struct {
	Name string `json:"name"`
	Port int    `json:"port"`
}

// proxyState tells other commands about the pgroute in front.
type proxyState struct {
	PID    int    `json:"pid"`
	Listen string `json:"listen"`
	Admin  string `json:"admin"`
}

// ErrNotALab says that a directory holds no lab.
var ErrNotALab = errors.New("no lab")

func readState(dir string) (state, error) {
	var s state
	content, err := os.ReadFile(filepath.Join(dir, stateFile))
	if errors.Is(err, os.ErrNotExist) {
		return s, fmt.Errorf("%w in %s: start one with `pgroute lab`, or name its directory with --dir", ErrNotALab, dir)
	}
	if err != nil {
		return s, err
	}
	if err := json.Unmarshal(content, &s); err != nil {
		return s, fmt.Errorf("%s/%s: %w", dir, stateFile, err)
	}
	return s, nil
}

// writeJSON writes a file of ours at once, readable by nobody else.
func writeJSON(path string, v any) error {
	content, err := json.MarshalIndent(v, "", "  ")
	if err != nil {
		return err
	}
	return account{}.writeFile(path, content)
}

// newPasswords draws one password per role; without SCRAM there are none.
func newPasswords(auth Auth) map[string]string {
	passwords := map[string]string{}
	if auth != AuthSCRAM {
		return passwords
	}
	for _, role := range []string{Superuser, Monitor, Replicator} {
		var b [18]byte
		rand.Read(b[:])
		passwords[role] = hex.EncodeToString(b[:])
	}
	return passwords
}

func readPasswords(dir string) (map[string]string, error) {
	content, err := os.ReadFile(filepath.Join(dir, secretsFile))
	if err != nil {
		return nil, err
	}
	passwords := map[string]string{}
	return passwords, json.Unmarshal(content, &passwords)
}
