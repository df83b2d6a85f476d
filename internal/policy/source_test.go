package policy_test

import (
	"bytes"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
)

const (
	root       = "../.."
	modulePath = "github.com/collectiverpc/collective"
)

// goFile is a parsed source file of this repository, the other modules in it included.
type goFile struct {
	path      string // relative to the root, with slashes
	fset      *token.FileSet
	ast       *ast.File
	lines     int
	generated bool
	foreign   bool // belongs to another module of the repository, such as bench
}

func (f goFile) dir() string  { return path.Dir(f.path) }
func (f goFile) isTest() bool { return strings.HasSuffix(f.path, "_test.go") }

// isLibrary reports whether users' programs contain this file.
func (f goFile) isLibrary() bool {
	return !f.isTest() && !f.foreign && f.ast.Name.Name != "main" && !under(f.path, "cmd", "examples", "internal/policy")
}

// at answers "file:line" of a node.
func (f goFile) at(n ast.Node) string {
	return f.path + ":" + strconv.Itoa(f.fset.Position(n.Pos()).Line)
}

// imports answers the import paths and the names that the file uses them by.
func (f goFile) imports() map[string]string {
	names := make(map[string]string)
	for _, spec := range f.ast.Imports {
		imported, err := strconv.Unquote(spec.Path.Value)
		if err != nil {
			continue
		}
		name := path.Base(imported)
		if spec.Name != nil {
			name = spec.Name.Name
		}
		names[imported] = name
	}
	return names
}

// calls answers "pkg.Func" for a call of an imported package's function and "Func" for a call of a plain name.
func (f goFile) calls(n ast.Node) (name string, ok bool) {
	call, ok := n.(*ast.CallExpr)
	if !ok {
		return "", false
	}
	switch fun := call.Fun.(type) {
	case *ast.Ident:
		return fun.Name, true
	case *ast.SelectorExpr:
		pkg, ok := fun.X.(*ast.Ident)
		if !ok {
			return "", false
		}
		imported, ok := f.importPath(pkg.Name)
		return imported + "." + fun.Sel.Name, ok
	default:
		return "", false
	}
}

func (f goFile) importPath(name string) (imported string, ok bool) {
	for imported, used := range f.imports() {
		if used == name {
			return imported, true
		}
	}
	return "", false
}

// under reports whether a slash path is one of the directories or lies beneath it.
func under(p string, dirs ...string) bool {
	return slices.ContainsFunc(dirs, func(dir string) bool { return p == dir || strings.HasPrefix(p, dir+"/") })
}

// written answers the Go files that people wrote.
func written(t *testing.T) []goFile {
	t.Helper()
	return slices.DeleteFunc(slices.Clone(source(t)), func(f goFile) bool { return f.generated })
}

// source answers all Go files of the repository, parsed once.
func source(t *testing.T) []goFile {
	t.Helper()
	files, err := parseAll()
	if err != nil {
		t.Fatal(err)
	}
	return files
}

var parseAll = sync.OnceValues(func() ([]goFile, error) {
	var files []goFile
	fset := token.NewFileSet()
	err := walk(func(rel string) error {
		if !strings.HasSuffix(rel, ".go") {
			return nil
		}
		text, err := os.ReadFile(filepath.Join(root, rel))
		if err != nil {
			return err
		}
		parsed, err := parser.ParseFile(fset, rel, text, parser.ParseComments|parser.SkipObjectResolution)
		if err != nil {
			return err
		}
		files = append(files, goFile{
			path: rel, fset: fset, ast: parsed,
			lines: bytes.Count(text, []byte("\n")), generated: ast.IsGenerated(parsed),
		})
		return nil
	})
	if err != nil {
		return nil, err
	}
	modules, err := otherModules()
	for i := range files {
		files[i].foreign = under(files[i].path, modules...)
	}
	return files, err
})

// otherModules answers the directories that have a go.mod of their own.
func otherModules() ([]string, error) {
	var dirs []string
	err := walk(func(rel string) error {
		if path.Base(rel) == "go.mod" && rel != "go.mod" {
			dirs = append(dirs, path.Dir(rel))
		}
		return nil
	})
	return dirs, err
}

// walk visits the files of the repository, without what is built, downloaded or test data.
func walk(visit func(rel string) error) error {
	return filepath.WalkDir(root, func(name string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		rel, err := filepath.Rel(root, name)
		if err != nil {
			return err
		}
		rel = filepath.ToSlash(rel)
		switch {
		case rel == ".git" && !entry.IsDir(): // that of a second work tree
			return nil
		case !entry.IsDir():
			return visit(rel)
		case isSkipped(rel):
			return filepath.SkipDir
		default:
			return nil
		}
	})
}

func isSkipped(dir string) bool {
	base := path.Base(dir)
	hidden := strings.HasPrefix(base, ".") && base != "." && base != ".." && base != ".ci"
	return dir == "bin" || hidden || slices.Contains([]string{"node_modules", "testdata", "dist"}, base)
}
