package cli

import (
	"context"
	"net/url"

	"connectrpc.com/connect/v2"
	"github.com/spf13/cobra"

	"github.com/collectiverpc/collective/cmd/collector/internal/cli/completion"
	"github.com/collectiverpc/collective/cmd/collector/internal/cli/remote"
	"github.com/collectiverpc/collective/cmd/collector/internal/cli/render"
	"github.com/collectiverpc/collective/cmd/collector/internal/cli/terminal"
	meshv1 "github.com/collectiverpc/collective/gen/collector/mesh/v1"
	"github.com/collectiverpc/collective/mesh"
)

func consoleCommand(streams terminal.Streams, out *render.Printer, target *remote.Target) *cobra.Command {
	var printOnly bool
	var as string
	command := &cobra.Command{
		Use:   "console",
		Short: "Open the console in a browser, or print a link that logs in",
		Long: "Print a link to a collector's console and, on a terminal, open it in the browser. The link logs one browser in, with your\n" +
			"rights, within 10 minutes; it is a secret until then. For that you need the right to operate: the user who runs the\n" +
			"collector has it on its machine. Others, and -o json, get the address alone.",
		Example: "  collector console\n  collector console --print\n  collector console --as observe     # a session that only looks",
		Args:    noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return target.Ask(cmd.Context(), func(ctx context.Context, s *remote.Session) error {
				address, err := s.ConsoleURL(ctx)
				if err != nil {
					return err
				}
				if out.Structured() {
					return out.Show(render.View{Document: map[string]string{"url": address}})
				}
				link, err := loginLink(ctx, out, s, address, as)
				if err != nil {
					return err
				}
				if err := out.Print(link + "\n"); err != nil || printOnly || !streams.OutTerminal {
					return err
				}
				streams.Browse(link, out.Note)
				return nil
			})
		},
	}
	command.Flags().BoolVar(&printOnly, "print", false, "only print the link")
	command.Flags().StringVar(&as, "as", "", "what the session may do: observe, or all that you may")
	completion.Words(command, "as", "observe")
	return command
}

// loginLink is the address of a console with a token that logs in. Whoever may not make one gets the address.
func loginLink(ctx context.Context, out *render.Printer, s *remote.Session, address, as string) (string, error) {
	made, err := s.Operator.CreateLogin(ctx, &meshv1.CreateLoginRequest{As: as})
	switch connect.CodeOf(err) {
	case connect.CodePermissionDenied, connect.CodeUnauthenticated:
		out.Note("# this link does not log in: %s; run it as the user of the collector, on its machine", remote.RootCause(err))
		return address, nil
	}
	if err != nil {
		return "", err
	}
	return address + "?" + url.Values{mesh.LoginToken: {made.GetToken()}}.Encode(), nil
}
