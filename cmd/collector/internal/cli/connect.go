package cli

import (
	"context"

	"github.com/spf13/cobra"

	"github.com/collectiverpc/collective/cmd/collector/internal/cli/completion"
	"github.com/collectiverpc/collective/cmd/collector/internal/cli/remote"
	"github.com/collectiverpc/collective/cmd/collector/internal/cli/render"
	"github.com/collectiverpc/collective/cmd/collector/internal/cli/views"
	"github.com/collectiverpc/collective/gen/collector"
	meshv1 "github.com/collectiverpc/collective/gen/collector/mesh/v1"
	"github.com/collectiverpc/collective/gen/collector/mesh/v1/meshv1connect"
)

func connectCommand(out *render.Printer, target *remote.Target, complete *completion.Completer) *cobra.Command {
	var namespaces []string
	command := &cobra.Command{
		Use:     "connect ADDRESS",
		Short:   "Connect the collector to another one",
		Long:    "Make the collector dial another one at host:port. Calls then go both ways in the namespaces that both have.",
		Example: "  collector connect 127.0.0.1:50052\n  collector connect 127.0.0.1:50052 --ns orders",
		Args:    takes(1, 1),
		RunE: func(cmd *cobra.Command, args []string) error {
			return target.Ask(cmd.Context(), func(ctx context.Context, s *remote.Session) error {
				res, err := s.Mesh.ConnectTo(ctx, &meshv1.ConnectToRequest{Address: args[0], Namespaces: namespaces})
				if err != nil {
					return err
				}
				return out.Show(connectedView(out, res))
			})
		},
	}
	command.Flags().StringSliceVar(&namespaces, "ns", nil, "namespaces to offer (default all of the collector's)")
	complete.Flag(command, "ns", completion.Namespaces)
	return command
}

func connectedView(out *render.Printer, res *meshv1.ConnectToResponse) render.View {
	v := views.Connections(out, res, []*collector.Connection{res.GetConnection()})
	if len(res.GetConnection().GetSharedNamespaces()) == 0 {
		v.Notes = []string{"the two share no namespace, so no calls will cross: start them with one in common (--ns)"}
	}
	return v
}

func disconnectCommand(out *render.Printer, target *remote.Target, complete *completion.Completer) *cobra.Command {
	var reason string
	command := &cobra.Command{
		Use:               "disconnect CONNECTION|COLLECTOR",
		Short:             "Close a connection for good",
		Example:           "  collector disconnect b\n  collector disconnect c-7f2a9c0de144 --reason 'moving house'",
		Args:              takes(1, 1),
		ValidArgsFunction: complete.OneArg(completion.Collectors),
		RunE: func(cmd *cobra.Command, args []string) error {
			return target.Ask(cmd.Context(), func(ctx context.Context, s *remote.Session) error {
				id, err := connectionID(ctx, s.Mesh, args[0])
				if err != nil {
					return err
				}
				res, err := s.Mesh.Disconnect(ctx, &meshv1.DisconnectRequest{ConnectionId: id, Reason: reason})
				if err != nil {
					return err
				}
				return out.Show(views.Connections(out, res, []*collector.Connection{res.GetConnection()}))
			})
		},
	}
	command.Flags().StringVar(&reason, "reason", "closed by hand", "kept with the connection")
	return command
}

// connectionID takes the id of a connection or of the collector at its other end.
func connectionID(ctx context.Context, mesh meshv1connect.MeshServiceClient, which string) (string, error) {
	res, err := mesh.GetStatus(ctx, &meshv1.GetStatusRequest{})
	if err != nil {
		return "", err
	}
	for _, peer := range res.GetPeers() {
		if peer.GetCollectorId() == which {
			return peer.GetConnectionId(), nil
		}
	}
	return which, nil
}
