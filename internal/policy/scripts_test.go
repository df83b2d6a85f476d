package policy_test

import (
	"os"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// scriptRooms are the folders of TypeScript and JavaScript that people write; what lies beneath them belongs to them.
var scriptRooms = []string{"web/src", "web/e2e"}

// relativeImport finds what a script takes from another: imports, imports of types, re-exports and dynamic imports.
var relativeImport = regexp.MustCompile(`(?m)^(?:import|export)\b([^;"'=]*?\bfrom\s*|\s*)["'](\.[^"']*)["']|\bimport\(\s*["'](\.[^"']*)["']`)

// scriptArrows are the arrows between the scripts of a room, by their paths in it.
func scriptArrows(t *testing.T, room string) graph {
	t.Helper()
	scripts := scriptsOf(t, room)
	g := graph{}
	for _, from := range scripts {
		text, err := os.ReadFile(filepath.Join(root, room, from))
		if err != nil {
			t.Fatal(err)
		}
		for _, match := range relativeImport.FindAllStringSubmatch(string(text), -1) {
			to, ok := resolveScript(scripts, path.Join(path.Dir(from), match[2]+match[3]))
			if !ok && !strings.HasSuffix(match[2], ".css") && !strings.Contains(match[2], "/gen/") {
				t.Errorf("%s/%s imports %s, which is not there", room, from, match[2]+match[3])
			}
			if ok {
				g.add(from, to, importedNames(match[1]))
			}
		}
	}
	return g
}

// scriptsOf are the scripts of a room, those that a generator wrote aside.
func scriptsOf(t *testing.T, room string) (scripts []string) {
	t.Helper()
	err := walk(func(rel string) error {
		if in, ok := strings.CutPrefix(rel, room+"/"); ok && isScript(in) && !strings.HasPrefix(in, "gen/") {
			scripts = append(scripts, in)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return scripts
}

func isScript(name string) bool {
	return slices.Contains([]string{".ts", ".tsx", ".mjs", ".js"}, path.Ext(name))
}

// resolveScript finds the file of an import: TypeScript calls a.ts and a.tsx by the name a.js that they are built to.
func resolveScript(scripts []string, imported string) (file string, ok bool) {
	stem := strings.TrimSuffix(imported, ".js")
	for _, file := range []string{imported, stem + ".ts", stem + ".tsx"} {
		if slices.Contains(scripts, file) {
			return file, true
		}
	}
	return "", false
}

// importedNames are the names between "import" and "from", in one line.
func importedNames(clause string) string {
	names := strings.TrimSuffix(strings.TrimSpace(clause), "from")
	return strings.Join(strings.Fields(strings.Trim(strings.TrimSpace(names), "{}")), " ")
}

func TestRelativeImports(t *testing.T) {
	t.Parallel()
	text := `import { a, type B } from "./one.js";
import type { C } from '../two.js';
import {
  d,
} from "./three.js";
import "./four.js";
export * from "./five.js";
const later = () => import("./six.js");
import { e } from "elsewhere";
const label = 'from "./seven.js"';
export const target = "./eight.js";
`
	var got []string
	for _, match := range relativeImport.FindAllStringSubmatch(text, -1) {
		got = append(got, match[2]+match[3])
	}
	want := []string{"./one.js", "../two.js", "./three.js", "./four.js", "./five.js", "./six.js"}
	if !slices.Equal(got, want) {
		t.Errorf("imports are %v, want %v", got, want)
	}
}
