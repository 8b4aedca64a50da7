// Package internal holds a test of the whole tree: imports point downwards,
// as ARCHITECTURE.md draws them.
package internal

import (
	"go/parser"
	"go/token"
	"io/fs"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
)

const module = "github.com/pgroute/pgroute/"

// allowed lists, for every package of the product, what of the product it may
// import. Packages below internal/lab, bench and cmd that only test are free.
func allowed() map[string][]string {
	pure := []string{}
	return map[string][]string{
		"internal/pg":      pure,
		"internal/secret":  pure,
		"internal/netloop": pure,
		"router/sqlscan":   pure,
		"internal/cluster": {"internal/pg"},
		"internal/wire":    {"internal/pg"},
		"internal/config":  {"internal/secret"},
		"proxy/auth":       {"internal/pg", "internal/secret"},
		"router":           {"internal/cluster", "internal/pg", "router/sqlscan"},
		"health":           {"internal/cluster", "internal/pg"},
		"backend":          {"internal/cluster", "internal/netloop", "internal/pg", "internal/wire", "proxy/auth"},
		"internal/catalog": {"internal/catalog/nodetree", "internal/cluster", "internal/pg", "router", "router/sqlscan"},
		"internal/lab":     {"internal/pg", "internal/secret"},
		"proxy":            {"backend", "health", "internal/catalog", "internal/cluster", "internal/netloop", "internal/pg", "internal/wire", "proxy/auth", "router"},
		"proxy/admin":      {"backend", "health", "internal/catalog", "internal/cluster", "internal/config", "internal/netloop", "internal/pg", "proxy", "proxy/auth", "router"},
		"internal/serve":   {"backend", "health", "internal/catalog", "internal/cluster", "internal/config", "internal/pg", "proxy", "proxy/admin", "proxy/auth", "router"},
	}
}

func TestImportsPointDownwards(t *testing.T) {
	rules := allowed()
	met := map[string]bool{}
	walkGo(t, func(dir, file string, imports []string) {
		may, ruled := rules[dir]
		if !ruled {
			return
		}
		met[dir] = true
		for _, imp := range imports {
			if !slices.Contains(may, imp) {
				t.Errorf("%s imports %s, which is not below it", file, imp)
			}
		}
	})
	for dir := range rules {
		if !met[dir] {
			t.Errorf("the rule for %s names no package", dir)
		}
	}
}

// TestOnlyWireRendersMessages: pgproto3/v2 is at the end of its life and must
// never see what a server sent.
func TestOnlyWireRendersMessages(t *testing.T) {
	found := 0
	walkAll(t, func(dir, file string, imports []string) {
		if slices.Contains(imports, "github.com/jackc/pgproto3/v2") {
			found++
			if dir != "internal/wire" {
				t.Errorf("%s imports pgproto3/v2", file)
			}
		}
	})
	if found == 0 {
		t.Error("nothing imports pgproto3/v2: the test looks in the wrong place")
	}
}

// TestRouterIsPure: decisions have no clock, no network and no goroutines.
func TestRouterIsPure(t *testing.T) {
	for _, dir := range []string{"router", "router/sqlscan"} {
		walkAll(t, func(d, file string, imports []string) {
			if d != dir {
				return
			}
			for _, imp := range imports {
				if imp == "net" || imp == "log/slog" || imp == "os" || imp == "sync" || imp == "context" {
					t.Errorf("%s imports %s", file, imp)
				}
			}
		})
	}
}

// walkGo gives every product file with what it imports of the product.
func walkGo(t *testing.T, f func(dir, file string, imports []string)) {
	t.Helper()
	walkAll(t, func(dir, file string, imports []string) {
		var own []string
		for _, imp := range imports {
			if name, ok := strings.CutPrefix(imp, module); ok {
				own = append(own, name)
			}
		}
		f(dir, file, own)
	})
}

// walkAll gives every file that is not a test, with its imports.
func walkAll(t *testing.T, f func(dir, file string, imports []string)) {
	t.Helper()
	files := token.NewFileSet()
	err := filepath.WalkDir("..", func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go") {
			return err
		}
		file, err := parser.ParseFile(files, path, nil, parser.ImportsOnly|parser.ParseComments)
		if err != nil {
			return err
		}
		if file.Name.Name == "main" && filepath.Base(path) == "gen.go" {
			return nil // run by go generate, part of nothing
		}
		var imports []string
		for _, spec := range file.Imports {
			imp, _ := strconv.Unquote(spec.Path.Value)
			imports = append(imports, imp)
		}
		rel, _ := filepath.Rel("..", path)
		f(filepath.ToSlash(filepath.Dir(rel)), rel, imports)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}
