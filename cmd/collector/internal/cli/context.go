package cli

import (
	"cmp"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/collectiverpc/collective/cmd/collector/internal/cli/contexts"
	"github.com/collectiverpc/collective/cmd/collector/internal/cli/envflag"
	"github.com/collectiverpc/collective/cmd/collector/internal/cli/failure"
	"github.com/collectiverpc/collective/cmd/collector/internal/cli/remote"
	"github.com/collectiverpc/collective/cmd/collector/internal/cli/render"
)

func contextCommand(s *settings) *cobra.Command {
	list := func(*cobra.Command, []string) error {
		file, err := contexts.Load(s.streams.Env)
		if err != nil {
			return err
		}
		return s.out.Show(contextsView(file))
	}
	parent := &cobra.Command{
		Use:   "context",
		Short: "Manage named collectors",
		Long: "A context is a named collector: its URL, protocol, certificates, timeout and headers. Commands ask the current one\n" +
			"unless -s, --context or COLLECTOR_URL says otherwise. Headers are sent to the context's own server only; of two with\n" +
			"one name that of the command line wins. The file can be read by its owner only.",
		Example: "  collector context add west -s https://west.example.com --cacert ca.pem\n" +
			"  collector context add east -s https://east.example.com -H 'Authorization: Bearer …'\n" +
			"  collector context use east\n  collector context use -     # the one before",
		Args: noArgs,
		RunE: list,
	}
	parent.AddCommand(
		&cobra.Command{Use: "ls", Short: "List the named collectors", Args: noArgs, RunE: list},
		changeContext(s, "add NAME", "Save -s and the connection flags under a name", func(set *pflag.FlagSet, file *contexts.File, name string) error {
			if err := checkContext(s, set); err != nil {
				return err
			}
			return file.Add(name, set)
		}),
		changeContext(s, "use NAME|-", "Make a context the current one; - is the one before", func(_ *pflag.FlagSet, file *contexts.File, name string) error {
			return file.Use(name)
		}),
		changeContext(s, "rm NAME", "Forget a context", func(_ *pflag.FlagSet, file *contexts.File, name string) error {
			return file.Remove(name)
		}),
	)
	return parent
}

// changeContext makes a command that changes the file and then lists it. It must work while the current context is
// broken, so it does not apply one.
func changeContext(s *settings, use, short string, change func(*pflag.FlagSet, *contexts.File, string) error) *cobra.Command {
	return &cobra.Command{
		Use: use, Short: short, Args: takes(1, 1), ValidArgsFunction: completeContexts(s.streams.Env),
		PersistentPreRunE: func(cmd *cobra.Command, _ []string) error {
			if cmd.Flags().Changed("context") {
				return failure.Usagef("--context %s is for commands that ask a collector: %s", s.context, cmd.UseLine())
			}
			return s.check(cmd.Flags(), "")
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			file, err := contexts.Load(s.streams.Env)
			if err != nil {
				return err
			}
			if err := change(cmd.Flags(), file, args[0]); err != nil {
				return err
			}
			if err := file.Save(s.streams.Env); err != nil {
				return err
			}
			return s.out.Show(contextsView(file))
		},
	}
}

// checkContext refuses what no command could use. The environment counts as it does for them.
func checkContext(s *settings, set *pflag.FlagSet) error {
	if err := envflag.Apply(set, s.streams.Env); err != nil {
		return err
	}
	if err := s.check(set, ""); err != nil {
		return err
	}
	_, serverErr := remote.ParseServer(s.target.Server)
	_, tlsErr := s.target.TLS()
	return cmp.Or(serverErr, tlsErr)
}

func contextsView(file *contexts.File) render.View {
	v := render.View{Document: file.Shown(), Columns: render.Columns("CONTEXT", "CURRENT", "SERVER", "PROTOCOL", "HEADERS")}
	for _, name := range file.Names() {
		saved := file.Contexts[name]
		current := render.Pair("", "false")
		if name == file.Current {
			current = render.Pair("*", "true")
		}
		var headers []string
		for _, header := range saved[contexts.HeaderFlag] {
			headers = append(headers, remote.HeaderName(header))
		}
		v.Add(map[string]any{"name": name, "current": name == file.Current, "flags": saved.Shown()},
			render.Text(name), current, render.Text(saved.First("server")),
			render.Text(cmp.Or(saved.First("protocol"), remote.Protocols[0])), render.List(headers))
	}
	return v
}

func completeContexts(env func(string) string) cobra.CompletionFunc {
	return func(_ *cobra.Command, args []string, _ string) ([]string, cobra.ShellCompDirective) {
		file, err := contexts.Load(env)
		if err != nil || len(args) > 0 {
			return nil, cobra.ShellCompDirectiveNoFileComp
		}
		return file.Names(), cobra.ShellCompDirectiveNoFileComp
	}
}
