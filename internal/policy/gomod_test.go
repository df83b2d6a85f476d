package policy_test

import (
	"encoding/json"
	"go/version"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// oldestGo and oldestSQLite have fixes that this project needs; see docs/decisions.
const (
	oldestGo     = "go1.26.7"
	oldestSQLite = "v1.14.36"
)

// notForUsers are modules that belong into rules, bench or tools. Those of buf.build and cel.dev are needed by the command, and
// must not be by the library: see TestTheLibraryDoesWithoutTheCommandsModules.
var notForUsers = []string{"google.golang.org/grpc", "github.com/nats-io", "github.com/bufbuild/buf", "honnef.co/go/tools", "github.com/testcontainers"}

// goMod is what `go mod edit -json` prints.
type goMod struct {
	Go      string
	Require []struct{ Path, Version string }
	Replace []struct{ Old struct{ Path string } }
}

func readGoMod(t *testing.T, dir string) goMod {
	t.Helper()
	text, err := exec.CommandContext(t.Context(), "go", "mod", "edit", "-json", filepath.Join(root, dir, "go.mod")).Output()
	if err != nil {
		t.Fatal(err)
	}
	var mod goMod
	if err := json.Unmarshal(text, &mod); err != nil {
		t.Fatal(err)
	}
	return mod
}

func TestGoModOfTheLibrary(t *testing.T) {
	t.Parallel()
	mod := readGoMod(t, ".")
	if version.Compare("go"+mod.Go, oldestGo) < 0 {
		t.Errorf("go.mod asks for Go %s: raise it to %s", mod.Go, oldestGo)
	}
	if len(mod.Replace) > 0 {
		t.Errorf("go.mod replaces %v: users do not see replacements, require a version instead", mod.Replace)
	}
	for _, need := range mod.Require {
		if slices.ContainsFunc(notForUsers, func(module string) bool { return under(need.Path, module) }) {
			t.Errorf("go.mod requires %s: it belongs into rules/go.mod, bench/go.mod, tools/go.mod or internal/clienttest/go.mod", need.Path)
		}
		if need.Path == "github.com/mattn/go-sqlite3" && olderThan(need.Version, oldestSQLite) {
			t.Errorf("go.mod requires go-sqlite3 %s: raise it to %s or newer", need.Version, oldestSQLite)
		}
	}
}

// Users of the library neither build nor download what only the command imports: Go fetches the modules of imported packages.
func TestTheLibraryDoesWithoutTheCommandsModules(t *testing.T) {
	t.Parallel()
	list := exec.CommandContext(t.Context(), "go", "list", "-deps", "./access/...", "./certs/...", "./conn/...", "./dispatcher/...", "./mesh/...",
		"./registry/...", "./store/...", "./web", "./gen/...")
	list.Dir = root
	packages, err := list.Output()
	if err != nil {
		t.Fatal(err)
	}
	for imported := range strings.FieldsSeq(string(packages)) {
		for _, module := range []string{"buf.build", "cel.dev", "go.yaml.in", "github.com/spf13"} {
			if under(imported, module) {
				t.Errorf("the library imports %s: it belongs into cmd/collector, or into a module of its own", imported)
			}
		}
	}
}

// All modules build with the same Go, and bench and tools never lag behind the library.
func TestModulesAgreeOnGo(t *testing.T) {
	t.Parallel()
	want := readGoMod(t, ".").Go
	err := walk(func(rel string) error {
		if filepath.Base(rel) == "go.mod" {
			if got := readGoMod(t, filepath.Dir(rel)).Go; got != want {
				t.Errorf("%s asks for Go %s, the library for %s: make them agree", rel, got, want)
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

// olderThan compares release versions; they have the form that go/version knows.
func olderThan(a, b string) bool {
	return version.Compare("go"+strings.TrimPrefix(a, "v"), "go"+strings.TrimPrefix(b, "v")) < 0
}

func TestOlderThan(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		version string
		older   bool
	}{{"v1.14.9", true}, {"v1.14.35", true}, {"v1.14.36", false}, {"v1.14.53", false}, {"v1.15.0", false}} {
		if got := olderThan(tt.version, oldestSQLite); got != tt.older {
			t.Errorf("olderThan(%s, %s) = %v", tt.version, oldestSQLite, got)
		}
	}
}
