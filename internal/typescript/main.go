// Command typescript writes the words of package mesh as a TypeScript module to its standard output: the headers, and the
// reasons with what each means. `make generate` and `make console` make web/src/gen/mesh.ts of it, so that the console and the
// Go programs have their words from one source.
package main

import (
	_ "embed"
	"fmt"
	"io"
	"os"
	"slices"
	"text/template"

	"github.com/collectiverpc/collective/mesh"
)

// main leaves a broken pipe or a full disk to the status: whoever redirects the output must not take half of it for all.
func main() {
	if err := write(os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "writing the words of the mesh:", err)
		os.Exit(1)
	}
}

// The template is a file of its own, so that editors know it for TypeScript.
//
//go:embed mesh.ts.tmpl
var text string

var module = template.Must(template.New("mesh.ts").Parse(text))

// header is a header of package mesh and the name of its constant in TypeScript.
type header struct{ Constant, Name string }

// headers has every header: a test compares it with the package, because constants cannot be listed by a program.
var headers = []header{
	{"headerNamespace", mesh.HeaderNamespace},
	{"headerTarget", mesh.HeaderTarget},
	{"headerSession", mesh.HeaderSession},
	{"headerExecutor", mesh.HeaderExecutor},
	{"headerRoute", mesh.HeaderRoute},
	{"headerReason", mesh.HeaderReason},
}

// write is the same text every time: checkgenerate compares it byte by byte.
func write(w io.Writer) error {
	return module.Execute(w, struct {
		Headers []header
		Logout  string
		Reasons []mesh.Description
		Authors []mesh.Author
	}{headers, mesh.LogoutPath, mesh.Reasons(), authors()})
}

// authors are those who author a reason, each once, in the order of the reasons.
func authors() (found []mesh.Author) {
	for _, d := range mesh.Reasons() {
		if !slices.Contains(found, d.Author) {
			found = append(found, d.Author)
		}
	}
	return found
}
