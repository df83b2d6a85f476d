package cli

import (
	"context"
	"strings"

	"github.com/spf13/cobra"

	"github.com/collectiverpc/collective/access"
	"github.com/collectiverpc/collective/cmd/collector/internal/cli/call"
	"github.com/collectiverpc/collective/cmd/collector/internal/cli/completion"
	"github.com/collectiverpc/collective/cmd/collector/internal/cli/failure"
	"github.com/collectiverpc/collective/cmd/collector/internal/cli/policy"
	"github.com/collectiverpc/collective/cmd/collector/internal/cli/remote"
	"github.com/collectiverpc/collective/cmd/collector/internal/cli/render"
	"github.com/collectiverpc/collective/cmd/collector/internal/cli/views"
	meshv1 "github.com/collectiverpc/collective/gen/collector/mesh/v1"
)

func routeCommand(out *render.Printer, target *remote.Target, complete *completion.Completer) *cobra.Command {
	var to string
	var who policy.Question
	command := &cobra.Command{
		Use:   "route [NAMESPACE] SERVICE/METHOD",
		Short: "Show which collector would handle a call, and why; no call is made",
		Long: "Show which collector would handle a call, and why. It is the router's own verdict; no call is made.\n" +
			"A number is the place in the router's order; no number means not considered. With --as it is said too what the policy in force\n" +
			"decides where the call enters and, if that is the same collector, where it runs; that needs the right to operate.",
		Example: "  collector route orders shop.v1.OrderService/CreateOrder\n" +
			"  collector route OrderService/CreateOrder --to c\n" +
			"  collector route OrderService/CreateOrder --as 'User::\"alice\"'     # and what the policy decides",
		Args:              takes(1, 2),
		ValidArgsFunction: complete.Args(completion.Methods),
		RunE: func(cmd *cobra.Command, args []string) error {
			method, err := call.ParseMethod(args[len(args)-1])
			if err != nil {
				return err
			}
			var as *meshv1.AccessQuestion
			if who.As != "" {
				if as, err = who.Asker(); err != nil {
					return err
				}
			}
			return target.Ask(cmd.Context(), func(ctx context.Context, s *remote.Session) error {
				return showRoute(ctx, out, s, method, call.Options{Namespace: strings.Join(args[:len(args)-1], ""), Target: to}, as)
			})
		},
	}
	command.Flags().StringVar(&to, "to", "", "the collector the call is to run on")
	command.Flags().StringVar(&who.As, "as", "", `who would call, as User::"alice" or anonymous`)
	command.Flags().StringArrayVar(&who.Groups, "group", nil, "a group that it is in; may be repeated")
	command.Flags().StringVar(&who.Origin.Network, "network", access.NetworkRemote, "where it would call: loopback, socket, process or remote")
	command.Flags().BoolVar(&who.Origin.TLS, "tls", false, "it would call over TLS")
	complete.Flag(command, "to", completion.Collectors)
	return command
}

func showRoute(
	ctx context.Context, out *render.Printer, s *remote.Session, method call.Method, options call.Options, as *meshv1.AccessQuestion,
) error {
	res, err := s.Mesh.ExplainRoute(ctx, &meshv1.ExplainRouteRequest{
		Namespace: options.Namespace, ServiceName: method.Service, MethodName: method.Name, TargetCollectorId: options.Target, As: as,
	})
	if err != nil {
		return err
	}
	if err := out.Show(views.Route(res)); err != nil {
		return err
	}
	if refused := failure.OfRoute(res); refused != nil {
		return call.Refusal(ctx, s, refused, method)
	}
	return failure.OfDecision(res.GetEntrance())
}
