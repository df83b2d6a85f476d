package cli

import (
	"context"

	"github.com/spf13/cobra"

	"github.com/collectiverpc/collective/cmd/collector/internal/cli/remote"
	"github.com/collectiverpc/collective/cmd/collector/internal/cli/render"
	"github.com/collectiverpc/collective/cmd/collector/internal/cli/views"
	meshv1 "github.com/collectiverpc/collective/gen/collector/mesh/v1"
)

func statusCommand(out *render.Printer, target *remote.Target) *cobra.Command {
	return &cobra.Command{
		Use:   "status",
		Short: "Show this collector and its peers, one line each",
		Example: "  collector status\n  collector status --json | jq .peers\n" +
			"  collector status -o wide     # and how links and callers are authenticated, and the limits",
		Args: noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return target.Ask(cmd.Context(), func(ctx context.Context, s *remote.Session) error {
				res, err := s.Mesh.GetStatus(ctx, &meshv1.GetStatusRequest{})
				if err != nil {
					return err
				}
				return out.Show(views.Status(out, s.URL(), res))
			})
		},
	}
}
