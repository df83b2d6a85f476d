package policy_test

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// excerptOf are the documents whose Go code and output must be found in a program under examples, which the tests run.
var excerptOf = []string{"README.md", "docs/tutorial.md"}

var codeBlock = regexp.MustCompile("(?ms)^```(go|text)\n(.*?)^```$")

func TestCodeInDocumentsIsTakenFromExamples(t *testing.T) {
	t.Parallel()
	programs := exampleTexts(t)
	for _, rel := range excerptOf {
		for _, match := range codeBlock.FindAllStringSubmatch(documents(t)[rel], -1) {
			block := flatten(match[2])
			if !strings.Contains(programs, block) {
				t.Errorf("%s: no program under examples has these lines; change them there, run them, and copy them:\n%s", rel, match[2])
			}
		}
	}
}

// exampleTexts answers the programs one after the other, flattened.
func exampleTexts(t *testing.T) string {
	t.Helper()
	var b strings.Builder
	for _, f := range source(t) {
		if !under(f.path, "examples") {
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
