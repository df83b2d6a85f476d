package cli

import (
	"context"

	"github.com/spf13/cobra"

	"github.com/collectiverpc/collective/gen/collector"
	meshv1 "github.com/collectiverpc/collective/gen/collector/mesh/v1"
)

func (a *app) connectCommand() *cobra.Command {
	var namespaces []string
	command := &cobra.Command{
		Use:     "connect ADDRESS",
		Short:   "Connect the collector to another one",
		Long:    "Make the collector dial another one at host:port. Calls then go both ways in the namespaces that both have.",
		Example: "  collector connect 127.0.0.1:50052\n  collector connect 127.0.0.1:50052 --ns orders",
		Args:    takes(1, 1),
		RunE: func(cmd *cobra.Command, args []string) error {
			return a.withSession(cmd.Context(), func(ctx context.Context, s *session) error {
				res, err := s.mesh.ConnectTo(ctx, &meshv1.ConnectToRequest{Address: args[0], Namespaces: namespaces})
				if err != nil {
					return err
				}
				return a.show(a.connectedView(res))
			})
		},
	}
	command.Flags().StringSliceVar(&namespaces, "ns", nil, "namespaces to offer (default all of the collector's)")
	a.completeFlag(command, "ns", namespacesOf)
	return command
}

func (a *app) connectedView(res *meshv1.ConnectToResponse) view {
	v := a.connectionsView(res, []*collector.Connection{res.GetConnection()})
	if len(res.GetConnection().GetSharedNamespaces()) == 0 {
		v.notes = []string{"the two share no namespace, so no calls will cross: start them with one in common (--ns)"}
	}
	return v
}

func (a *app) disconnectCommand() *cobra.Command {
	var reason string
	command := &cobra.Command{
		Use:               "disconnect CONNECTION|COLLECTOR",
		Short:             "Close a connection for good",
		Example:           "  collector disconnect b\n  collector disconnect c-7f2a9c0de144 --reason 'moving house'",
		Args:              takes(1, 1),
		ValidArgsFunction: a.completeConnections,
		RunE: func(cmd *cobra.Command, args []string) error {
			return a.withSession(cmd.Context(), func(ctx context.Context, s *session) error {
				return s.disconnect(ctx, args[0], reason)
			})
		},
	}
	command.Flags().StringVar(&reason, "reason", "closed by hand", "kept with the connection")
	return command
}

func (s *session) disconnect(ctx context.Context, which, reason string) error {
	id, err := s.connectionID(ctx, which)
	if err != nil {
		return err
	}
	res, err := s.mesh.Disconnect(ctx, &meshv1.DisconnectRequest{ConnectionId: id, Reason: reason})
	if err != nil {
		return err
	}
	return s.app.show(s.app.connectionsView(res, []*collector.Connection{res.GetConnection()}))
}

// connectionID takes the id of a connection or of the collector at its other end.
func (s *session) connectionID(ctx context.Context, which string) (string, error) {
	res, err := s.mesh.GetStatus(ctx, &meshv1.GetStatusRequest{})
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
