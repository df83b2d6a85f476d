package policy_test

import (
	"slices"
	"strings"
	"testing"
)

// dependencies are the modules that the code may import, and the rooms that may, with those beneath them (none: all). One more has to earn its
// place: docs/decisions says why it is better than own code.
var dependencies = map[string][]string{
	"connectrpc.com/connect/v2":        nil,
	"google.golang.org/protobuf":       nil,
	"golang.org/x/sync":                nil,
	"github.com/google/uuid":           {"conn", "dispatcher", "cmd/collector"},
	"connectrpc.com/grpcreflect/v2":    {"dispatcher/internal/describe", "cmd/collector"},
	"connectrpc.com/cors":              {"dispatcher/internal/ingress"},
	"github.com/rs/cors":               {"dispatcher/internal/ingress"},
	"github.com/mattn/go-sqlite3":      {"internal/sqlite"},
	"github.com/coreos/go-oidc/v3":     {"access/authn/token"},
	"github.com/go-jose/go-jose/v4":    {"access/authn/token"},
	"github.com/gofrs/flock":           {"access/authn/apikey", "store"},
	"github.com/spf13/cobra":           {"cmd/collector"},
	"github.com/spf13/pflag":           {"cmd/collector"},
	"golang.org/x/term":                {"cmd/collector"},
	"golang.org/x/sys":                 {"access/authn/socket", "conn/link/internal/socket"},
	"github.com/cedar-policy/cedar-go": {"access/internal/ruleset"},
	"github.com/bufbuild/protocompile": {"cmd/collector", "internal/schematest"},
	"github.com/fsnotify/fsnotify":     {"internal/watch"},
	"buf.build/go/protovalidate":       {"cmd/collector/internal/cli/config"},
	"buf.build/go/protoyaml":           {"cmd/collector/internal/cli/config"},
	"buf.build/gen/go/bufbuild":        {"cmd/collector/internal/cli/config"}, // the rules in its schema
	"go.yaml.in/yaml/v3":               {"cmd/collector/internal/cli/config"},
}

func TestImportsRunOneWay(t *testing.T) {
	t.Parallel()
	for _, f := range source(t) {
		if f.isTest() || f.foreign {
			continue
		}
		from := roomOf(f.dir())
		if from == "" {
			t.Errorf("%s: no room for this package: give it a row in mayImport, and in the map of CONTRIBUTING.md", f.path)
			continue
		}
		for imported := range f.imports() {
			if problem := judgeImport(from, imported); problem != "" {
				t.Errorf("%s imports %s: %s", f.path, imported, problem)
			}
		}
	}
}

// An internal package that no row names would be judged by that of the room around it, which may import more.
func TestEveryInternalPackageHasARow(t *testing.T) {
	t.Parallel()
	for _, f := range source(t) {
		if f.foreign || f.isTest() || !strings.Contains("/"+f.dir(), "/internal/") {
			continue
		}
		if _, ok := mayImport[f.dir()]; !ok {
			t.Errorf("%s: no row in mayImport names the package %s: list what it imports, and it in the rows of those that import it", f.path, f.dir())
		}
	}
}

// Go refuses circles of packages, and this one of rooms.
func TestRoomsAreOrdered(t *testing.T) {
	t.Parallel()
	rooms := graph{}
	for from, list := range mayImport {
		for _, to := range list {
			if _, ok := mayImport[to]; !ok {
				t.Errorf("mayImport lets %s import %s, which is no room: take it out", from, to)
			}
			rooms.add(from, to, "what is in it")
		}
	}
	if circular, way := rooms.circles(); circular != nil {
		t.Errorf("mayImport lets rooms import each other in a circle, take one of these out:%s", rooms.story(way))
	}
}

// judgeImport answers what is wrong with an import, or "".
func judgeImport(from, imported string) string {
	if imported == "C" {
		return "no cgo of our own: SQLite is the one exception, through its driver"
	}
	if rel, ok := strings.CutPrefix(imported, modulePath+"/"); ok {
		to := roomOf(rel)
		if to == from || slices.Contains(mayImport[from], to) {
			return ""
		}
		return from + " may not know " + to + ": declare a small interface in " + from + " and let cmd wire them"
	}
	if first, _, _ := strings.Cut(imported, "/"); !strings.Contains(first, ".") {
		return judgeStandard(from, imported)
	}
	for module, rooms := range dependencies {
		if under(imported, module) {
			if rooms == nil || under(from, rooms...) {
				return ""
			}
			return "only " + strings.Join(rooms, ", ") + " may import " + module
		}
	}
	return "a new dependency: write docs/decisions/NNN-….md and add it to dependencies"
}

// pure are the rooms whose results follow from their arguments alone, with what of the standard library they may import.
var pure = map[string][]string{
	"dispatcher/internal/routing": {"cmp", "context", "errors", "iter", "maps", "slices", "strconv", "strings", "sync/atomic"},
}

// judgeStandard answers what is wrong with an import of the standard library, or "".
func judgeStandard(from, imported string) string {
	if allowed, ok := pure[from]; ok && !slices.Contains(allowed, imported) {
		return from + " decides by what it is given: let its callers do what needs " + imported + ", and give it the result"
	}
	return ""
}

// roomOf answers the room that a directory belongs to.
func roomOf(dir string) string { return longestRoom(mayImport, dir) }

// longestRoom answers the longest of the named rooms that contains a directory, "" if none does.
func longestRoom[V any](rooms map[string]V, dir string) string {
	best := ""
	for room := range rooms {
		if under(dir, room) && len(room) > len(best) {
			best = room
		}
	}
	return best
}

func TestJudgeImport(t *testing.T) {
	t.Parallel()
	tests := []struct {
		from, imported string
		ok             bool
	}{
		{"dispatcher", modulePath + "/conn", true},
		{"dispatcher", modulePath + "/gen/collector", true},
		{"dispatcher", modulePath + "/registry", false},
		{"conn", modulePath + "/registry", false},
		{"registry", modulePath + "/conn/link", false},
		{"conn/link", modulePath + "/conn", false},
		{"dispatcher/internal/routing", modulePath + "/conn", false},
		{"dispatcher/internal/routing", "net/http", false},
		{"dispatcher/internal/routing", "time", false},
		{"dispatcher/internal/routing", "slices", true},
		{"examples", modulePath + "/internal/name", false},
		{"conn", "net/http", true},
		{"conn", "google.golang.org/grpc", false},
		{"conn", "github.com/mattn/go-sqlite3", false},
		{"internal/sqlite", "github.com/mattn/go-sqlite3", true},
	}
	for _, tt := range tests {
		if problem := judgeImport(tt.from, tt.imported); (problem == "") != tt.ok {
			t.Errorf("%s imports %s: %q, want ok %v", tt.from, tt.imported, problem, tt.ok)
		}
	}
}
