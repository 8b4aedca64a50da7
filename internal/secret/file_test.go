package secret

import (
	"os"
	"path/filepath"
	"testing"
)

func TestFilesOthersMayReadAreRefused(t *testing.T) {
	path := filepath.Join(t.TempDir(), "secrets")
	if err := os.WriteFile(path, []byte("x"), 0o600); err != nil {
		t.Fatal(err)
	}
	ofRoot := os.Getuid() == 0
	for mode, want := range map[os.FileMode]bool{
		0o600: true, 0o400: true, 0o640: ofRoot, 0o440: ofRoot,
		0o644: false, 0o604: false, 0o660: false, 0o620: false,
	} {
		if err := os.Chmod(path, mode); err != nil {
			t.Fatal(err)
		}
		if data, err := ReadFile(path); (err == nil) != want || (want && string(data) != "x") {
			t.Errorf("mode %04o: %q, %v", mode, data, err)
		}
	}
}

func TestOnlyRegularFilesOfSomeSizeAreRead(t *testing.T) {
	dir := t.TempDir()
	if _, err := ReadFile(dir); err == nil {
		t.Error("a directory was read")
	}
	if _, err := ReadFile(filepath.Join(dir, "missing")); !os.IsNotExist(err) {
		t.Errorf("missing file: %v", err)
	}
	path := filepath.Join(dir, "large")
	if err := os.WriteFile(path, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Truncate(path, maxFile+1); err != nil {
		t.Fatal(err)
	}
	if _, err := ReadFile(path); err == nil {
		t.Error("a file beyond the bound was read")
	}
}
