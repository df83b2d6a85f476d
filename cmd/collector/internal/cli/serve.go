package cli

import (
	"context"

	"github.com/spf13/cobra"

	"github.com/collectiverpc/collective/cmd/collector/internal/cli/completion"
	"github.com/collectiverpc/collective/cmd/collector/internal/cli/config"
	"github.com/collectiverpc/collective/cmd/collector/internal/cli/remote"
	"github.com/collectiverpc/collective/cmd/collector/internal/cli/render"
	"github.com/collectiverpc/collective/cmd/collector/internal/cli/serve"
	"github.com/collectiverpc/collective/cmd/collector/internal/cli/terminal"
	"github.com/collectiverpc/collective/cmd/collector/internal/host"
	meshv1 "github.com/collectiverpc/collective/gen/collector/mesh/v1"
)

func serveCommand(streams terminal.Streams, out *render.Printer, target *remote.Target) *cobra.Command {
	flags := new(serve.Flags)
	command := &cobra.Command{
		Use:   "serve",
		Short: "Run a collector",
		Long: "Run a collector: RPC, and links to other collectors, on one port. Without TLS it listens on loopback only. When\n" +
			"stdout is no terminal, one JSON line there says that it is ready and where. Logs go to stderr. Ctrl-C or SIGTERM\n" +
			"drains it, a second one kills it. SIGHUP has it read its files again; they are followed without it, too.\n\n" +
			"--cacert, --cert, --key and --insecure are for the collectors it dials; with one of them it dials with TLS.\n\n" +
			"With --pki DIR, see collector pki, it serves and dials with TLS, and collectors prove to each other who they are: a link\n" +
			"needs certificates at both ends, each with the URI spiffe://NAME/collector/ID and no other. Clients call without one.\n" +
			"--tls-client-ca and --trust-domain do the same with certificates from elsewhere.\n\n" +
			"On this machine callers need no name to call, and beyond it they do: a certificate (collector pki issue --user NAME), an\n" +
			"API key (--api-keys), or a token (--oidc-issuer). --policy says who may do what; collector policy has more.\n\n" +
			"Every flag can be set by a variable, COLLECTOR_TLS_CERT for --tls-cert, and by the file of --config: see collector config.",
		Example: `  collector serve --id a --ns users,orders --example users
  collector serve --id b --listen 127.0.0.1:50052 --ns orders --example orders --join 127.0.0.1:50051
  collector serve --config collector.yaml              # all of it in a file
  collector serve --id a --history 100000              # finished calls survive a restart
  collector serve --listen :50051 --tls-cert cert.pem --tls-key key.pem
  collector serve --id a --listen :50051 --tls-cert cert.pem --tls-key key.pem --api-keys api-keys --policy policy.cedar
  collector serve --id a --listen :50051 --trust-domain mesh.example \
    --tls-cert a.pem --tls-key a.key --tls-client-ca ca.pem --cert a.pem --key a.key --cacert ca.pem`,
		Args: noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			source, err := config.Load(cmd.Flags())
			if err != nil {
				return err
			}
			s := &serve.Serve{Streams: streams, Out: out, Target: target, Version: buildVersion(), List: listAllConnections}
			return s.Run(cmd.Context(), flags, source)
		},
	}
	flags.Add(command.Flags())
	completeServe(command)
	return command
}

func listAllConnections(ctx context.Context, out *render.Printer, target *remote.Target) error {
	return listConnections(ctx, out, target, &meshv1.ListConnectionsRequest{})
}

func configCommand(out *render.Printer) *cobra.Command {
	parent := &cobra.Command{
		Use:   "config",
		Short: "Check a configuration file, show what is in force",
		Long: "The file of `collector serve --config`: YAML or JSON with a field for each flag of serve, named like it with _ for -\n" +
			"(docs/configuration.md). A flag on the command line wins over its variable, that over the file, and the file over the default.\n" +
			"These commands need no collector.",
		Example: "  collector config show -o yaml > collector.yaml   # begin with the defaults\n" +
			"  collector config check collector.yaml\n  collector serve --config collector.yaml",
	}
	parent.AddCommand(configCheckCommand(out), configShowCommand(out))
	return parent
}

func configCheckCommand(out *render.Printer) *cobra.Command {
	return &cobra.Command{
		Use:   "check FILE",
		Short: "Say what is wrong with a configuration file, or list what it sets",
		Long: "Say all that is wrong with a configuration file, each with its line and field and what to do, or list what it sets. It is\n" +
			"judged by itself, without flags and variables, and the files that it names are not read. A problem exits with 1.",
		Example: "  collector config check collector.yaml",
		Args:    takes(1, 1),
		RunE: func(_ *cobra.Command, args []string) error {
			flags := serve.Standard()
			return config.ShowCheck(out, flags, args[0])
		},
	}
}

func configShowCommand(out *render.Printer) *cobra.Command {
	command := &cobra.Command{
		Use:   "show",
		Short: "Show what serve would run with, and where each value comes from",
		Long: "Show what serve would run with, given the same flags here, and where each value comes from: a flag, a variable, a line of\n" +
			"the file, or the default. -o yaml prints a file that says the same.",
		Example: "  collector config show\n  collector config show --config collector.yaml --id b\n" +
			"  collector config show -o yaml > collector.yaml",
		Args:        noArgs,
		Annotations: map[string]string{extraFormat: config.FormatYAML},
		RunE: func(cmd *cobra.Command, _ []string) error {
			source, err := config.Load(cmd.Flags())
			if err != nil {
				return err
			}
			return config.Show(out, source)
		},
	}
	new(serve.Flags).Add(command.Flags())
	completeServe(command)
	return command
}

// completeServe completes the values of the flags of serve.
func completeServe(command *cobra.Command) {
	completion.Words(command, "example", host.ExampleNames()...)
	completion.Words(command, "console", host.ConsoleModes()...)
	completion.Words(command, "log-format", "text", "json")
	completion.Words(command, "log-level", "debug", "info", "warn", "error")
}
