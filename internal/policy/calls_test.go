package policy_test

import (
	"go/ast"
	"go/token"
	"maps"
	"slices"
	"strings"
	"testing"
)

// forbidden are calls that library code does not make, and what to do instead.
var forbidden = map[string]string{
	"panic":       "return an error",
	"print":       "log through the injected *slog.Logger",
	"println":     "log through the injected *slog.Logger",
	"os.Exit":     "return an error and let main decide",
	"fmt.Print":   "return the text or take an io.Writer",
	"fmt.Printf":  "return the text or take an io.Writer",
	"fmt.Println": "return the text or take an io.Writer",
	"log.":        "log through the injected *slog.Logger",
}

func TestLibraryCodeNeitherPanicsNorPrints(t *testing.T) {
	t.Parallel()
	for _, f := range written(t) {
		if !f.isLibrary() {
			continue
		}
		ast.Inspect(f.ast, func(n ast.Node) bool {
			if name, ok := f.calls(n); ok {
				if instead, bad := forbiddenCall(name); bad {
					t.Errorf("%s: %s in library code: %s", f.at(n), name, instead)
				}
			}
			return true
		})
	}
}

// forbiddenCall looks up the call, or its package when the whole package is forbidden.
func forbiddenCall(name string) (instead string, bad bool) {
	if instead, bad = forbidden[name]; bad {
		return instead, true
	}
	pkg, _, _ := strings.Cut(name, ".")
	instead, bad = forbidden[pkg+"."]
	return instead, bad
}

func TestLibraryHasNoInit(t *testing.T) {
	t.Parallel()
	for _, f := range written(t) {
		for _, decl := range f.ast.Decls {
			if fn, ok := decl.(*ast.FuncDecl); ok && fn.Recv == nil && fn.Name.Name == "init" && f.isLibrary() {
				t.Errorf("%s: init has effects that nobody asked for: do it in a constructor", f.at(fn))
			}
		}
	}
}

// A limit of 0 means no limit to connecthttp: one large message could take all memory.
func TestMessageSizesAreBounded(t *testing.T) {
	t.Parallel()
	for _, f := range written(t) {
		ast.Inspect(f.ast, func(n ast.Node) bool {
			name, ok := f.calls(n)
			if ok && strings.HasSuffix(name, ".WithReadMaxBytes") && isZero(n.(*ast.CallExpr).Args) {
				t.Errorf("%s: WithReadMaxBytes(0) means unlimited: name a limit", f.at(n))
			}
			return true
		})
	}
}

func isZero(args []ast.Expr) bool {
	if len(args) != 1 {
		return false
	}
	literal, ok := args[0].(*ast.BasicLit)
	return ok && literal.Kind == token.INT && literal.Value == "0"
}

// A test that sleeps is slow on a good day and fails on a bad one. Within synctest.Test time is not real.
func TestTestsDoNotSleep(t *testing.T) {
	t.Parallel()
	for _, f := range written(t) {
		if !f.isTest() {
			continue
		}
		ast.Inspect(f.ast, func(n ast.Node) bool {
			name, _ := f.calls(n)
			if name == "time.Sleep" {
				t.Errorf("%s: time.Sleep in a test: wait for a channel, or run it under testing/synctest", f.at(n))
			}
			return name != "testing/synctest.Test"
		})
	}
}

func TestPackagesWithGoroutinesCheckForLeaks(t *testing.T) {
	t.Parallel()
	starts, checks := make(map[string]string), make(map[string]bool)
	for _, f := range written(t) {
		if _, ok := f.imports()["go.uber.org/goleak"]; ok && f.isTest() {
			checks[f.dir()] = true
		}
		ast.Inspect(f.ast, func(n ast.Node) bool {
			if f.isLibrary() && startsGoroutine(n) {
				starts[f.dir()] = f.at(n)
			}
			return true
		})
	}
	for _, dir := range slices.Sorted(maps.Keys(starts)) {
		if !checks[dir] {
			t.Errorf("%s starts a goroutine: add a TestMain with goleak.VerifyTestMain to package %s", starts[dir], dir)
		}
	}
}

// startsGoroutine sees go statements and the Go method of wait groups.
func startsGoroutine(n ast.Node) bool {
	if _, ok := n.(*ast.GoStmt); ok {
		return true
	}
	call, ok := n.(*ast.CallExpr)
	if !ok {
		return false
	}
	method, ok := call.Fun.(*ast.SelectorExpr)
	return ok && method.Sel.Name == "Go" && len(call.Args) == 1
}
