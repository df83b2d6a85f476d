package mesh_test

import (
	"errors"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"unicode"

	"connectrpc.com/connect/v2"
	"connectrpc.com/connect/v2/connectproto"

	meshv1 "github.com/collectiverpc/collective/gen/collector/mesh/v1"
	"github.com/collectiverpc/collective/mesh"
)

// constants are the reasons that the package declares, by the name of their constant.
func constants(t *testing.T) map[string]mesh.Reason {
	t.Helper()
	file, err := parser.ParseFile(token.NewFileSet(), "reason.go", nil, 0)
	if err != nil {
		t.Fatal(err)
	}
	found := make(map[string]mesh.Reason)
	ast.Inspect(file, func(n ast.Node) bool {
		spec, ok := n.(*ast.ValueSpec)
		if ok && strings.HasPrefix(spec.Names[0].Name, "Reason") {
			found[spec.Names[0].Name] = mesh.Reason(strings.Trim(spec.Values[0].(*ast.BasicLit).Value, `"`))
		}
		return true
	})
	return found
}

func TestReasons_DescribeEveryConstant(t *testing.T) {
	t.Parallel()
	described := make(map[mesh.Reason]mesh.Description)
	for _, d := range mesh.Reasons() {
		if described[d.Reason].Meaning != "" {
			t.Errorf("%s is described twice", d.Reason)
		}
		if d.Author == "" || !strings.HasSuffix(d.Meaning, ".") {
			t.Errorf("%s has no author or no sentence: %+v", d.Reason, d)
		}
		described[d.Reason] = d
	}
	names := constants(t)
	if len(names) != len(described) {
		t.Errorf("%d constants, %d descriptions", len(names), len(described))
	}
	for name, reason := range names {
		if _, ok := described[reason]; !ok {
			t.Errorf("%s is not described: add it to Reasons", name)
		}
		if want := constantName(string(reason)); name != want {
			t.Errorf("%s is the reason %q, so call it %s", name, reason, want)
		}
	}
}

func constantName(word string) string {
	var b strings.Builder
	b.WriteString("Reason")
	for part := range strings.SplitSeq(word, "_") {
		runes := []rune(part)
		b.WriteRune(unicode.ToUpper(runes[0]))
		b.WriteString(string(runes[1:]))
	}
	return b.String()
}

// What the code refuses with is what the descriptions say: every refusal.New in the tree is read.
func TestReasons_AreWhatTheCodeRefusesWith(t *testing.T) {
	t.Parallel()
	codes := make(map[string][]string)
	for _, d := range mesh.Reasons() {
		for _, code := range d.Codes {
			codes[constantName(string(d.Reason))] = append(codes[constantName(string(d.Reason))], constantCode(code))
		}
	}
	read := 0
	eachCall(t, "../dispatcher", func(at string, call *ast.CallExpr) {
		if len(call.Args) != 3 || !isSelector(call.Fun, "refusal", "New") {
			return
		}
		code, isCode := call.Args[0].(*ast.SelectorExpr)
		reason, isReason := call.Args[1].(*ast.SelectorExpr)
		if !isCode || !isReason {
			return // a code or a reason that is passed on
		}
		read++
		if known := codes[reason.Sel.Name]; known != nil && !slices.Contains(known, code.Sel.Name) {
			t.Errorf("%s refuses with %s and %s, which Reasons does not list", at, reason.Sel.Name, code.Sel.Name)
		}
	})
	if read < 20 {
		t.Errorf("only %d refusals were read: this test looks in the wrong place", read)
	}
}

func constantCode(code connect.Code) string {
	return "Code" + strings.TrimPrefix(constantName(code.String()), "Reason")
}

func isSelector(e ast.Expr, pkg, name string) bool {
	s, ok := e.(*ast.SelectorExpr)
	if !ok || s.Sel.Name != name {
		return false
	}
	x, ok := s.X.(*ast.Ident)
	return ok && x.Name == pkg
}

func eachCall(t *testing.T, root string, do func(at string, call *ast.CallExpr)) {
	t.Helper()
	fset := token.NewFileSet()
	err := filepath.WalkDir(root, func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() || !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go") {
			return err
		}
		file, err := parser.ParseFile(fset, path, nil, 0)
		if err != nil {
			return err
		}
		ast.Inspect(file, func(n ast.Node) bool {
			if call, ok := n.(*ast.CallExpr); ok {
				do(fset.Position(call.Pos()).String(), call)
			}
			return true
		})
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

func TestReasonOf(t *testing.T) {
	t.Parallel()
	detail, err := connectproto.NewErrorDetail(&meshv1.CallFailure{Reason: "link_lost"})
	if err != nil {
		t.Fatal(err)
	}
	lost := connect.NewError(connect.CodeUnavailable, "lost").WithDetail(detail)
	for _, tt := range []struct {
		err  error
		want mesh.Reason
	}{
		{nil, ""},
		{errors.New("plain"), ""},
		{(*connect.Error)(nil), ""},
		{connect.NewError(connect.CodeUnavailable, "a handler's own"), ""},
		{lost, mesh.ReasonLinkLost},
		{errors.Join(errors.New("around"), lost), mesh.ReasonLinkLost},
	} {
		if got := mesh.ReasonOf(tt.err); got != tt.want {
			t.Errorf("ReasonOf(%v) = %q, want %q", tt.err, got, tt.want)
		}
	}
}
