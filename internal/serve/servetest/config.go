package servetest

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/pgroute/pgroute/internal/config"
)

// read makes a configuration of a file's text and "key=value" overrides.
func read(t testing.TB, text []byte, monitorPassword string, overrides []string) (*config.Config, error) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "proxy.toml")
	if err := os.WriteFile(path, text, 0o600); err != nil {
		return nil, err
	}
	src := config.Sources{Path: path}
	if monitorPassword != "" {
		overrides = append(overrides, "cluster.monitor_password="+monitorPassword)
	}
	for _, o := range overrides {
		key, value, _ := strings.Cut(o, "=")
		src.Overrides = append(src.Overrides, config.Override{Key: key, Value: value, Origin: "test"})
	}
	return config.Read(src)
}
