package cli

import (
	"context"

	"github.com/spf13/cobra"

	"github.com/collectiverpc/collective/cmd/collector/internal/cli/remote"
	"github.com/collectiverpc/collective/cmd/collector/internal/cli/render"
	"github.com/collectiverpc/collective/cmd/collector/internal/cli/terminal"
	meshv1 "github.com/collectiverpc/collective/gen/collector/mesh/v1"
)

func consoleCommand(streams terminal.Streams, out *render.Printer, target *remote.Target) *cobra.Command {
	var printOnly bool
	command := &cobra.Command{
		Use:     "console",
		Short:   "Open the console in a browser, or print its address",
		Long:    "Print the address of a collector's console and, on a terminal, open it in the browser.",
		Example: "  collector console\n  collector console --print",
		Args:    noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return target.Ask(cmd.Context(), func(ctx context.Context, s *remote.Session) error {
				url, err := consoleURL(ctx, s)
				if err != nil {
					return err
				}
				if err := showURL(out, url); err != nil || printOnly || !streams.OutTerminal || out.Structured() {
					return err
				}
				streams.Browse(url, out.Note)
				return nil
			})
		},
	}
	command.Flags().BoolVar(&printOnly, "print", false, "only print the address")
	return command
}

func consoleURL(ctx context.Context, s *remote.Session) (string, error) {
	if _, err := s.Mesh.GetStatus(ctx, &meshv1.GetStatusRequest{}); err != nil {
		return "", err // it explains better than a missing page what is there instead
	}
	return s.ConsoleURL(ctx)
}

// showURL prints an address so that it can be copied: without a title.
func showURL(out *render.Printer, url string) error {
	if out.Structured() {
		return out.Show(render.View{Document: map[string]string{"url": url}})
	}
	return out.Print(url + "\n")
}
