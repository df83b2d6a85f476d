package policy_test

import (
	"go/ast"
	"go/build"
	"go/importer"
	"go/token"
	"go/types"
	"path"
	"path/filepath"
	"strings"
	"sync"
	"testing"
)

// A file that needs only files below it can be read without those above it. Where they need each other in a circle, one
// has to know them all to understand any.
func TestNoCircleOfFiles(t *testing.T) {
	t.Parallel()
	for dir, files := range packages(t) {
		judgeCircles(t, dir, arrows(dir, files))
	}
	for _, dir := range scriptRooms {
		judgeCircles(t, dir, scriptArrows(t, dir))
	}
}

const openCircle = "Open this one: move a declaration to the file that uses it, or to one below both; let the lower file take a " +
	"func or declare a small interface; or give the lower part a package of its own. Then run this again for the next."

func judgeCircles(t *testing.T, dir string, g graph) {
	t.Helper()
	if files, shortest := g.circles(); len(files) > 0 {
		t.Errorf("%s: %d files lie on circles: %s\nThe shortest:%s\n%s",
			dir, len(files), strings.Join(files, " "), g.story(shortest), openCircle)
	}
}

// packages are the source files of each package that people wrote, those of other modules included, by directory.
func packages(t *testing.T) map[string][]goFile {
	t.Helper()
	byDir := make(map[string][]goFile)
	for _, f := range source(t) {
		if !f.isTest() && f.isBuilt() {
			byDir[f.dir()] = append(byDir[f.dir()], f)
		}
	}
	return byDir
}

// isBuilt reports whether the file belongs to a build for Linux with cgo: of several files for several systems, that
// declare the same names, one is judged.
func (f goFile) isBuilt() bool {
	context := build.Default
	context.GOOS, context.GOARCH, context.CgoEnabled = "linux", "amd64", true
	ok, err := context.MatchFile(filepath.Join(root, f.dir()), path.Base(f.path))
	return err == nil && ok
}

// arrows are the arrows between the files of a package: uses of its package-level names, its fields and its methods.
func arrows(dir string, files []goFile) graph {
	info := checked(dir, files)
	g := graph{}
	for ident, object := range info.Uses {
		if object.Pkg() == nil || object.Pkg().Path() != dir || !isDeclaration(object) {
			continue
		}
		from, to := files[0].fset.File(ident.Pos()), files[0].fset.File(object.Pos())
		if from != nil && to != nil {
			g.add(path.Base(from.Name()), path.Base(to.Name()), object.Name())
		}
	}
	for _, f := range files {
		if f.generated {
			delete(g, path.Base(f.path)) // what a generator wrote is nobody's to order
		}
	}
	return g
}

// isDeclaration tells what files need each other for from what is local to a function.
func isDeclaration(object types.Object) bool {
	switch o := object.(type) {
	case *types.Var:
		return o.IsField() || o.Parent() == o.Pkg().Scope()
	case *types.Func:
		return true // a function of the package or a method
	default:
		return object.Parent() == object.Pkg().Scope()
	}
}

// checked resolves the names of a package as far as they can be without what is imported from elsewhere than the standard
// library: those names are not judged, and nothing is built for them.
func checked(dir string, files []goFile) *types.Info {
	info := &types.Info{Uses: make(map[*ast.Ident]types.Object)}
	config := types.Config{Importer: standard, Error: func(error) {}}
	parsed := make([]*ast.File, 0, len(files))
	for _, f := range files {
		parsed = append(parsed, f.ast)
	}
	config.Check(dir, files[0].fset, parsed, info) // the error is that of the unknown imports
	return info
}

// standard imports the standard library from its source, and an empty package for everything else.
var standard = &lenientImporter{known: make(map[string]*types.Package), source: importer.ForCompiler(token.NewFileSet(), "source", nil)}

type lenientImporter struct {
	mu     sync.Mutex
	known  map[string]*types.Package
	source types.Importer
}

// Import never fails.
func (i *lenientImporter) Import(imported string) (*types.Package, error) {
	i.mu.Lock()
	defer i.mu.Unlock()
	if i.known[imported] == nil {
		i.known[imported] = i.load(imported)
	}
	return i.known[imported], nil
}

func (i *lenientImporter) load(imported string) *types.Package {
	if first, _, _ := strings.Cut(imported, "/"); !strings.Contains(first, ".") {
		if pkg, err := i.source.Import(imported); err == nil {
			return pkg
		}
	}
	pkg := types.NewPackage(imported, packageName(imported))
	pkg.MarkComplete()
	return pkg
}

// packageName guesses what an import is called: its last element, or the one before a major version.
func packageName(imported string) string {
	base := path.Base(imported)
	if len(base) == 2 && base[0] == 'v' && base[1] >= '2' && base[1] <= '9' {
		base = path.Base(path.Dir(imported))
	}
	return base
}
