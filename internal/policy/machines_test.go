package policy_test

import (
	"go/ast"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// borrowed are the state machines of packages that take their states from elsewhere: the package that draws it, and the
// directory and the name of the type. Those with a type of their own are found by its name.
var borrowed = map[string]enum{
	"conn": {dir: "gen/collector", name: "ConnectionState"},
}

// stateType is what the type of the states of something is called.
var stateType = regexp.MustCompile(`(?i)(state|phase)$`)

// enum is a named type with constants.
type enum struct{ dir, name string }

// minStates is from how many states on there is something to draw.
const minStates = 3

// What a call or a connection may do next depends on where it stands: who changes that needs the whole picture.
func TestStateMachinesAreDrawn(t *testing.T) {
	t.Parallel()
	states := enumerations(t)
	for dir, e := range borrowed {
		if len(states[e]) == 0 {
			t.Errorf("%s has no constants of the type %s: say in borrowed where the states of %s are", e.dir, e.name, dir)
		}
		wantDrawn(t, dir, e, states[e])
	}
	for e, names := range states {
		if stateType.MatchString(e.name) && len(names) >= minStates && !strings.HasPrefix(e.dir, "gen") {
			wantDrawn(t, e.dir, e, names)
		}
	}
}

// wantDrawn looks for the names of all states in the comment of a package, which may draw several machines.
func wantDrawn(t *testing.T, dir string, e enum, names []string) {
	t.Helper()
	picture := packageComment(t, dir)
	for _, words := range distinctWords(names) {
		if !regexp.MustCompile(`(?i)\b` + strings.Join(words, "[ _-]?") + `\b`).MatchString(picture) {
			t.Errorf("%s/doc.go does not draw the state %q of %s: show how it is reached and left", dir, strings.Join(words, " "), e.name)
		}
	}
}

// enumerations are the constants of each named type of this module, in their order. The first that says "unspecified"
// stands for no state at all.
func enumerations(t *testing.T) map[enum][]string {
	t.Helper()
	found := make(map[enum][]string)
	for _, f := range source(t) {
		if f.isTest() || f.foreign {
			continue
		}
		for _, decl := range f.ast.Decls {
			if group, ok := decl.(*ast.GenDecl); ok {
				addConstants(found, f.dir(), group)
			}
		}
	}
	return found
}

// addConstants collects a group of constants: those without a type of their own have that of the one before.
func addConstants(found map[enum][]string, dir string, group *ast.GenDecl) {
	typ := ""
	for _, spec := range group.Specs {
		value, ok := spec.(*ast.ValueSpec)
		if !ok {
			return
		}
		if named, ok := value.Type.(*ast.Ident); ok {
			typ = named.Name
		} else if len(value.Values) > 0 {
			typ = ""
		}
		for _, name := range value.Names {
			if typ != "" && name.Name != "_" && !strings.HasSuffix(name.Name, "_UNSPECIFIED") {
				e := enum{dir: dir, name: typ}
				found[e] = append(found[e], name.Name)
			}
		}
	}
}

// packageComment is what the doc.go of a package says.
func packageComment(t *testing.T, dir string) string {
	t.Helper()
	for _, f := range source(t) {
		if f.path == dir+"/doc.go" {
			return f.ast.Doc.Text()
		}
	}
	return ""
}

var word = regexp.MustCompile(`[A-Z]?[a-z0-9]+|[A-Z0-9]+`)

// distinctWords are the words of each name without those that all names begin with: stateOpen and stateOver are open and
// over.
func distinctWords(names []string) (words [][]string) {
	for _, name := range names {
		words = append(words, word.FindAllString(name, -1))
	}
	for len(words) > 1 && !slices.ContainsFunc(words, func(w []string) bool { return len(w) < 2 || w[0] != words[0][0] }) {
		for i := range words {
			words[i] = words[i][1:]
		}
	}
	return words
}

func TestDistinctWords(t *testing.T) {
	t.Parallel()
	for _, names := range [][]string{{"stateOpen", "stateHalfClosed"}, {"STATE_Open", "STATE_Half_Closed"}} {
		got := distinctWords(names)
		if want := [][]string{{"Open"}, {"Half", "Closed"}}; !slices.EqualFunc(got, want, slices.Equal) {
			t.Errorf("%v are told apart by %v, want %v", names, got, want)
		}
	}
}
