package cli

import (
	"context"
	"strings"

	"github.com/spf13/cobra"

	"github.com/collectiverpc/collective/cmd/collector/internal/cli/call"
	"github.com/collectiverpc/collective/cmd/collector/internal/cli/completion"
	"github.com/collectiverpc/collective/cmd/collector/internal/cli/failure"
	"github.com/collectiverpc/collective/cmd/collector/internal/cli/remote"
	"github.com/collectiverpc/collective/cmd/collector/internal/cli/render"
	"github.com/collectiverpc/collective/cmd/collector/internal/cli/views"
	meshv1 "github.com/collectiverpc/collective/gen/collector/mesh/v1"
)

func routeCommand(out *render.Printer, target *remote.Target, complete *completion.Completer) *cobra.Command {
	var to string
	command := &cobra.Command{
		Use:   "route [NAMESPACE] SERVICE/METHOD",
		Short: "Show which collector would handle a call, and why; no call is made",
		Long: "Show which collector would handle a call, and why. It is the router's own verdict; no call is made.\n" +
			"A number is the place in the router's order; no number means not considered.",
		Example: "  collector route orders shop.v1.OrderService/CreateOrder\n" +
			"  collector route OrderService/CreateOrder --to c",
		Args:              takes(1, 2),
		ValidArgsFunction: complete.Args(completion.Methods),
		RunE: func(cmd *cobra.Command, args []string) error {
			method, err := call.ParseMethod(args[len(args)-1])
			if err != nil {
				return err
			}
			return target.Ask(cmd.Context(), func(ctx context.Context, s *remote.Session) error {
				return showRoute(ctx, out, s, method, call.Options{Namespace: strings.Join(args[:len(args)-1], ""), Target: to})
			})
		},
	}
	command.Flags().StringVar(&to, "to", "", "the collector the call is to run on")
	complete.Flag(command, "to", completion.Collectors)
	return command
}

func showRoute(ctx context.Context, out *render.Printer, s *remote.Session, method call.Method, options call.Options) error {
	res, err := s.Mesh.ExplainRoute(ctx, &meshv1.ExplainRouteRequest{
		Namespace: options.Namespace, ServiceName: method.Service, MethodName: method.Name, TargetCollectorId: options.Target,
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
	return nil
}
