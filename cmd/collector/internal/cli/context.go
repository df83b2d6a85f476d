package cli

import (
	"slices"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

func (a *app) contextCommand() *cobra.Command {
	list := func(*cobra.Command, []string) error { return a.listContexts() }
	parent := &cobra.Command{
		Use:   "context",
		Short: "Manage named collectors",
		Long: "A context is a named collector: its URL, protocol and certificates. Commands ask the current one unless -s,\n" +
			"--context or COLLECTOR_URL says otherwise.",
		Example: "  collector context add west -s https://west.example.com --cacert ca.pem\n" +
			"  collector context use west\n  collector context use -     # the one before",
		Args: noArgs,
		RunE: list,
	}
	parent.AddCommand(
		&cobra.Command{Use: "ls", Short: "List the named collectors", Args: noArgs, RunE: list},
		a.changeContext("add NAME", "Save -s and the connection flags under a name", func(cmd *cobra.Command, file *contextFile, name string) error {
			return file.add(name, cmd.Flags())
		}),
		a.changeContext("use NAME|-", "Make a context the current one; - is the one before", func(_ *cobra.Command, file *contextFile, name string) error {
			return file.use(name)
		}),
		a.changeContext("rm NAME", "Forget a context", func(_ *cobra.Command, file *contextFile, name string) error {
			return file.remove(name)
		}),
	)
	return parent
}

// changeContext makes a command that changes the file and then lists it. It must work while the current context is
// broken, so it does not apply one.
func (a *app) changeContext(use, short string, change func(*cobra.Command, *contextFile, string) error) *cobra.Command {
	return &cobra.Command{
		Use: use, Short: short, Args: takes(1, 1), ValidArgsFunction: a.completeContexts,
		PersistentPreRunE: func(cmd *cobra.Command, _ []string) error { return a.checkFlags(cmd.Flags()) },
		RunE: func(cmd *cobra.Command, args []string) error {
			file, err := a.loadContexts()
			if err != nil {
				return err
			}
			if err := change(cmd, file, args[0]); err != nil {
				return err
			}
			if err := a.saveContexts(file); err != nil {
				return err
			}
			return a.showContexts(file)
		},
	}
}

func (f *contextFile) add(name string, flags *pflag.FlagSet) error {
	if name == "-" || name == "" {
		return usagef("%q cannot be the name of a context", name)
	}
	if _, err := parseServer(flags.Lookup("server").Value.String()); err != nil {
		return err
	}
	saved := savedContext{"server": flags.Lookup("server").Value.String()}
	for _, flag := range contextFlags {
		if flags.Changed(flag) {
			saved[flag] = flags.Lookup(flag).Value.String()
		}
	}
	f.Contexts[name] = saved
	if f.Current == "" {
		f.Current = name
	}
	return nil
}

func (f *contextFile) remove(name string) error {
	if _, ok := f.Contexts[name]; !ok {
		return usagef("no context %q", name).hint("collector context ls")
	}
	delete(f.Contexts, name)
	if f.Current == name {
		f.Current = ""
	}
	if f.Previous == name {
		f.Previous = ""
	}
	return nil
}

func (a *app) listContexts() error {
	file, err := a.loadContexts()
	if err != nil {
		return err
	}
	return a.showContexts(file)
}

func (a *app) showContexts(file *contextFile) error {
	v := view{
		document: file,
		columns:  []column{{title: "CONTEXT"}, {title: "CURRENT"}, {title: "SERVER"}, {title: "PROTOCOL"}},
	}
	for _, name := range file.names() {
		saved := file.Contexts[name]
		current := cell{"", "false"}
		if name == file.Current {
			current = cell{"*", "true"}
		}
		protocol := saved["protocol"]
		if protocol == "" {
			protocol = protocols[0]
		}
		v.items = append(v.items, map[string]any{"name": name, "current": name == file.Current, "flags": saved})
		v.rows = append(v.rows, []cell{text(name), current, text(saved["server"]), text(protocol)})
	}
	return a.show(v)
}

func (a *app) completeContexts(_ *cobra.Command, args []string, _ string) ([]string, cobra.ShellCompDirective) {
	file, err := a.loadContexts()
	if err != nil || len(args) > 0 {
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
	return slices.Clone(file.names()), cobra.ShellCompDirectiveNoFileComp
}
