package cli

import (
	"fmt"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/collectiverpc/collective/cmd/collector/internal/cli/envflag"
	"github.com/collectiverpc/collective/cmd/collector/internal/cli/remote"
)

// addTopics adds the texts that `collector help TOPIC` shows.
func addTopics(root *cobra.Command) {
	root.AddCommand(
		&cobra.Command{Use: "exit-codes", Short: "What the exit codes mean", Long: exitCodesText},
		&cobra.Command{Use: "formatting", Short: "Tables, TSV and JSON", Long: formattingText},
		&cobra.Command{Use: "environment", Short: "Environment variables", Long: environmentText(root)},
	)
}

const exitCodesText = `Exit codes

    0  success, an empty list included
    1  another failure
    2  usage: bad flag, bad JSON, a service or method that nobody has
    3  the collector was never reached (name, refused, TLS, not a collector)
    4  not authenticated
 64+n  the call failed with gRPC code n:
       65 canceled            70 already_exists       75 out_of_range
       66 unknown             71 permission_denied    76 unimplemented
       67 invalid_argument    72 resource_exhausted   77 internal
       68 deadline_exceeded   73 failed_precondition  78 unavailable
       69 not_found           74 aborted              79 data_loss
  130  interrupted (Ctrl-C)
  141  nobody reads the output any more, as in | head; a shell says so too when SIGPIPE ends a command

Dispatch and Serve answer a failure as a Status inside an RPC that is OK. dispatch exits with its code too, and so does
call for the untyped methods that only they reach:

  Status   200 400 401 403 404 409 429 499 500 501 503 504 other
  exit       0  67   4  71  69  70  72  65  77  76  78  68    66

--allow-status of both exits 0 whatever the verdict of the method is.`

const formattingText = `Formatting

On a terminal a command prints a table, aligned, coloured and cut to the width. In a pipe it prints TSV: no header,
no colour, every column, nothing cut. stdout carries data and nothing else; notes and errors go to stderr.

  -o table   the table, wherever the output goes
  -o wide    the table with all columns
  -o tsv     tab-separated values without a header
  -o json    one JSON document: the RPC's response as proto JSON; 64-bit integers are strings. Same as --json
  -o jsonl   one JSON document a line, one line an item; streaming calls print each message as it arrives
  -o name    names only: of collectors, connections, services or methods, each once unless it is a stream

call prints the message of an answer as JSON; with --format text as the text format of protobuf, messages of a stream
one a line.

Under --json an error is {"error":{"code","message","why","hint","details","error_details","route","exit"}} on stderr.
error_details are the messages that a handler sent with its error: {"type","value"}, or "base64" if the type is unknown.`

func environmentText(root *cobra.Command) string {
	var b strings.Builder
	b.WriteString("Environment\n\nA flag on the command line wins over the environment, which wins over the file of serve --config (see collector\n" +
		"config), which wins over the context (see collector context), which wins over the default.\n\n")
	describe := func(flag *pflag.Flag) {
		if variable := envflag.Variable(flag); variable != "" {
			fmt.Fprintf(&b, "  %-26s --%s\n", variable, flag.Name)
		}
	}
	root.PersistentFlags().VisitAll(describe)
	for _, command := range root.Commands() {
		command.LocalNonPersistentFlags().VisitAll(describe)
	}
	fmt.Fprintf(&b, "  %-26s %s\n", remote.TokenVariable, "a bearer token that says who you are; --token-file wins")
	fmt.Fprintf(&b, "  %-26s %s\n", "NO_COLOR, TERM=dumb", "no colours")
	fmt.Fprintf(&b, "  %-26s %s", "XDG_CONFIG_HOME", "where contexts are kept, default ~/.config")
	b.WriteString("\n\nHTTP_PROXY and HTTPS_PROXY name the proxy that collectors at http and https URLs are asked through, except those that\n" +
		"NO_PROXY lists and those on this machine. ALL_PROXY is not read. Links between collectors go through no proxy.")
	return b.String()
}
