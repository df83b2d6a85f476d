package policy_test

import (
	"go/ast"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
)

const (
	architecture = "docs/architecture.md"
	maxPassed    = 20  // files with a step of a forwarded call
	maxPage      = 110 // lines of the page
)

var (
	// named is how the page names a file with functions and methods of it: `conn/table.go: Peer.Open, NewTable`.
	named = regexp.MustCompile("`([\\w./-]+\\.go): ([^`]+)`")
	step  = regexp.MustCompile("(?m)^(\\d+)\\. (?:`([\\w./-]+\\.go):)?")
)

// The page is worth reading as long as what it names is where it says.
func TestArchitectureIsTheCode(t *testing.T) {
	t.Parallel()
	page, declared := readPage(t, architecture), declaredByFile(t)
	places := named.FindAllStringSubmatch(page, -1)
	if len(places) < maxPassed {
		t.Fatalf("%s names %d files with functions, as `dir/file.go: Type.Method, Function`; want every step by such a name", architecture, len(places))
	}
	for _, place := range places {
		for name := range strings.SplitSeq(place[2], ", ") {
			if !declared[place[1]][name] {
				t.Errorf("%s names %s in %s, which does not declare it: follow the code and correct the page", architecture, name, place[1])
			}
		}
	}
	if n := strings.Count(page, "\n"); n > maxPage {
		t.Errorf("%s has %d lines, at most %d: it is to be read in one go", architecture, n, maxPage)
	}
}

// A call that has to be followed through more files than this is not understood by anybody.
func TestForwardedCallPassesFewFiles(t *testing.T) {
	t.Parallel()
	passed := make(map[string]bool)
	for i, s := range step.FindAllStringSubmatch(readPage(t, architecture), -1) {
		if s[1] != strconv.Itoa(i+1) || s[2] == "" || passed[s[2]] {
			t.Errorf("%s, step %s: number the files of the way through, each once, as `dir/file.go: Function`", architecture, s[1])
		}
		passed[s[2]] = true
	}
	if n := len(passed); n < 10 || n > maxPassed {
		t.Errorf("a forwarded call passes %d files in %s, want at most %d, and all that it passes: join what is one step", n, architecture, maxPassed)
	}
}

func readPage(t *testing.T, rel string) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(root, rel))
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// declaredByFile answers the functions of each file, and its methods as Type.Method.
func declaredByFile(t *testing.T) map[string]map[string]bool {
	t.Helper()
	files := make(map[string]map[string]bool)
	for _, f := range written(t) {
		names := make(map[string]bool)
		for _, decl := range f.ast.Decls {
			fn, ok := decl.(*ast.FuncDecl)
			switch {
			case !ok:
			case fn.Recv == nil:
				names[fn.Name.Name] = true
			default:
				names[receiver(fn)+"."+fn.Name.Name] = true
			}
		}
		files[f.path] = names
	}
	return files
}
