package policy_test

import (
	"go/ast"
	"path"
	"testing"
)

const (
	maxFiles   = 30 // source files in a folder
	maxMethods = 30 // methods of a type
)

// overfull are the folders and types that are larger than they may be, with what they had when they were counted. The
// list only gets shorter, and its numbers only smaller.
var overfull = map[string]int{}

func TestFoldersAreSmall(t *testing.T) {
	t.Parallel()
	counts := make(map[string]int)
	for _, f := range written(t) {
		if !f.isTest() && !f.foreign {
			counts[f.dir()]++
		}
	}
	for dir, n := range counts {
		judgeSize(t, dir, n, maxFiles, "source files: give what belongs together a package of its own")
	}
}

func TestTypesAreSmall(t *testing.T) {
	t.Parallel()
	counts := make(map[string]int)
	for _, f := range written(t) {
		if f.isTest() || f.foreign {
			continue
		}
		for _, decl := range f.ast.Decls {
			if fn, ok := decl.(*ast.FuncDecl); ok && fn.Recv != nil {
				counts[f.dir()+"."+receiver(fn)]++
			}
		}
	}
	for name, n := range counts {
		judgeSize(t, name, n, maxMethods, "methods: give its parts fields and methods of their own")
	}
}

func judgeSize(t *testing.T, name string, n, most int, advice string) {
	t.Helper()
	allowed, known := overfull[name]
	switch {
	case known && n < allowed:
		t.Errorf("%s has become smaller, %d: write that into overfull, or take it out at %d", name, n, most)
	case known && n > allowed, !known && n > most:
		t.Errorf("%s has %d, at most %d %s", name, n, max(allowed, most), advice)
	}
}

// receiver is the name of the type that a method belongs to.
func receiver(fn *ast.FuncDecl) string {
	expr := fn.Recv.List[0].Type
	if star, ok := expr.(*ast.StarExpr); ok {
		expr = star.X
	}
	if generic, ok := expr.(*ast.IndexExpr); ok {
		expr = generic.X
	}
	if name, ok := expr.(*ast.Ident); ok {
		return name.Name
	}
	return path.Base("?")
}
