package policy_test

import (
	"go/scanner"
	"go/token"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// minComments is how many lines of comment a library package has for each line of code, at least. A package whose code
// needs more explanation has more; one below this is read by trial.
const minComments = 0.20

// A line with a comment and code counts for both; blank lines, the words of the build constraint and what a generator
// wrote count for neither.
func TestCodeIsExplained(t *testing.T) {
	t.Parallel()
	counts := make(map[string]lineCount)
	for _, f := range written(t) {
		if f.isLibrary() || under(f.path, "rules") && !f.isTest() {
			counts[f.dir()] = counts[f.dir()].plus(f.countLines(t))
		}
	}
	for _, dir := range slices.Sorted(maps.Keys(counts)) {
		judgeComments(t, dir, counts[dir])
	}
}

func judgeComments(t *testing.T, dir string, n lineCount) {
	t.Helper()
	t.Logf("%-24s %5d lines of code, %4d of comment: %.2f", dir, n.code, n.comment, n.density())
	if n.density() < minComments {
		t.Errorf("%s has %d lines of comment for %d of code, fewer than %.2f: say why it is done so, what always holds, in which "+
			"unit, who may call it and when; not what the next line does", dir, n.comment, n.code, minComments)
	}
}

// lineCount is how many lines of a package have code and how many have comments.
type lineCount struct{ code, comment int }

func (n lineCount) plus(more lineCount) lineCount {
	return lineCount{code: n.code + more.code, comment: n.comment + more.comment}
}

func (n lineCount) density() float64 { return float64(n.comment) / float64(max(n.code, 1)) }

// countLines scans a file for the lines of its tokens.
func (f goFile) countLines(t *testing.T) lineCount {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(root, f.path))
	if err != nil {
		t.Fatal(err)
	}
	return countLines(text)
}

func countLines(text []byte) lineCount {
	fset := token.NewFileSet()
	file := fset.AddFile("", fset.Base(), len(text))
	scan := scanner.Scanner{}
	scan.Init(file, text, nil, scanner.ScanComments)
	code, comment := make(map[int]bool), make(map[int]bool)
	for {
		pos, tok, literal := scan.Scan()
		if tok == token.EOF {
			return lineCount{code: len(code), comment: len(comment)}
		}
		switch first := file.Line(pos); {
		case tok == token.COMMENT && isDirective(literal), tok == token.SEMICOLON && literal == "\n":
		case tok == token.COMMENT:
			mark(comment, first, literal)
		default:
			mark(code, first, literal)
		}
	}
}

// mark notes the lines of a token: a raw string or a comment may have several.
func mark(lines map[int]bool, first int, literal string) {
	for i := range strings.Count(literal, "\n") + 1 {
		lines[first+i] = true
	}
}

// isDirective knows what is written as a comment and meant for a tool.
func isDirective(comment string) bool {
	return strings.HasPrefix(comment, "//go:") || strings.HasPrefix(comment, "//lint:")
}

func TestCountLines(t *testing.T) {
	t.Parallel()
	text := "//go:build linux\n\n// Package p is one.\npackage p\n\n/* two\nlines */\nvar a = `x\ny` // both\n"
	if got, want := countLines([]byte(text)), (lineCount{code: 3, comment: 4}); got != want {
		t.Errorf("counted %+v, want %+v", got, want)
	}
}
