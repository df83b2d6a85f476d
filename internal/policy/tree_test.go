package policy_test

import (
	"os/exec"
	"slices"
	"strings"
	"testing"
)

// tracked are the files of the repository by git, with their modes; none where there is no git.
func tracked(t *testing.T) map[string]string {
	t.Helper()
	out, err := exec.CommandContext(t.Context(), "git", "-C", root, "ls-files", "-s", "-z").Output()
	if err != nil {
		t.Skipf("NOT RUN: this is no git checkout: %v", err)
	}
	modes := make(map[string]string)
	for entry := range strings.SplitSeq(string(out), "\x00") {
		if mode, rest, ok := strings.Cut(entry, " "); ok {
			_, name, _ := strings.Cut(rest, "\t")
			modes[name] = mode
		}
	}
	return modes
}

func TestNoSymlinks(t *testing.T) {
	t.Parallel()
	for name, mode := range tracked(t) {
		if mode == "120000" {
			t.Errorf("%s is a symbolic link: git rm it, and put the file itself where it is needed", name)
		}
	}
}

// scripts are the only files that are run as they are. Whatever else may be run was built here, by `go build` in a module of one
// program, and does not belong to what was written.
var scripts = []string{".ci/run"}

func TestNoBuiltPrograms(t *testing.T) {
	t.Parallel()
	for name, mode := range tracked(t) {
		if mode == "100755" && !slices.Contains(scripts, name) {
			t.Errorf("%s may be run and is no script: git rm it, and name it in .gitignore", name)
		}
	}
}
