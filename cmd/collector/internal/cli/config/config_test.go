package config_test

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/spf13/pflag"

	"github.com/collectiverpc/collective/cmd/collector/internal/cli/config"
	configv1 "github.com/collectiverpc/collective/cmd/collector/internal/cli/config/gen/collector/config/v1"
	"github.com/collectiverpc/collective/cmd/collector/internal/cli/envflag"
	"github.com/collectiverpc/collective/cmd/collector/internal/cli/serve"
	"github.com/collectiverpc/collective/internal/name"
)

// problems are what is wrong with a text, one a line.
func problems(text string) string {
	file, err := config.Parse("f", []byte(text))
	if err == nil {
		err = config.Of(serve.Standard()).With(file).Check()
	}
	if err == nil {
		return ""
	}
	return err.Error()
}

// Every field, and whatever YAML, JSON and proto JSON have as other spellings, is taken.
func TestParseTakes(t *testing.T) {
	t.Parallel()
	for _, text := range []string{
		"", "\n", "# nothing\n", "---\n", "---\nid: a\n...\n", "null", "{}", "\ufeffid: a", "id: a\r\nlisten: :1\r\n", "id: a\rlisten: :1\r",
		"{\n\t\"id\": \"a\",\n\t\"historyAge\": \"90s\"\n}", `{"id":"a","ns":["b"]}`, "grace: 1h30m\n", "grace: 1.5s\n", "id: \"a\"\nns:\n  - b\n  - c\n",
		"listen: '[::1]:50051'\n", "listen: :0\n", "join: ['[fe80::1%eth0]:1', host_name:2]\n", "max_schemas: 1048576\n", "history: 1_000\n",
		"tls_cert: a\ntls_key: b\n", "oidc_issuer: https://x\noidc_audience: [y]\n", "id: 12\n", "insecure: false\npki: x\n", "history: 5\ndb: a.db\n",
	} {
		if said := problems(text); said != "" {
			t.Errorf("%q: %s", text, said)
		}
	}
}

// What is wrong is named by line, column and field, all of it.
func TestParseRefuses(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"id: a\nid: b":                         "f:2:1: id is there already, in line 1",
		"history_age: 1s\nhistoryAge: 2s":      "f:2:1: history_age is there already",
		"a":                                    "f:1:1: want fields",
		"[a]":                                  "f:1:1: want fields",
		"id: a\n---\nid: b":                    "more than one document",
		"id: a\n  x: y":                        "f:2:1: mapping values are not allowed",
		"id: \x00":                             "belong into no text",
		"id: a\u2028b":                         "belong into no text",
		"id: \xff":                             "invalid",
		"tls-cert: a":                          "is it tls_cert?",
		"[a]: b":                               "unknown field",
		"<<: {id: a}":                          "unknown field",
		"id: &x a\nlisten: *x":                 "f:2:9: listen: expected scalar, got alias",
		"grace: 0":                             "f:1:1: grace 0s: want a positive duration",
		"history: 1.5":                         "f:1:10: history: ",
		"example_seed: -1":                     "f:1:15: example_seed: ",
		"pki: a\n\ntrust_domain: b\nkey: c":    "f:4:1: pki (line 1), trust_domain (line 3), key (line 4): pki stands for the others",
		"history: 1\ndb: memory":               "f:2:1: history (line 1), db (line 2): history keeps calls in the file of db",
		"insecure: true\ntrust_domain: b":      "f:2:1: insecure (line 1), trust_domain (line 2)",
		"oidc_issuer: https://x":               "f:1:1: oidc_issuer https://x: tokens that it makes for other",
		strings.Repeat("#", 1<<20) + "\nid: a": "larger than 1024 KiB",
	} {
		if said := problems(text); !strings.Contains(said, want) {
			t.Errorf("%.40q: %q, want %q", text, said, want)
		}
	}
}

// The rule of an id is that of the mesh.
func TestIDs(t *testing.T) {
	t.Parallel()
	for _, id := range []string{
		"a", "A-1", "_", "a.b", ".a", "a.", "-a", "a-", "a b", "ä", "a/b", "", strings.Repeat("a", 63), strings.Repeat("a", 64),
	} {
		if said := problems("id: '" + id + "'\n"); (said == "") != (name.CheckCollectorID(id) == nil) {
			t.Errorf("%q: %q, and the mesh says %v", id, said, name.CheckCollectorID(id))
		}
		if said := problems("ns: ['" + id + "']\n"); (said == "") != (name.CheckNamespace(id) == nil) {
			t.Errorf("%q: %q, and the mesh says %v", id, said, name.CheckNamespace(id))
		}
	}
}

// A flag wins over a variable, that over the file, that over a context, and that over the default; each value says where it is
// from, and the flags have it.
func TestWhoWins(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "c.yaml")
	text := "grace: 1s\nopen_timeout: 1s\nlog_level: error\ncacert: file.pem\njoin: ['a,b:1', c:2]\n"
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	set := serve.Standard()
	variables := map[string]string{"COLLECTOR_CONFIG": path, "COLLECTOR_GRACE": "2s", "COLLECTOR_OPEN_TIMEOUT": "2s"}
	check(t, set.Parse([]string{"--grace", "3s"}))
	check(t, envflag.Apply(set, func(variable string) string { return variables[variable] }))
	for _, flag := range []string{"cacert", "cert", "key"} {
		check(t, set.Set(flag, "context.pem"))
		envflag.From(set.Lookup(flag), "context west")
	}
	source, err := config.Load(set)
	check(t, err)
	for field, want := range map[string][2]string{
		"grace":        {"3s", config.OfCommandLine},
		"open_timeout": {"2s", "COLLECTOR_OPEN_TIMEOUT"},
		"log_level":    {"error", path + ":3"},
		"cacert":       {"file.pem", path + ":4"},
		"cert":         {"context.pem", "context west"},
		"join":         {"a,b:1,c:2", path + ":5"},
		"history_age":  {"168h0m0s", config.OfDefault},
	} {
		got := source.Settings.Get(field)
		if got.Value != want[0] || got.Origin != want[1] {
			t.Errorf("%s is %q from %q, want %q", field, got.Value, got.Origin, want)
		}
		flag := set.Lookup(strings.ReplaceAll(field, "_", "-"))
		if list, ok := flag.Value.(pflag.SliceValue); ok {
			if len(list.GetSlice()) != 2 {
				t.Errorf("--%s is %q, want two", flag.Name, list.GetSlice())
			}
		} else if flag.Value.String() != want[0] {
			t.Errorf("--%s is %q, want %q", flag.Name, flag.Value, want[0])
		}
	}
}

// A file that is read again has the word where it had it, and gives back what it says no more.
func TestReload(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "c.yaml")
	write := func(text string) { check(t, os.WriteFile(path, []byte(text), 0o600)) }
	write("log_level: error\ngrace: 1s\nid: a\n")
	set := serve.Standard()
	check(t, set.Parse([]string{"--config", path, "--id", "b"}))
	source, err := config.Load(set)
	check(t, err)
	write("# moved\nlog_level: debug\nid: c\n")
	next, err := source.Reload()
	check(t, err)
	changed := strings.Join(source.Settings.Changed(next), " ")
	if changed != "grace log_level" || next.Get("grace").Value != "10s" || next.Get("log_level").Origin != path+":2" {
		t.Errorf("changed %q, grace %v, log_level %v", changed, next.Get("grace"), next.Get("log_level"))
	}
	if kept := source.Settings.Taking(next, []string{"log_level"}); strings.Join(kept.Changed(next), " ") != "grace" {
		t.Errorf("taken: %v", kept.Changed(next))
	}
	write("grace: 0s\n")
	if _, err := source.Reload(); err == nil || !strings.Contains(err.Error(), ":1:1: grace 0s") {
		t.Errorf("reload of a broken file: %v", err)
	}
	check(t, os.Remove(path))
	if _, err := source.Reload(); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("reload of no file: %v", err)
	}
}

// Every flag of serve has a field, every field a flag, and every flag a variable.
func TestEveryFlagHasAField(t *testing.T) {
	t.Parallel()
	set := serve.Standard()
	fields := new(configv1.Config).ProtoReflect().Descriptor().Fields()
	set.VisitAll(func(flag *pflag.Flag) {
		if envflag.Variable(flag) == "" && flag.Name != "cacert" && flag.Name != "cert" && flag.Name != "key" && flag.Name != "insecure" {
			t.Errorf("--%s has no variable", flag.Name)
		}
		if flag.Name != config.Flag && fields.ByTextName(strings.ReplaceAll(flag.Name, "-", "_")) == nil {
			t.Errorf("--%s has no field: add one to config.proto, with the text of the flag", flag.Name)
		}
	})
	for i := range fields.Len() {
		if set.Lookup(strings.ReplaceAll(string(fields.Get(i).Name()), "_", "-")) == nil {
			t.Errorf("%s has no flag, so that it does nothing", fields.Get(i).Name())
		}
	}
}

// Whatever is in a file, reading it ends with what it says or with problems that are in it.
func FuzzParse(f *testing.F) {
	for _, text := range []string{
		"", "id: a\n", "{\"id\": \"a\"}", "join: [a:1]\n", "grace: 1h\n", "id: &a b\nlisten: *a\n", "? [a]\n: b\n", "id: |\n  x\n", "\xff", "a: !!binary x\n",
		"id: a\r\n\r\nid: b", "--- |\n--- \n", "<<: *x\n", "id: \"\\u2028\"\n", "grace: !!float 1\n", "history: 0x10\n", "ns: [[a]]\n",
	} {
		f.Add([]byte(text))
	}
	standard := config.Of(serve.Standard())
	f.Fuzz(func(t *testing.T, text []byte) {
		file, err := config.Parse("f", text)
		if err == nil {
			err = standard.With(file).Check()
		}
		found, ok := errors.AsType[config.Problems](err)
		if err != nil && !ok {
			t.Fatalf("%q: %v", text, err)
		}
		for _, p := range found {
			if p.What == "" || p.Line < 0 || p.Line > strings.Count(string(text), "\n")+strings.Count(string(text), "\r")+1 {
				t.Errorf("%q: %+v", text, p)
			}
		}
	})
}

func check(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
