package policy_test

import (
	"go/ast"
	"maps"
	"slices"
	"strings"
	"testing"
)

// isPublic reports whether the file belongs to a package that users import and people wrote.
func (f goFile) isPublic() bool {
	return (f.isLibrary() || f.dir() == "rules" && !f.isTest()) && f.ast.Name.Name != "main" && !strings.Contains("/"+f.path, "/internal/")
}

// withoutExample are the public packages that have no example yet. The list only gets shorter.
var withoutExample []string

// The main use of a package can be read as a program that runs, with what it prints.
func TestEveryPublicPackageHasAnExample(t *testing.T) {
	t.Parallel()
	shown := make(map[string]bool)
	for _, f := range written(t) {
		if f.isPublic() {
			shown[f.dir()] = shown[f.dir()] || false
		}
	}
	for _, f := range written(t) {
		if _, public := shown[f.dir()]; public && f.isTest() {
			shown[f.dir()] = shown[f.dir()] || hasExample(f.ast)
		}
	}
	for _, dir := range slices.Sorted(maps.Keys(shown)) {
		if !shown[dir] && !slices.Contains(withoutExample, dir) {
			t.Errorf("%s has no example: write one of its main use into example_test.go, func Example…() with // Output", dir)
		}
	}
}

// hasExample reports whether a test file has an example that is run: one that says what it prints.
func hasExample(file *ast.File) bool {
	return slices.ContainsFunc(file.Decls, func(decl ast.Decl) bool {
		fn, ok := decl.(*ast.FuncDecl)
		return ok && strings.HasPrefix(fn.Name.Name, "Example") && slices.ContainsFunc(file.Comments, func(c *ast.CommentGroup) bool {
			return fn.Pos() < c.Pos() && c.End() < fn.End() && strings.HasPrefix(c.Text(), "Output:")
		})
	})
}

// What is inside an exported type is documented like what is outside; see TestEverythingExportedIsDocumented.
func TestExportedFieldsAndMethodsAreDocumented(t *testing.T) {
	t.Parallel()
	for _, f := range written(t) {
		if !f.isPublic() {
			continue
		}
		for _, decl := range f.ast.Decls {
			types, ok := decl.(*ast.GenDecl)
			if !ok {
				continue
			}
			for _, spec := range types.Specs {
				f.reportFields(t, spec)
			}
		}
	}
}

func (f goFile) reportFields(t *testing.T, spec ast.Spec) {
	t.Helper()
	declared, ok := spec.(*ast.TypeSpec)
	if !ok || !declared.Name.IsExported() {
		return
	}
	for _, field := range fieldsOf(declared.Type) {
		if field.Doc != nil || field.Comment != nil || len(field.Names) == 0 || !field.Names[0].IsExported() {
			continue
		}
		t.Errorf("%s: %s.%s has no comment: state contract, unit, errors, default", f.at(field), declared.Name.Name, field.Names[0].Name)
	}
}

// fieldsOf are the fields of a struct and the methods of an interface.
func fieldsOf(expr ast.Expr) []*ast.Field {
	switch t := expr.(type) {
	case *ast.StructType:
		return t.Fields.List
	case *ast.InterfaceType:
		return t.Methods.List
	default:
		return nil
	}
}
