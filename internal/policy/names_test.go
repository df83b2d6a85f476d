package policy_test

import (
	"go/ast"
	"path"
	"regexp"
	"strings"
	"testing"
)

// publicName finds what the documents call by package and name, in code and in the text of programs.
var publicName = regexp.MustCompile("`[^`\n]*?\\b(dispatcher|registry|conn|link|store|web)\\.([A-Z]\\w*)(?:\\.([A-Z]\\w*))?")

// A page that tells of a function which has another name by now costs its readers an hour.
func TestNamesInDocumentsExist(t *testing.T) {
	t.Parallel()
	exported := exportedNames(t)
	for rel, text := range documents(t) {
		if rel == "CHANGELOG.md" {
			continue // it tells of names that were
		}
		for _, match := range publicName.FindAllStringSubmatch(fenced.ReplaceAllString(text, ""), -1) {
			name := match[1] + "." + match[2]
			if match[3] != "" && exported[name] {
				name += "." + match[3]
			}
			if !exported[name] {
				t.Errorf("%s names %s, which is not there", rel, name)
			}
		}
	}
}

// exportedNames are the exported declarations of the public packages as package.Name, methods and fields of a type as
// package.Type.Name.
func exportedNames(t *testing.T) map[string]bool {
	t.Helper()
	names := make(map[string]bool)
	for _, f := range source(t) {
		if !f.isLibrary() || under(f.path, "internal") {
			continue
		}
		for _, decl := range f.ast.Decls {
			for _, name := range declared(decl) {
				names[path.Base(f.dir())+"."+name] = true
			}
		}
	}
	return names
}

func declared(decl ast.Decl) (names []string) {
	if fn, ok := decl.(*ast.FuncDecl); ok {
		return []string{strings.TrimPrefix(receiverOf(fn)+"."+fn.Name.Name, ".")}
	}
	general, ok := decl.(*ast.GenDecl)
	if !ok {
		return nil
	}
	for _, spec := range general.Specs {
		switch s := spec.(type) {
		case *ast.TypeSpec:
			names = append(names, s.Name.Name)
			names = append(names, members(s)...)
		case *ast.ValueSpec:
			for _, name := range s.Names {
				names = append(names, name.Name)
			}
		}
	}
	return names
}

func receiverOf(fn *ast.FuncDecl) string {
	if fn.Recv == nil {
		return ""
	}
	expr := fn.Recv.List[0].Type
	if star, ok := expr.(*ast.StarExpr); ok {
		expr = star.X
	}
	if name, ok := expr.(*ast.Ident); ok {
		return name.Name
	}
	return ""
}

// members are the fields or methods that a type is declared with.
func members(spec *ast.TypeSpec) (names []string) {
	var list *ast.FieldList
	switch typ := spec.Type.(type) {
	case *ast.StructType:
		list = typ.Fields
	case *ast.InterfaceType:
		list = typ.Methods
	default:
		return nil
	}
	for _, field := range list.List {
		for _, name := range field.Names {
			names = append(names, spec.Name.Name+"."+name.Name)
		}
	}
	return names
}
