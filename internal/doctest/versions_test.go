package doctest_test

import (
	"os"
	"path/filepath"
	"regexp"
	"testing"
)

// pinned finds module@version, and a module's path with a version of three numbers behind it in prose.
var pinned = regexp.MustCompile(`([a-z][\w.-]*\.[a-z]+/[\w./-]+)@v(\d+\.\d+\.\d+)|` + "`(connectrpc\\.com/connect/v2)`,? version (\\d+\\.\\d+\\.\\d+)")

// The versions that the documents name are those that this module and its tools are built and tested with.
func TestVersionsInDocuments(t *testing.T) {
	t.Parallel()
	required := requirements(t, "../../go.mod", "../../tools/go.mod")
	for _, document := range []string{"../../README.md", "../../docs/quickstart.md", "../../docs/migration.md"} {
		text, err := os.ReadFile(document)
		if err != nil {
			t.Fatal(err)
		}
		found := pinned.FindAllStringSubmatch(string(text), -1)
		if len(found) == 0 {
			t.Errorf("%s names no version of connect", filepath.Base(document))
		}
		for _, match := range found {
			module, version := match[1]+match[3], match[2]+match[4]
			if want := versionOf(required, module); version != want {
				t.Errorf("%s says %s v%s, go.mod requires v%s", filepath.Base(document), module, version, want)
			}
		}
	}
}

var requirement = regexp.MustCompile(`(?m)^\t(\S+) v(\S+)`)

// requirements are those of all files; of two for one module the first counts.
func requirements(t *testing.T, files ...string) map[string]string {
	t.Helper()
	all := make(map[string]string)
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		for _, match := range requirement.FindAllStringSubmatch(string(text), -1) {
			if _, ok := all[match[1]]; !ok {
				all[match[1]] = match[2]
			}
		}
	}
	return all
}

// versionOf looks for the module that a package is in.
func versionOf(required map[string]string, pkg string) string {
	for path := pkg; path != "."; path = filepath.Dir(path) {
		if version, ok := required[path]; ok {
			return version
		}
	}
	return ""
}
