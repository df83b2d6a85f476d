package cli

import (
	"github.com/spf13/cobra"

	"github.com/collectiverpc/collective/cmd/collector/internal/cli/completion"
	"github.com/collectiverpc/collective/cmd/collector/internal/cli/remote"
	"github.com/collectiverpc/collective/cmd/collector/internal/cli/render"
)

// newRoot is the command tree. Each command gets the few things it needs; s fills them in when the flags are read.
func newRoot(s *settings) *cobra.Command {
	root := &cobra.Command{
		Use:   "collector",
		Short: "Run a collector, look into the mesh, call its methods",
		Example: `  collector demo                                       # three collectors, linked, with traffic
  collector serve --id a --ns orders --example orders  # run one
  collector status                                     # who is connected
  collector call shop.v1.OrderService/CreateOrder -d '{"sku":"tea","qty":2}'`,
		Version:           buildVersion(),
		SilenceErrors:     true,
		SilenceUsage:      true,
		PersistentPreRunE: func(cmd *cobra.Command, _ []string) error { return s.prepare(cmd) },
	}
	root.SetIn(s.streams.In)
	root.SetOut(s.streams.Out)
	root.SetErr(s.streams.Err)
	root.CompletionOptions.DisableDefaultCmd = true
	root.SetVersionTemplate("{{.Version}}\n")
	root.Flags().Bool("version", false, "print the version of this binary") // without the -v that cobra would give it
	s.add(root.PersistentFlags())
	completion.Words(root, "protocol", remote.Protocols...)
	completion.Words(root, "output", render.Formats...)
	addCommands(root, s)
	addTopics(root)
	strictHelp(root)
	return root
}

// group are commands that help lists together.
type group struct {
	id, title string
	commands  []*cobra.Command
}

func addCommands(root *cobra.Command, s *settings) {
	streams, out, target := s.streams, s.out, s.target
	complete := &completion.Completer{Target: target, Prepare: s.prepare}
	help := group{"help", "Help:", []*cobra.Command{
		checkCommand(out, target), policyCommand(out, target, complete), configCommand(out), consoleCommand(streams, out, target), contextCommand(s),
		completionCommand(out), versionCommand(out), keysCommand(out), trustCommand(out, target, complete),
	}}
	for _, g := range []group{
		{"start", "Start:", []*cobra.Command{demoCommand(streams, out), serveCommand(streams, out, target), pkiCommand(out)}},
		{"look", "Look:", []*cobra.Command{
			statusCommand(out, target), connectionsCommand(out, target, complete), servicesCommand(streams, out, target, complete),
			routeCommand(out, target, complete), tapCommand(out, target, complete), topCommand(streams, out, target),
			auditCommand(out, target), whoamiCommand(out, target),
		}},
		{"act", "Act:", []*cobra.Command{
			connectCommand(out, target, complete), disconnectCommand(out, target, complete), callCommand(streams, out, target, complete),
			benchCommand(streams, out, target, complete), dispatchCommand(streams, out, target, complete),
		}},
		help,
	} {
		root.AddGroup(&cobra.Group{ID: g.id, Title: g.title})
		for _, command := range g.commands {
			command.GroupID = g.id
			root.AddCommand(command)
		}
	}
	root.SetHelpCommandGroupID(help.id)
}
