package policy_test

import (
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// documents answers the Markdown files by path.
func documents(t *testing.T) map[string]string {
	t.Helper()
	texts := make(map[string]string)
	err := walk(func(rel string) error {
		if path.Ext(rel) != ".md" {
			return nil
		}
		text, err := os.ReadFile(filepath.Join(root, rel))
		texts[rel] = string(text)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return texts
}

var (
	markdownLink = regexp.MustCompile(`\]\(([^)\s]+)\)`)
	fenced       = regexp.MustCompile("(?ms)^```.*?^```$")
)

func TestLinksInDocumentsResolve(t *testing.T) {
	t.Parallel()
	for rel, text := range documents(t) {
		prose := fenced.ReplaceAllString(text, "") // Go's f[T](x) is no link
		for _, match := range markdownLink.FindAllStringSubmatch(prose, -1) {
			target, _, _ := strings.Cut(match[1], "#")
			if target == "" || strings.Contains(target, "://") || strings.HasPrefix(target, "mailto:") {
				continue
			}
			if _, err := os.Stat(filepath.Join(root, path.Dir(rel), target)); err != nil {
				t.Errorf("%s links to %s, which is not there", rel, match[1])
			}
		}
	}
}

var makeCommand = regexp.MustCompile("(?m)(?:^|`)make ([a-z0-9]+)")

func TestDocumentedMakeTargetsExist(t *testing.T) {
	t.Parallel()
	targets := helpedTargets(t)
	for rel, text := range documents(t) {
		for _, match := range makeCommand.FindAllStringSubmatch(text, -1) {
			if !targets[match[1]] {
				t.Errorf("%s says `make %s`, which `make help` does not list", rel, match[1])
			}
		}
	}
}

var phonyTarget = regexp.MustCompile(`(?m)^\.PHONY: (\S+)$`)

func TestHelpListsEveryTarget(t *testing.T) {
	t.Parallel()
	makefile, err := os.ReadFile(filepath.Join(root, "Makefile"))
	if err != nil {
		t.Fatal(err)
	}
	targets := helpedTargets(t)
	for _, match := range phonyTarget.FindAllStringSubmatch(string(makefile), -1) {
		if !targets[match[1]] {
			t.Errorf("make help does not list %s: write `%s: ## what it does`", match[1], match[1])
		}
	}
}

// helpedTargets answers what `make help` lists.
func helpedTargets(t *testing.T) map[string]bool {
	t.Helper()
	text, err := exec.CommandContext(t.Context(), "make", "-C", root, "help").Output()
	if err != nil {
		t.Fatal(err)
	}
	targets := make(map[string]bool)
	for line := range strings.Lines(string(text)) {
		name, about, _ := strings.Cut(line, " ")
		targets[name] = strings.TrimSpace(about) != ""
	}
	return targets
}

// machinePath finds paths of somebody's machine. They are taken apart here, or this file would find itself.
var machinePath = regexp.MustCompile("/" + "work/|/" + "home/[a-z]|/" + "Users/[a-z]|/" + "root/")

func TestNothingNamesSomebodysMachine(t *testing.T) {
	t.Parallel()
	err := walk(func(rel string) error {
		text, err := os.ReadFile(filepath.Join(root, rel))
		if err != nil {
			return err
		}
		if found := machinePath.Find(text); found != nil && isText(text) {
			t.Errorf("%s contains %q: write a path relative to the repository", rel, found)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

// isText knows what people and tools write in lines from pictures and databases.
func isText(content []byte) bool { return !slices.Contains(content, 0) }
