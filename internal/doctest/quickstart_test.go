package doctest_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// The quick start is followed in an empty directory. What the machine of the test has in another way than that of a reader
// is here: the module, which is the one under test, and the tools, which are those that tools/go.mod pins.
func TestQuickStart(t *testing.T) {
	if testing.Short() {
		t.Skip("builds programs")
	}
	t.Parallel()
	text, err := os.ReadFile("../../docs/quickstart.md")
	if err != nil {
		t.Fatal(err)
	}
	s := newStand(t, build(t))
	s.offerModule(t)
	s.offerTools(t, "buf", "grpcurl")
	for _, step := range steps(string(text)) {
		s.run(t, step)
		if strings.HasPrefix(step.command, "go mod init ") {
			s.run(t, newStep("go mod edit -replace "+module+"="+root(t), true))
		}
	}
}

const module = "github.com/collectiverpc/collective"

func root(t *testing.T) string {
	t.Helper()
	dir, err := filepath.Abs("../..")
	if err != nil {
		t.Fatal(err)
	}
	return dir
}

// offerModule makes a module proxy that knows the module, without a version: `go get` takes the one of a replacement.
func (s *stand) offerModule(t *testing.T) {
	t.Helper()
	proxy := t.TempDir()
	versions := filepath.Join(proxy, filepath.FromSlash(module), "@v")
	if err := os.MkdirAll(versions, 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(versions, "list"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	others, err := exec.CommandContext(t.Context(), "go", "env", "GOPROXY").Output()
	if err != nil {
		t.Fatal(err)
	}
	s.env = append(s.env, "GOPROXY=file://"+filepath.ToSlash(proxy)+","+strings.TrimSpace(string(others)), "GOFLAGS=", "GOWORK=off")
}

// offerTools puts the pinned tools onto the path.
func (s *stand) offerTools(t *testing.T, names ...string) {
	t.Helper()
	dir := t.TempDir()
	for _, name := range names {
		cmd := exec.CommandContext(t.Context(), "go", "tool", "-modfile=tools/go.mod", "-n", name)
		cmd.Dir = root(t)
		built, err := cmd.Output()
		if err != nil {
			t.Fatalf("building %s: %v", name, err)
		}
		if err := os.Symlink(strings.TrimSpace(string(built)), filepath.Join(dir, name)); err != nil {
			t.Fatal(err)
		}
	}
	s.env = append(s.env, "PATH="+dir+string(os.PathListSeparator)+os.Getenv("PATH"))
}
