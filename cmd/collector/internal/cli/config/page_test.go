package config_test

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/bufbuild/protocompile"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/reflect/protoregistry"

	"github.com/collectiverpc/collective/cmd/collector/internal/cli/envflag"
	"github.com/collectiverpc/collective/cmd/collector/internal/cli/serve"
)

var update = flag.Bool("update", false, "rewrite docs/configuration.md")

const page = "../../../../../docs/configuration.md"

// docs/configuration.md has a row for each field, with the text of the schema, which is that of the flag.
func TestThePageIsMadeFromTheSchema(t *testing.T) {
	t.Parallel()
	want := head + table(t) + tail
	if *update {
		check(t, os.WriteFile(page, []byte(want), 0o644)) //nolint:gosec // a document
	}
	got, err := os.ReadFile(page)
	check(t, err)
	if string(got) != want {
		t.Error("docs/configuration.md is not what the schema says: go test ./cmd/collector/internal/cli/config -run ThePage -update")
	}
}

// schema is the message with its comments.
func schema(t *testing.T) protoreflect.MessageDescriptor {
	t.Helper()
	compiler := protocompile.Compiler{
		Resolver: protocompile.CompositeResolver{
			&protocompile.SourceResolver{ImportPaths: []string{"proto"}}, protocompile.WithStandardImports(linkedIn{}),
		},
		SourceInfoMode: protocompile.SourceInfoStandard,
	}
	files, err := compiler.Compile(t.Context(), filepath.Join("collector", "config", "v1", "config.proto"))
	check(t, err)
	return files[0].Messages().ByName("Config")
}

func table(t *testing.T) string {
	t.Helper()
	var text strings.Builder
	text.WriteString("| field | flag, variable | default | what |\n|---|---|---|---|\n")
	message, flags := schema(t), serve.Standard()
	envflag.BindAll(flags)
	for i := range message.Fields().Len() {
		field := message.Fields().Get(i)
		flag := flags.Lookup(strings.ReplaceAll(string(field.Name()), "_", "-"))
		comment := strings.Join(strings.Fields(message.ParentFile().SourceLocations().ByDescriptor(field).LeadingComments), " ")
		usage, _, _ := strings.Cut(flag.Usage, " [COLLECTOR_")
		if !strings.EqualFold(comment, usage+".") {
			t.Errorf("%s: the schema says %q, the flag %q: say the same", field.Name(), comment, usage)
		}
		standard := strings.Trim(flag.DefValue, "[]")
		if field.Name() == "id" {
			standard = "the name of the machine"
		}
		if slices.Contains(reloaded, string(field.Name())) {
			comment += " **Reloaded.**"
		}
		fmt.Fprintf(&text, "| `%s` | `--%s`, `%s` | %s | %s |\n", field.Name(), flag.Name, envflag.Variable(flag), standard,
			strings.ReplaceAll(comment, "|", "\\|"))
	}
	return text.String()
}

// reloaded are put into force while the collector runs; TestServeFollowsItsFile of package cli shows it.
var reloaded = []string{"log_level", "join"}

// linkedIn has the files that are in this binary: the rules of protovalidate.
type linkedIn struct{}

func (linkedIn) FindFileByPath(path string) (protocompile.SearchResult, error) {
	file, err := protoregistry.GlobalFiles.FindFileByPath(path)
	return protocompile.SearchResult{Desc: file}, err
}

const head = `# Configuration

` + "`collector serve --config FILE`" + ` reads a file with a field for each flag of ` + "`serve`" + `, in YAML or JSON. This page is made from its
schema, [config.proto](../cmd/collector/internal/cli/config/proto/collector/config/v1/config.proto), by
` + "`go test ./cmd/collector/internal/cli/config -run ThePage -update`" + `.

` + "```yaml" + `
id: orders-1
listen: 127.0.0.1:50051
ns: [orders]
db: orders.db
join: [127.0.0.1:50052]
grace: 10s
` + "```" + `

## Which value counts

A flag on the command line wins over its environment variable, that over the file, that over the current context (for cacert, cert,
key and insecure), and that over the default. An empty variable counts as none. Lists are replaced, not joined; in a variable their
parts have commas between them. Paths are relative to the directory in which the collector is started, as those of flags are.

` + "```console" + `
collector config show --config collector.yaml    # what is in force, and where each value comes from
collector config show -o yaml > collector.yaml   # a file to begin with
collector config check collector.yaml            # all that is wrong, by line and field; 1 if something is
` + "```" + `

Unknown fields, wrong types, impossible values and settings that contradict each other are refused, all at once, wherever they were
said: ` + "`collector.yaml:3:1: grace 0s: want a positive duration such as 10s`" + `.

## While it runs

The file is followed: when it changes, and with SIGHUP, it is read again. What is marked "Reloaded" below is put into force; of
` + "`join`" + ` new addresses are dialled, and those that are gone stay connected until ` + "`collector disconnect`" + `. For the rest the log and
` + "`collector status`" + ` name what needs a restart. A file that cannot be used changes nothing, and the log and ` + "`collector status`" + ` say so.
The files that it names (certificates, keys, policies, secrets) are followed by themselves.

## Fields

`

const tail = `
Secrets are never in this file: it names the files that have them.
`
