package cli

import (
	"context"
	"errors"
	"log/slog"
	"slices"
	"strings"

	"github.com/spf13/cobra"
)

// app is one run of the command line.
type app struct {
	io    Streams
	flags globalFlags
	// version is what the binary says about itself.
	version string
	// logLevel is that of serve; a key changes it.
	logLevel slog.LevelVar
}

// Main runs the command line and returns the exit code. When ctx is done, as a first Ctrl-C makes it, commands stop;
// `serve` then drains.
func Main(ctx context.Context, streams Streams, args []string) int {
	a := &app{io: streams, version: buildVersion()}
	root := a.rootCommand()
	root.SetArgs(args)
	command, err := root.ExecuteContextC(ctx)
	if err == nil {
		return exitOK
	}
	f := asFailure(ctx, command, err)
	switch {
	case f.exit == exitReaderGone: // without a word, as SIGPIPE ends a program
	case a.flags.json || wantsJSON(args):
		f.writeJSON(streams.Err)
	default:
		f.write(streams.Err)
	}
	return f.exit
}

// asFailure makes a failure of any error. What is none yet comes from cobra, so it is about usage.
func asFailure(ctx context.Context, command *cobra.Command, err error) *failure {
	if f, ok := errors.AsType[*failure](err); ok {
		return f
	}
	if ctx.Err() != nil {
		return &failure{exit: exitInterrupted, code: "canceled", what: "interrupted"}
	}
	what, rest, _ := strings.Cut(err.Error(), "\n")
	f := usagef("%s", what)
	if strings.Contains(what, "missing unit in duration") {
		f.hint("a duration has its unit: 500ms, 10s, 2m")
	}
	for line := range strings.Lines(rest) { // cobra's suggestions, if it has any
		if line = strings.TrimSpace(line); line != "" {
			f.hint(line)
		}
	}
	return f.hint(command.CommandPath() + " --help")
}

// wantsJSON tells it from the bare arguments, for errors in the arguments themselves.
func wantsJSON(args []string) bool {
	if end := slices.Index(args, "--"); end >= 0 {
		args = args[:end]
	}
	return slices.Contains(args, "--json") || slices.Contains(args, "-ojson") ||
		slices.Contains(args, "--output=json") || slices.Contains(args, "-o=json") || hasPair(args, "-o", "json") ||
		hasPair(args, "--output", "json")
}

func hasPair(args []string, flag, value string) bool {
	i := slices.Index(args, flag)
	return i >= 0 && i+1 < len(args) && args[i+1] == value
}

// Groups of the help text.
const (
	groupStart = "start"
	groupLook  = "look"
	groupAct   = "act"
	groupHelp  = "help"
)

func (a *app) rootCommand() *cobra.Command {
	root := &cobra.Command{
		Use:   "collector",
		Short: "Run a collector, look into the mesh, call its methods",
		Example: `  collector demo                                       # three collectors, linked, with traffic
  collector serve --id a --ns orders --example orders  # run one
  collector status                                     # who is connected
  collector call shop.v1.OrderService/CreateOrder -d '{"sku":"tea","qty":2}'`,
		Version:       a.version,
		SilenceErrors: true,
		SilenceUsage:  true,
		PersistentPreRunE: func(cmd *cobra.Command, _ []string) error {
			return a.prepare(cmd)
		},
	}
	root.SetIn(a.io.In)
	root.SetOut(a.io.Out)
	root.SetErr(a.io.Err)
	root.CompletionOptions.DisableDefaultCmd = true
	root.SetVersionTemplate("{{.Version}}\n")
	root.Flags().Bool("version", false, "print the version of this binary") // without the -v that cobra would give it
	a.flags.add(root.PersistentFlags())
	completeWords(root, "protocol", protocols...)
	completeWords(root, "output", formats...)
	root.AddGroup(
		&cobra.Group{ID: groupStart, Title: "Start:"},
		&cobra.Group{ID: groupLook, Title: "Look:"},
		&cobra.Group{ID: groupAct, Title: "Act:"},
		&cobra.Group{ID: groupHelp, Title: "Help:"},
	)
	root.SetHelpCommandGroupID(groupHelp)
	a.addCommands(root)
	a.addTopics(root)
	strictHelp(root)
	return root
}

func (a *app) addCommands(root *cobra.Command) {
	for group, commands := range map[string][]*cobra.Command{
		groupStart: {a.demoCommand(), a.serveCommand()},
		groupLook:  {a.statusCommand(), a.connectionsCommand(), a.servicesCommand(), a.routeCommand(), a.tapCommand(), a.topCommand()},
		groupAct:   {a.connectCommand(), a.disconnectCommand(), a.callCommand(), a.benchCommand(), a.dispatchCommand()},
		groupHelp:  {a.checkCommand(), a.consoleCommand(), a.contextCommand(), a.completionCommand(), a.versionCommand()},
	} {
		for _, command := range commands {
			command.GroupID = group
			root.AddCommand(command)
		}
	}
}
