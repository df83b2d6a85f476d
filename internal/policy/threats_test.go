package policy_test

import (
	"go/ast"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
)

var (
	// threatTest finds a test that the page of threats names, and whether the page says that it is not there yet.
	threatTest = regexp.MustCompile("`([a-z][\\w/]*) ((?:Test|Fuzz)\\w+)`( \\(open\\))?")
	// threatAttack finds an attack in the same way.
	threatAttack = regexp.MustCompile("`ATTACK (\\w+)`( \\(open\\))?")
	threatRow    = regexp.MustCompile(`(?m)^\| (.+) \|$`)
)

// A threat against which nothing is shown must say so: the last cell of each row names tests that exist, or says open.
func TestThreatsHaveTests(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile(filepath.Join(root, "docs/threats.md"))
	if err != nil {
		t.Fatal(err)
	}
	tests, attacks, rows := testNames(t), attackBounds(t), 0
	for _, match := range threatRow.FindAllStringSubmatch(string(text), -1) {
		cells := strings.Split(match[1], " | ")
		shown := cells[len(cells)-1]
		if shown == "tests" {
			continue // the head of a table
		}
		rows++
		if number, err := strconv.Atoi(cells[0]); err == nil && number != rows {
			t.Errorf("row %d has the number %d", rows, number)
		}
		judgeThreat(t, tests, attacks, cells[0], shown)
	}
	if rows < 23 {
		t.Errorf("docs/threats.md has %d threats", rows)
	}
}

func judgeThreat(t *testing.T, tests testsOf, attacks map[string]bool, threat, shown string) {
	t.Helper()
	named := threatTest.FindAllStringSubmatch(shown, -1)
	for _, test := range named {
		if exists := tests.has(test[1], test[2]); !exists && test[3] == "" {
			t.Errorf("threat %q names %s in %s, which is not there: name another one, or put (open) behind it", threat, test[2], test[1])
		} else if exists && test[3] != "" {
			t.Logf("threat %q: %s is there, take (open) away", threat, test[2])
		}
	}
	for _, attack := range threatAttack.FindAllStringSubmatch(shown, -1) {
		if open, exists := attacks[attack[1]]; (!exists || open) && attack[2] == "" {
			t.Errorf("threat %q names the attack %s, which is not there or not judged: put (open) behind it", threat, attack[1])
		} else if exists && !open && attack[2] != "" {
			t.Logf("threat %q: the attack %s is judged, take (open) away", threat, attack[1])
		}
		named = append(named, attack)
	}
	if len(named) == 0 && !strings.HasPrefix(shown, "open") {
		t.Errorf("threat %q names no test and does not say open", threat)
	}
}

// testsOf are the directories that have a test, by its name.
type testsOf map[string][]string

func (n testsOf) has(dir, test string) bool {
	for _, in := range n[test] {
		if under(in, dir) {
			return true
		}
	}
	return false
}

func testNames(t *testing.T) testsOf {
	t.Helper()
	names := make(testsOf)
	for _, f := range source(t) {
		if !f.isTest() {
			continue
		}
		for _, decl := range f.ast.Decls {
			if fn, ok := decl.(*ast.FuncDecl); ok && fn.Recv == nil {
				names[fn.Name.Name] = append(names[fn.Name.Name], f.dir())
			}
		}
	}
	return names
}

// attackBounds are the attacks, and whether nothing judges them, as the source of internal/attack has it: their bound is open,
// or the file later.go has them.
func attackBounds(t *testing.T) map[string]bool {
	t.Helper()
	bounds, later, run := make(map[string]bool), make(map[string]bool), ""
	for _, f := range source(t) {
		for _, decl := range f.ast.Decls {
			if fn, ok := decl.(*ast.FuncDecl); ok && f.path == "internal/attack/later.go" {
				later[fn.Name.Name] = true
			}
		}
	}
	for _, fields := range boundLiterals(t) {
		if fields["Run"] != "nil" {
			run = fields["Run"]
		}
		bounds[fields["Name"]] = fields["Open"] == "true" || later[run]
	}
	if len(bounds) == 0 {
		t.Error("internal/attack/bound.go has no bounds")
	}
	return bounds
}

// boundLiterals are the fields of each bound, in their order.
func boundLiterals(t *testing.T) (literals []map[string]string) {
	t.Helper()
	for _, f := range source(t) {
		if f.path != "internal/attack/bound.go" {
			continue
		}
		ast.Inspect(f.ast, func(n ast.Node) bool {
			if literal, ok := n.(*ast.CompositeLit); ok {
				if fields := literalFields(literal); fields["Name"] != "" {
					literals = append(literals, fields)
				}
			}
			return true
		})
	}
	return literals
}

// literalFields are the fields of a literal that are names or strings, without quotes.
func literalFields(literal *ast.CompositeLit) map[string]string {
	fields := make(map[string]string)
	for _, element := range literal.Elts {
		pair, ok := element.(*ast.KeyValueExpr)
		if !ok {
			continue
		}
		key, _ := pair.Key.(*ast.Ident)
		switch value := pair.Value.(type) {
		case *ast.Ident:
			fields[key.Name] = value.Name
		case *ast.BasicLit:
			fields[key.Name], _ = strconv.Unquote(value.Value)
		}
	}
	return fields
}
