package main

import (
	"bytes"
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"strings"
	"testing"

	"github.com/collectiverpc/collective/mesh"
)

// The module in the tree is what the package says now.
func TestModuleIsCurrent(t *testing.T) {
	t.Parallel()
	var want bytes.Buffer
	if err := write(&want); err != nil {
		t.Fatal(err)
	}
	got, err := os.ReadFile("../../web/src/gen/mesh.ts")
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got, want.Bytes()) {
		t.Error("web/src/gen/mesh.ts is not what package mesh says: run make generate, then make console")
	}
	for _, d := range mesh.Reasons() {
		if strings.Count(want.String(), `{ reason: "`+string(d.Reason)+`",`) != 1 {
			t.Errorf("no description of %s, or more than one", d.Reason)
		}
	}
}

// A header that is added to package mesh has to come along.
func TestEveryHeaderIsWritten(t *testing.T) {
	t.Parallel()
	file, err := parser.ParseFile(token.NewFileSet(), "../../mesh/header.go", nil, 0)
	if err != nil {
		t.Fatal(err)
	}
	written := make(map[string]bool)
	for _, h := range headers {
		written[strings.Replace(h.Constant, "header", "Header", 1)] = true
	}
	found := 0
	ast.Inspect(file, func(n ast.Node) bool {
		spec, ok := n.(*ast.ValueSpec)
		if !ok || spec.Names[0].Name == "HeaderPrefix" {
			return true
		}
		found++
		if !written[spec.Names[0].Name] {
			t.Errorf("%s is not written: add it to headers", spec.Names[0].Name)
		}
		return true
	})
	if found != len(headers) {
		t.Errorf("%d headers in package mesh, %d here", found, len(headers))
	}
}
