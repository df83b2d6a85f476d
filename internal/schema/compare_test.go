package schema_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protodesc"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/types/descriptorpb"

	"github.com/collectiverpc/collective/internal/schema"
)

// schemaChange is a case of testdata/changes.txt.
type schemaChange struct {
	name, file    string
	before, after string
	rules         []string // sorted
	bufRules      []string // sorted
}

func readChanges(t *testing.T) []schemaChange {
	t.Helper()
	text, err := os.ReadFile("testdata/changes.txt")
	if err != nil {
		t.Fatal(err)
	}
	var changes []schemaChange
	for i, section := range strings.Split(string(text), "\n=== ")[1:] {
		head, body, _ := strings.Cut(section, "\n")
		before, after, ok := strings.Cut(body, "\n---\n")
		if !ok {
			t.Fatalf("case %q has no ---", head)
		}
		name, rules, _ := strings.Cut(head, ": ")
		pkg := fmt.Sprintf("case%03d", i)
		changes = append(changes, schemaChange{
			name: name, file: pkg + ".proto", before: protoFile(pkg, before), after: protoFile(pkg, after),
			rules:    slices.Sorted(strings.FieldsSeq(strings.ReplaceAll(rules, "+", ""))),
			bufRules: bufRules(rules),
		})
	}
	return changes
}

// bufRules leaves out what buf overlooks.
func bufRules(rules string) []string {
	names := slices.Sorted(strings.FieldsSeq(rules))
	return slices.DeleteFunc(names, func(name string) bool { return name[0] == '+' })
}

func protoFile(pkg, body string) string {
	if !strings.HasPrefix(body, "syntax") && !strings.HasPrefix(body, "edition") {
		body = `syntax = "proto3"; package PKG;` + "\n" + body
	}
	return strings.ReplaceAll(body, "PKG", pkg)
}

// TestCompareAgreesWithBuf judges each case by the table, by Compare and by `buf breaking`: all three name the
// same rules.
func TestCompareAgreesWithBuf(t *testing.T) {
	t.Parallel()
	if testing.Short() {
		t.Skip("builds and runs buf")
	}
	changes := readChanges(t)
	dir := writeModules(t, changes)
	before, after := buildImage(t, dir, "before"), buildImage(t, dir, "after")
	verdicts := bufBreaking(t, dir)
	for _, change := range changes {
		t.Run(change.name, func(t *testing.T) {
			got := schema.Compare(before[change.file], after[change.file])
			if diff := cmp.Diff(change.rules, brokenRules(got)); diff != "" {
				t.Errorf("Compare (-want +got)\n%s", diff)
			}
			if diff := cmp.Diff(change.bufRules, verdicts[change.file]); diff != "" {
				t.Errorf("buf (-want +got)\n%s", diff)
			}
			for _, c := range got {
				if c.Element == "" || c.Message == "" || strings.Contains(c.String(), "%!") {
					t.Errorf("unreadable change %q", c)
				}
			}
		})
	}
	if len(changes) < 60 {
		t.Errorf("%d cases are left: they are the proof that the comparison is buf's", len(changes))
	}
}

// brokenRules are the names of the rules, each once, sorted.
func brokenRules(changes []schema.Change) []string {
	var rules []string
	for _, change := range changes {
		if change.Breaking() {
			rules = append(rules, change.Rule)
		}
	}
	slices.Sort(rules)
	return slices.Compact(rules)
}

const bufConfig = `version: v2
breaking:
  use: [WIRE_JSON, RPC_NO_DELETE, PACKAGE_SERVICE_NO_DELETE]
`

func writeModules(t *testing.T, changes []schemaChange) string {
	t.Helper()
	dir := t.TempDir()
	files := map[string]string{"before/buf.yaml": bufConfig, "after/buf.yaml": bufConfig}
	for _, change := range changes {
		files["before/"+change.file] = change.before
		files["after/"+change.file] = change.after
	}
	for name, content := range files {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

// buf runs the pinned buf and answers what it writes to stdout.
func buf(t *testing.T, args ...string) ([]byte, error) {
	t.Helper()
	command := exec.CommandContext(t.Context(), "go", append([]string{"tool", "-modfile=../../tools/go.mod", "buf"}, args...)...)
	command.Env = append(os.Environ(), "BUF_CACHE_DIR="+t.TempDir())
	command.Stderr = new(bytes.Buffer)
	out, err := command.Output()
	if err != nil {
		return out, fmt.Errorf("buf %v: %w\n%s", args, err, command.Stderr)
	}
	return out, nil
}

func buildImage(t *testing.T, dir, module string) map[string][]protoreflect.FileDescriptor {
	t.Helper()
	image, err := buf(t, "build", filepath.Join(dir, module), "-o", "-#format=binpb")
	if err != nil {
		t.Fatal(err)
	}
	set := new(descriptorpb.FileDescriptorSet)
	if err := proto.Unmarshal(image, set); err != nil {
		t.Fatal(err)
	}
	files := make(map[string][]protoreflect.FileDescriptor)
	for _, file := range set.GetFile() { // no case imports anything
		built, err := protodesc.NewFile(file, nil)
		if err != nil {
			t.Fatal(err)
		}
		files[file.GetName()] = append(files[file.GetName()], built)
	}
	return files
}

// bufBreaking answers the rules that buf finds broken, by file.
func bufBreaking(t *testing.T, dir string) map[string][]string {
	t.Helper()
	out, err := buf(t, "breaking", filepath.Join(dir, "after"), "--against", filepath.Join(dir, "before"), "--error-format=json")
	if err != nil && len(out) == 0 {
		t.Fatal(err)
	}
	verdicts := make(map[string][]string)
	for line := range strings.Lines(string(out)) {
		var found struct{ Path, Type string }
		if err := json.Unmarshal([]byte(line), &found); err != nil {
			t.Fatalf("buf says %q: %v", line, err)
		}
		file := filepath.Base(found.Path)
		if !slices.Contains(verdicts[file], found.Type) {
			verdicts[file] = append(verdicts[file], found.Type)
		}
		slices.Sort(verdicts[file])
	}
	return verdicts
}
