package cli

import (
	"cmp"
	"path/filepath"
	"slices"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

func (a *app) contextCommand() *cobra.Command {
	list := func(*cobra.Command, []string) error { return a.listContexts() }
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
		a.changeContext("add NAME", "Save -s and the connection flags under a name", func(cmd *cobra.Command, file *contextFile, name string) error {
			return a.addContext(file, name, cmd.Flags())
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
		PersistentPreRunE: func(cmd *cobra.Command, _ []string) error {
			if cmd.Flags().Changed("context") {
				return usagef("--context %s is for commands that ask a collector: %s", a.flags.context, cmd.UseLine())
			}
			return a.checkFlags(cmd.Flags())
		},
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

// addContext saves what the flags and the environment say now.
func (a *app) addContext(f *contextFile, name string, flags *pflag.FlagSet) error {
	if name == "-" || name == "" {
		return usagef("%q cannot be the name of a context", name)
	}
	if err := a.applyEnv(flags); err != nil {
		return err
	}
	if err := a.checkConnection(flags); err != nil {
		return err
	}
	saved := savedContext{"server": {a.flags.server}}
	for _, flag := range contextFlags {
		if flags.Changed(flag) {
			saved[flag] = flagValues{flags.Lookup(flag).Value.String()}
		}
	}
	if len(a.flags.headers) > 0 {
		saved[headerFlag] = a.flags.headers
	}
	if err := saved.absolute(); err != nil {
		return err
	}
	f.Contexts[name] = saved
	if f.Current == "" {
		f.Current = name
	}
	return nil
}

// checkConnection refuses what no command could use.
func (a *app) checkConnection(flags *pflag.FlagSet) error {
	if err := a.checkFlags(flags); err != nil {
		return err
	}
	if _, err := parseServer(a.flags.server); err != nil {
		return err
	}
	_, err := a.tlsConfig()
	return err
}

// absolute makes files be found from any directory.
func (c savedContext) absolute() error {
	for _, flag := range []string{"cacert", "cert", "key"} {
		for i, path := range c[flag] {
			absolute, err := filepath.Abs(path)
			if err != nil {
				return failuref("--%s: %v", flag, err)
			}
			c[flag][i] = absolute
		}
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
		document: file.shown(),
		columns:  []column{{title: "CONTEXT"}, {title: "CURRENT"}, {title: "SERVER"}, {title: "PROTOCOL"}, {title: "HEADERS"}},
	}
	for _, name := range file.names() {
		saved := file.Contexts[name]
		current := cell{"", "false"}
		if name == file.Current {
			current = cell{"*", "true"}
		}
		protocol := cmp.Or(saved.first("protocol"), protocols[0])
		var headers []string
		for _, header := range saved[headerFlag] {
			headers = append(headers, headerName(header))
		}
		v.items = append(v.items, map[string]any{"name": name, "current": name == file.Current, "flags": saved.shown()})
		v.rows = append(v.rows, []cell{text(name), current, text(saved.first("server")), text(protocol), list(headers)})
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
