package cli

import (
	"context"

	"github.com/spf13/cobra"

	"github.com/collectiverpc/collective/access"
	"github.com/collectiverpc/collective/cmd/collector/internal/cli/completion"
	"github.com/collectiverpc/collective/cmd/collector/internal/cli/policy"
	"github.com/collectiverpc/collective/cmd/collector/internal/cli/remote"
	"github.com/collectiverpc/collective/cmd/collector/internal/cli/render"
	meshv1 "github.com/collectiverpc/collective/gen/collector/mesh/v1"
)

func policyCommand(out *render.Printer, target *remote.Target, complete *completion.Completer) *cobra.Command {
	parent := &cobra.Command{
		Use:   "policy",
		Short: "Check a policy file, ask what it decides, show the default",
		Long: "Policies say who may do what, in Cedar (docs/policies.md). These commands need no collector: they read the file and\n" +
			"decide as a collector would that is started with it. why --running asks a collector that runs.",
		Example: "  collector policy show > policy.cedar           # begin with the default\n" +
			"  collector policy check policy.cedar\n" +
			"  collector policy why --policy policy.cedar --as 'User::\"alice\"' --ns shop shop.v1.OrderService/CreateOrder",
	}
	parent.AddCommand(policyCheckCommand(out), policyShowCommand(out), policyWhyCommand(out, target, complete))
	return parent
}

func policyCheckCommand(out *render.Printer) *cobra.Command {
	return &cobra.Command{
		Use:     "check FILE",
		Short:   "Say what is wrong with a policy file, or list its policies",
		Example: "  collector policy check policy.cedar",
		Args:    takes(1, 1),
		RunE:    func(_ *cobra.Command, args []string) error { return policy.Check(out, args[0]) },
	}
}

func policyShowCommand(out *render.Printer) *cobra.Command {
	var which policy.Texts
	command := &cobra.Command{
		Use:     "show",
		Short:   "Print the policies that are in force without a file",
		Example: "  collector policy show > policy.cedar\n  collector policy show --schema",
		Args:    noArgs,
		RunE:    func(*cobra.Command, []string) error { return policy.Show(out, which) },
	}
	command.Flags().BoolVar(&which.Schema, "schema", false, "print the schema of policies instead")
	command.Flags().BoolVar(&which.Floor, "floor", false, "print the policies instead that are in force with any file")
	command.MarkFlagsMutuallyExclusive("schema", "floor")
	return command
}

func policyWhyCommand(out *render.Printer, target *remote.Target, complete *completion.Completer) *cobra.Command {
	var q policy.Question
	var running bool
	command := &cobra.Command{
		Use:   "why [SERVICE/METHOD]",
		Short: "Say whether somebody may do something, and which policies decide",
		Long: "Say whether somebody may do something, and which policies decide. Without a method it is asked for the namespace of\n" +
			"--ns, and without that for the mesh itself. With --running a collector answers by the policies that it has in force, which needs\n" +
			"the right to operate there. Denied exits with 71, as a call would.",
		Example: "  collector policy why --as 'User::\"alice\"' --group developers shop.v1.OrderService/CreateOrder\n" +
			"  collector policy why --as anonymous --network loopback shop.v1.OrderService/CreateOrder\n" +
			"  collector policy why --as 'Collector::\"orders-1\"' --action serve --ns shop --policy policy.cedar\n" +
			"  collector policy why --running --as 'User::\"alice\"' shop.v1.OrderService/CreateOrder",
		Args:              takes(0, 1),
		ValidArgsFunction: complete.Args(completion.Methods),
		RunE: func(cmd *cobra.Command, args []string) error {
			if len(args) > 0 {
				q.Procedure = args[0]
			}
			if !running {
				return policy.Why(out, q)
			}
			return target.Ask(cmd.Context(), func(ctx context.Context, s *remote.Session) error {
				return policy.Running(out, q, func(question *meshv1.AccessQuestion) (*meshv1.AccessDecision, error) {
					res, err := s.Operator.ExplainAccess(ctx, &meshv1.ExplainAccessRequest{Question: question})
					return res.GetDecision(), err
				})
			})
		},
	}
	flags := command.Flags()
	flags.StringVar(&q.File, "policy", "", "the policy file (default: the policies without one)")
	flags.BoolVar(&running, "running", false, "ask a collector that runs, by the policies that it has in force")
	flags.StringVar(&q.As, "as", access.Nobody.ID, `who asks, as User::"alice"`)
	flags.StringArrayVar(&q.Groups, "group", nil, "a group that it is in; may be repeated")
	flags.StringVar(&q.Action, "action", access.Call.String(), "what is asked for: call, describe, observe, serve, register, force or operate")
	flags.StringVar(&q.Namespace, "ns", "", "the namespace")
	flags.StringVar(&q.Origin.Network, "network", access.NetworkRemote, "where it is asked: loopback, socket, process or remote")
	flags.BoolVar(&q.Origin.TLS, "tls", false, "asked over TLS")
	flags.StringVar(&q.Origin.Entrance, "entrance", "native", "how it comes in: native, dispatch, serve, link or process")
	flags.StringVar(&q.Origin.Via, "via", "", "the collector that brings it over a link")
	flags.BoolVar(&q.Anonymous, "allow-anonymous", false, "decide as with serve --allow-anonymous")
	command.MarkFlagsMutuallyExclusive("running", "policy")
	command.MarkFlagsMutuallyExclusive("running", "allow-anonymous")
	return command
}
