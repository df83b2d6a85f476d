package policy_test

import (
	"go/ast"
	"maps"
	"path"
	"slices"
	"strings"
	"testing"
)

const (
	maxLines     = 400
	maxTestLines = 800
	maxFuncP90   = 40
)

// drawers are names that say nothing about what is inside.
var drawers = []string{"common", "helper", "helpers", "misc", "shared", "types", "util", "utils"}

func TestFilesAreShortAndNamedForOneThing(t *testing.T) {
	t.Parallel()
	for _, f := range written(t) {
		limit := maxLines
		if f.isTest() {
			limit = maxTestLines
		}
		if f.lines > limit {
			t.Errorf("%s has %d lines, at most %d: split it by the things it holds", f.path, f.lines, limit)
		}
		stem := strings.TrimSuffix(strings.TrimSuffix(path.Base(f.path), ".go"), "_test")
		if slices.Contains(drawers, stem) || slices.Contains(drawers, path.Base(f.dir())) {
			t.Errorf("%s is a drawer: name file and package for the one thing they hold", f.path)
		}
	}
}

func TestFunctionsAreShort(t *testing.T) {
	t.Parallel()
	lengths := make(map[string][]int)
	for _, f := range written(t) {
		for _, decl := range f.ast.Decls {
			if fn, ok := decl.(*ast.FuncDecl); ok && !f.isTest() {
				lines := f.fset.Position(fn.End()).Line - f.fset.Position(fn.Pos()).Line + 1
				lengths[f.dir()] = append(lengths[f.dir()], lines)
			}
		}
	}
	for _, dir := range slices.Sorted(maps.Keys(lengths)) {
		sorted := slices.Sorted(slices.Values(lengths[dir]))
		p50, p90 := sorted[len(sorted)/2], sorted[len(sorted)*9/10]
		t.Logf("%-20s %4d functions, lines: median %2d, p90 %2d, longest %d", dir, len(sorted), p50, p90, sorted[len(sorted)-1])
		if p90 > maxFuncP90 {
			t.Errorf("%s: a tenth of its functions has more than %d lines: give their steps names", dir, maxFuncP90)
		}
	}
}

func TestEveryPackageSaysWhatItIs(t *testing.T) {
	t.Parallel()
	documented := make(map[string]bool)
	for _, f := range source(t) {
		if !f.isTest() {
			documented[f.dir()] = documented[f.dir()] || f.ast.Doc != nil || f.generated
		}
	}
	for dir, ok := range documented {
		if !ok {
			t.Errorf("%s has no package comment: write a doc.go that opens with its vocabulary", dir)
		}
	}
}

func TestEverythingExportedIsDocumented(t *testing.T) {
	t.Parallel()
	for _, f := range written(t) {
		if !f.isLibrary() || under(f.path, "internal") {
			continue
		}
		for _, decl := range f.ast.Decls {
			for _, name := range undocumented(decl) {
				t.Errorf("%s: %s is exported and has no comment: state contract, errors, defaults", f.at(decl), name)
			}
		}
	}
}

// undocumented answers the exported names that a declaration leaves without a comment.
func undocumented(decl ast.Decl) []string {
	switch d := decl.(type) {
	case *ast.FuncDecl:
		if d.Doc == nil && d.Name.IsExported() && isExportedReceiver(d.Recv) && !isInterfaceMethod(d) {
			return []string{d.Name.Name}
		}
	case *ast.GenDecl:
		if d.Doc == nil {
			return undocumentedSpecs(d.Specs)
		}
	}
	return nil
}

// isInterfaceMethod knows the methods whose contract is the standard library's.
func isInterfaceMethod(fn *ast.FuncDecl) bool {
	return fn.Recv != nil && slices.Contains([]string{"Error", "String", "Unwrap", "Is", "As", "Close", "ServeHTTP"}, fn.Name.Name)
}

func isExportedReceiver(recv *ast.FieldList) bool {
	if recv == nil {
		return true
	}
	expr := recv.List[0].Type
	if star, ok := expr.(*ast.StarExpr); ok {
		expr = star.X
	}
	if generic, ok := expr.(*ast.IndexExpr); ok {
		expr = generic.X
	}
	name, ok := expr.(*ast.Ident)
	return ok && name.IsExported()
}

func undocumentedSpecs(specs []ast.Spec) []string {
	var names []string
	for _, spec := range specs {
		switch s := spec.(type) {
		case *ast.TypeSpec:
			if s.Doc == nil && s.Name.IsExported() {
				names = append(names, s.Name.Name)
			}
		case *ast.ValueSpec:
			if s.Doc == nil && s.Comment == nil && s.Names[0].IsExported() {
				names = append(names, s.Names[0].Name)
			}
		}
	}
	return names
}
