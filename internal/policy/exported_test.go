package policy_test

import (
	"go/ast"
	"strings"
	"testing"
)

// What is exported has to be usable from outside: its types are those of public packages.
func TestNoExportedSignatureNamesAnInternalType(t *testing.T) {
	t.Parallel()
	for _, f := range written(t) {
		if !f.isLibrary() || strings.Contains("/"+f.path, "/internal/") {
			continue
		}
		for _, decl := range f.ast.Decls {
			for _, signature := range exportedTypes(decl) {
				f.reportInternal(t, signature)
			}
		}
	}
}

func (f goFile) reportInternal(t *testing.T, signature ast.Node) {
	t.Helper()
	ast.Inspect(signature, func(n ast.Node) bool {
		selector, ok := n.(*ast.SelectorExpr)
		if !ok {
			return true
		}
		if pkg, ok := selector.X.(*ast.Ident); ok {
			if imported, ok := f.importPath(pkg.Name); ok && strings.Contains(imported+"/", "/internal/") {
				t.Errorf("%s: %s.%s is a type that users cannot name: declare a public one, or do not export this", f.at(n), pkg.Name, selector.Sel.Name)
			}
		}
		return true
	})
}

// exportedTypes are the type expressions by which a declaration is used from outside.
func exportedTypes(decl ast.Decl) []ast.Node {
	switch d := decl.(type) {
	case *ast.FuncDecl:
		if d.Name.IsExported() && isExportedReceiver(d.Recv) {
			return []ast.Node{d.Type}
		}
	case *ast.GenDecl:
		var found []ast.Node
		for _, spec := range d.Specs {
			found = append(found, exportedSpecTypes(spec)...)
		}
		return found
	}
	return nil
}

func exportedSpecTypes(spec ast.Spec) []ast.Node {
	switch s := spec.(type) {
	case *ast.TypeSpec:
		if s.Name.IsExported() {
			return visibleParts(s.Type)
		}
	case *ast.ValueSpec:
		if s.Names[0].IsExported() && s.Type != nil {
			return []ast.Node{s.Type}
		}
	}
	return nil
}

// visibleParts are the parts of a type that users see: the exported fields of a struct, the methods of an interface.
func visibleParts(expr ast.Expr) []ast.Node {
	fields, kept := (*ast.FieldList)(nil), []ast.Node(nil)
	switch t := expr.(type) {
	case *ast.StructType:
		fields = t.Fields
	case *ast.InterfaceType:
		fields = t.Methods
	default:
		return []ast.Node{expr}
	}
	for _, field := range fields.List {
		if len(field.Names) == 0 || field.Names[0].IsExported() {
			kept = append(kept, field.Type)
		}
	}
	return kept
}
