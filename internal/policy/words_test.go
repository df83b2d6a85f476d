package policy_test

import (
	"go/ast"
	"go/token"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/collectiverpc/collective/mesh"
)

// The words of the mesh have one source: whoever spells one again is left behind when a word is added, and a misspelt one
// compiles. Tests spell them, for they say what is on the wire.
func TestWordsOfTheMeshAreSpelledOnce(t *testing.T) {
	t.Parallel()
	for _, f := range written(t) {
		if f.isTest() || f.dir() == "mesh" {
			continue
		}
		ast.Inspect(f.ast, func(n ast.Node) bool {
			literal, ok := n.(*ast.BasicLit)
			if !ok || literal.Kind != token.STRING {
				return true
			}
			if text, err := strconv.Unquote(literal.Value); err == nil {
				if problem := judgeWord(text); problem != "" {
					t.Errorf("%s: %s: take it from package mesh", f.at(n), problem)
				}
			}
			return true
		})
	}
}

// In TypeScript a reason may be spelled where its type says so: tsc refuses one that is none.
func TestHeadersInTypeScriptAreSpelledOnce(t *testing.T) {
	t.Parallel()
	read := 0
	err := walk(func(rel string) error {
		if !under(rel, "web/src", "web/example") || under(rel, "web/src/gen") || !strings.HasPrefix(filepath.Ext(rel), ".ts") {
			return nil
		}
		text, err := os.ReadFile(filepath.Join(root, rel))
		if err != nil {
			return err
		}
		read++
		for i, line := range strings.Split(string(text), "\n") {
			if problem := judgeScript(line); problem != "" {
				t.Errorf("%s:%d: %s: import it from web/src/gen/mesh.ts", rel, i+1, problem)
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if read < 10 {
		t.Errorf("only %d files were read: this test looks in the wrong place", read)
	}
}

// ambiguous are reasons that are words of others too: the name of a code, an event of a link or of a connection, a failure of the
// command line.
var ambiguous = map[mesh.Reason]bool{
	mesh.ReasonCanceled: true, mesh.ReasonDeadline: true, mesh.ReasonUnreachable: true, mesh.ReasonDisconnected: true,
}

// judgeWord answers what is wrong with a string of Go, or "".
func judgeWord(text string) string {
	for _, d := range mesh.Reasons() {
		if text == string(d.Reason) && !ambiguous[d.Reason] {
			return "spells the reason " + text
		}
	}
	if header.MatchString(text) {
		return "spells a header of the mesh"
	}
	return ""
}

var (
	header = regexp.MustCompile(`(?i)\bcollective-(namespace|target|executor|route|reason|$)`)
	// compared finds a reason that no type watches: what is compared with a string, or switched over.
	compared = regexp.MustCompile(`(?:case|[=!]==?) "(\w+)"`)
)

// judgeScript answers what is wrong with a line of TypeScript, or "".
func judgeScript(line string) string {
	if strings.HasPrefix(strings.TrimSpace(line), "//") {
		return ""
	}
	if header.MatchString(line) {
		return "spells a header of the mesh"
	}
	for _, match := range compared.FindAllStringSubmatch(line, -1) {
		if judgeWord(match[1]) != "" {
			return "compares with the reason " + match[1]
		}
	}
	return ""
}

func TestJudgeWord(t *testing.T) {
	t.Parallel()
	for text, ok := range map[string]bool{
		"Collective-Target": false, "collective-route": false, "Collective-": false, "-H 'Collective-Namespace: a'": false,
		"link_lost": false, "no link_lost here": true, "canceled": true, "collective-console": true, "the collective": true,
	} {
		if problem := judgeWord(text); (problem == "") != ok {
			t.Errorf("%q: %q, want ok %v", text, problem, ok)
		}
	}
	for line, ok := range map[string]bool{
		`headers.set("Collective-Target", x)`: false, `case "link_lost":`: false, `if (r === "handler_error")`: false,
		`// Collective-Target`: true, `const r: Reason = "link_lost";`: true, `case "canceled":`: true,
	} {
		if problem := judgeScript(line); (problem == "") != ok {
			t.Errorf("%s: %q, want ok %v", line, problem, ok)
		}
	}
}
