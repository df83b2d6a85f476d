package cli_test

import (
	"encoding/json"
	"errors"
	"io"
	"slices"
	"strings"
	"testing"

	"connectrpc.com/connect/v2"
	"github.com/spf13/cobra"

	"github.com/collectiverpc/collective/cmd/collector/internal/cli"
)

// elsewhere names the test that proves --json of a command which cannot run here.
type elsewhere string

// TestNoDeadJSON walks the command tree: every command that can run honours --json, with one JSON document on stdout
// and nothing else. A new command fails until it has a row.
func TestNoDeadJSON(t *testing.T) {
	t.Parallel()
	rows := map[string]any{
		"demo":                elsewhere("cmd/collector TestDemo"),
		"serve":               "--db memory --listen 127.0.0.1:0 --until-eof --grace 1s",
		"status":              "",
		"whoami":              "",
		"audit":               "",
		"connections":         "",
		"connections ls":      "",
		"connections history": "",
		"connections prune":   "",
		"connections watch":   elsewhere("cmd/collector TestConnectionsWatch"),
		"check":               elsewhere("cmd/collector TestCheck"),
		"keys":                "--file testdata/keys/api-keys",
		"keys ls":             "--file testdata/keys/api-keys",
		"keys add":            elsewhere("TestKeys"),
		"keys rm":             elsewhere("TestKeys"),
		"config check":        "testdata/config/whole.yaml",
		"config show":         "--id a",
		"policy check":        "testdata/policy/teams.cedar",
		"policy show":         "",
		"policy why":          "--network loopback OrderService/CreateOrder",
		"console":             elsewhere("cmd/collector TestConsole"),
		"services":            "",
		"services ls":         "",
		"services describe":   "shop.v1.OrderService",
		"services register":   elsewhere("cmd/collector TestServicesRegister"),
		"services unregister": elsewhere("cmd/collector TestServicesRegisterSource"),
		"services check":      elsewhere("cmd/collector TestServicesRegister"),
		"pki":                 elsewhere("cmd/collector TestPKI"),
		"pki ls":              elsewhere("cmd/collector TestPKI"),
		"pki init":            elsewhere("cmd/collector TestPKI"),
		"pki issue":           elsewhere("cmd/collector TestPKI"),
		"pki renew":           elsewhere("cmd/collector TestPKI"),
		"trust":               "",
		"trust ls":            "",
		"trust forget":        "b",
		"trust new-secret":    elsewhere("TestTrustSecrets"),
		"trust rotate-secret": elsewhere("TestTrustSecrets"),
		"route":               "OrderService/CreateOrder",
		"tap":                 "--once",
		"top":                 "",
		"connect":             "127.0.0.1:1",
		"disconnect":          "b",
		"call":                `OrderService/CreateOrder -d {"sku":"tea"}`,
		"bench":               `OrderService/CreateOrder -d {"sku":"tea"} -n 20 -c 2`,
		"dispatch":            "users Greeter/Greet",
		"context":             "",
		"context ls":          "",
		"context add":         "west",
		"context use":         "east",
		"context rm":          "east",
		"completion":          "bash",
		"version":             "",
	}
	server := newFake(t, fakeMesh{})
	for _, name := range runnable(cli.Root(), "") {
		row, known := rows[name]
		if !known {
			t.Errorf("%s: no row in this test: say how it is run, and see that it honours --json", name)
			continue
		}
		args, ok := row.(string)
		if !ok {
			continue
		}
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			sh := shell{env: map[string]string{"XDG_CONFIG_HOME": t.TempDir()}}
			command := append(strings.Fields(name), strings.Fields(args)...)
			for _, spelling := range [][]string{{"--json"}, {"-o", "json"}} {
				sh.on(t, server, "context", "add", "east")
				checkDocument(t, sh.on(t, server, slices.Concat(command, spelling)...))
			}
		})
	}
}

// runnable are the commands below a command that do something, by the words that call them.
func runnable(parent *cobra.Command, path string) []string {
	var names []string
	for _, command := range parent.Commands() {
		name := strings.TrimSpace(path + " " + command.Name())
		if command.Runnable() && command.Name() != "help" {
			names = append(names, name)
		}
		names = append(names, runnable(command, name)...)
	}
	return names
}

func checkDocument(t *testing.T, got ran) {
	t.Helper()
	if got.exit != 0 {
		t.Errorf("exit %d: %s", got.exit, got.err)
	}
	decoder := json.NewDecoder(strings.NewReader(got.out))
	var document any
	if err := decoder.Decode(&document); err != nil {
		t.Fatalf("stdout is not JSON: %v\n%s", err, got.out)
	}
	if err := decoder.Decode(new(any)); !errors.Is(err, io.EOF) {
		t.Errorf("more than one document on stdout: %v\n%s", err, got.out)
	}
}

// Control characters that JSON allows in strings do not reach a terminal as such, and still mean the same.
func TestJSONHasNoControlCharacters(t *testing.T) {
	t.Parallel()
	server := newFake(t, fakeMesh{})
	for _, form := range [][]string{{"--json"}, {"-o", "jsonl"}, {"--format", "text"}} {
		got := shell{}.on(t, server, append([]string{"call", "OrderService/CreateOrder", "-d", `{"sku":"a\u009b31m\u007f\u001b"}`}, form...)...)
		if at := strings.IndexFunc(got.out, isRaw); at >= 0 || got.exit != 0 || !strings.Contains(got.out, `\u009b31m`) {
			t.Errorf("%v: exit %d, %q", form, got.exit, got.out)
		}
	}
	failing := newFakeWith(t, fakeMesh{}, fakeOrders{failed: connect.NewError(connect.CodeAborted, "a\u009b31m")})
	got := shell{}.on(t, failing, "call", "OrderService/CreateOrder", "--json")
	if strings.ContainsFunc(got.err, isRaw) || !strings.Contains(got.err, `a\u009b31m`) {
		t.Errorf("%q", got.err)
	}
}

func TestErrorsAreJSONWhereverTheyComeFrom(t *testing.T) {
	t.Parallel()
	server := newFake(t, fakeMesh{})
	for _, args := range [][]string{
		{"status", "--json", "extra"},
		{"-o", "json", "status", "--nope"},
		{"call", "-ojson", "Twice/Method"},
		{"call", "--output=json", "OrderService/CreateOrder"},
		{"status", "--json", "-s", "http://127.0.0.1:1"},
	} {
		got := shell{}.on(t, server, args...)
		var document struct {
			Error struct {
				Code, Message string
				Exit          int
			}
		}
		if err := json.Unmarshal([]byte(got.err), &document); err != nil {
			t.Errorf("%v: stderr is not one JSON document: %v\n%s", args, err, got.err)
		}
		if document.Error.Code == "" || document.Error.Message == "" || document.Error.Exit != got.exit || got.out != "" {
			t.Errorf("%v: %+v, exit %d, stdout %q", args, document, got.exit, got.out)
		}
	}
}
