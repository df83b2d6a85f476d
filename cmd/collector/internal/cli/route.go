package cli

import (
	"context"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	meshv1 "github.com/collectiverpc/collective/gen/collector/mesh/v1"
)

func (a *app) routeCommand() *cobra.Command {
	var target string
	command := &cobra.Command{
		Use:   "route [NAMESPACE] SERVICE/METHOD",
		Short: "Show which collector would handle a call, and why; no call is made",
		Long: "Show which collector would handle a call, and why. It is the router's own verdict; no call is made.\n" +
			"A number is the place in the router's order; no number means not considered.",
		Example: "  collector route orders shop.v1.OrderService/CreateOrder\n" +
			"  collector route OrderService/CreateOrder --to c",
		Args:              takes(1, 2),
		ValidArgsFunction: a.completeMethods,
		RunE: func(cmd *cobra.Command, args []string) error {
			namespace := strings.Join(args[:len(args)-1], "")
			return a.explainRoute(cmd.Context(), namespace, args[len(args)-1], target)
		},
	}
	command.Flags().StringVar(&target, "to", "", "the collector the call is to run on")
	a.completeFlag(command, "to", collectorIDs)
	return command
}

func (a *app) explainRoute(ctx context.Context, namespace, method, target string) error {
	service, method, err := splitMethod(method)
	if err != nil {
		return err
	}
	return a.withSession(ctx, func(ctx context.Context, s *session) error {
		res, err := s.mesh.ExplainRoute(ctx, &meshv1.ExplainRouteRequest{
			Namespace: namespace, ServiceName: service, MethodName: method, TargetCollectorId: target,
		})
		if err != nil {
			return err
		}
		if err := a.show(routeView(res)); err != nil {
			return err
		}
		if refused := routeFailure(res); refused != nil {
			return s.orService(ctx, refused, service, method)
		}
		return nil
	})
}

func routeView(res *meshv1.ExplainRouteResponse) view {
	v := view{
		document: res,
		columns: []column{
			{title: "#"}, {title: "KIND"}, {title: "COLLECTOR", name: true}, {title: "", state: true}, {title: "WHY"},
		},
	}
	if res.GetProcedure() != "" {
		v.heading = res.GetProcedure() + " in namespace " + res.GetNamespace()
	}
	for _, candidate := range res.GetCandidates() {
		v.items = append(v.items, candidate)
		v.rows = append(v.rows, candidateRow(candidate, res.GetChosenCollectorId()))
	}
	return v
}

func candidateRow(candidate *meshv1.Candidate, chosen string) []cell {
	rank, kind, verdict, why := cell{"", "0"}, "peer", "no", candidate.GetReason()
	if candidate.GetRank() > 0 {
		rank = text(strconv.Itoa(int(candidate.GetRank())))
	}
	if candidate.GetLocal() {
		kind = "local"
	}
	if candidate.GetEligible() {
		verdict = "YES"
	}
	human := why
	if candidate.GetCollectorId() == chosen {
		human += "  ← chosen"
	}
	return []cell{rank, text(kind), text(candidate.GetCollectorId()), text(verdict), {human, why}}
}

// nameReasons are the refusals that are about the names in the command, not about the mesh.
var nameReasons = map[string]bool{
	"invalid_request": true, "namespace_unknown": true, "namespace_ambiguous": true,
	"service_ambiguous": true, "method_unknown": true,
}

// routeFailure is what a call would fail with; nil if it has somewhere to go.
func routeFailure(res *meshv1.ExplainRouteResponse) *failure {
	if res.GetCode() == "" {
		return nil
	}
	code := codeOf(res.GetCode())
	f := &failure{
		exit: exitOfCode(code), code: res.GetCode(), what: res.GetMessage(),
		details: map[string]string{"reason": res.GetReason()},
	}
	if nameReasons[res.GetReason()] {
		f.exit = exitUsage
		if res.GetReason() == "namespace_ambiguous" {
			f.hint("say which one: call --ns NAMESPACE, route NAMESPACE SERVICE/METHOD")
		}
		return f.hint("collector services")
	}
	return f
}
