package cli

import (
	"context"

	"github.com/spf13/cobra"

	"github.com/collectiverpc/collective/cmd/collector/internal/cli/completion"
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
			"API key (--api-keys), or a token (--oidc-issuer). --policy says who may do what; collector policy has more.",
		Example: `  collector serve --id a --ns users,orders --example users
  collector serve --id b --listen 127.0.0.1:50052 --ns orders --example orders --join 127.0.0.1:50051
  collector serve --id a --history 100000              # finished calls survive a restart
  collector serve --listen :50051 --tls-cert cert.pem --tls-key key.pem
  collector serve --id a --listen :50051 --tls-cert cert.pem --tls-key key.pem --api-keys api-keys --policy policy.cedar
  collector serve --id a --listen :50051 --trust-domain mesh.example \
    --tls-cert a.pem --tls-key a.key --tls-client-ca ca.pem --cert a.pem --key a.key --cacert ca.pem`,
		Args: noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			s := &serve.Serve{Streams: streams, Out: out, Target: target, Version: buildVersion(), List: listAllConnections}
			return s.Run(cmd.Context(), flags)
		},
	}
	flags.Add(command.Flags())
	completion.Words(command, "example", host.ExampleNames()...)
	completion.Words(command, "console", host.ConsoleModes()...)
	completion.Words(command, "log-format", "text", "json")
	completion.Words(command, "log-level", "debug", "info", "warn", "error")
	return command
}

func listAllConnections(ctx context.Context, out *render.Printer, target *remote.Target) error {
	return listConnections(ctx, out, target, &meshv1.ListConnectionsRequest{})
}
