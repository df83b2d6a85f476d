package policy_test

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// excerptOf are the documents whose Go code and output must be found in a program, and where: it is one that tests run.
var excerptOf = map[string]string{
	"README.md":         "examples",
	"docs/tutorial.md":  "examples",
	"docs/migration.md": "internal/migration",
}

var codeBlock = regexp.MustCompile("(?ms)^```(go|text)\n(.*?)^```$")

func TestCodeInDocumentsIsTakenFromExamples(t *testing.T) {
	t.Parallel()
	for rel, dir := range excerptOf {
		programs := textsUnder(t, dir)
		for _, match := range codeBlock.FindAllStringSubmatch(documents(t)[rel], -1) {
			block := flatten(match[2])
			if !strings.Contains(programs, block) {
				t.Errorf("%s: no program under %s has these lines; change them there, run them, and copy them:\n%s", rel, dir, match[2])
			}
		}
	}
}

// textsUnder answers the programs of a directory one after the other, flattened.
func textsUnder(t *testing.T, dir string) string {
	t.Helper()
	var b strings.Builder
	for _, f := range source(t) {
		if !under(f.path, dir) {
			continue
		}
		text, err := os.ReadFile(filepath.Join(root, f.path))
		if err != nil {
			t.Fatal(err)
		}
		b.WriteString(flatten(string(text)))
	}
	return b.String()
}

// flatten takes away indentation and the comment signs before an example's output.
func flatten(text string) string {
	var b strings.Builder
	for line := range strings.Lines(text) {
		line = strings.TrimPrefix(strings.TrimSpace(line), "// ")
		b.WriteString(strings.TrimPrefix(line, "Output: ") + "\n")
	}
	return b.String()
}
