package cli

import (
	"context"
	"strings"

	"connectrpc.com/connect/v2"
	"github.com/spf13/cobra"

	"github.com/collectiverpc/collective/cmd/collector/internal/cli/completion"
	"github.com/collectiverpc/collective/cmd/collector/internal/cli/remote"
	"github.com/collectiverpc/collective/cmd/collector/internal/cli/render"
	"github.com/collectiverpc/collective/cmd/collector/internal/cli/schema"
	"github.com/collectiverpc/collective/cmd/collector/internal/cli/terminal"
	"github.com/collectiverpc/collective/cmd/collector/internal/cli/views"
	"github.com/collectiverpc/collective/gen/collector"
	meshv1 "github.com/collectiverpc/collective/gen/collector/mesh/v1"
)

func servicesCommand(streams terminal.Streams, out *render.Printer, target *remote.Target, complete *completion.Completer) *cobra.Command {
	var namespace string
	list := func(cmd *cobra.Command, _ []string) error { return listServices(cmd.Context(), out, target, namespace) }
	parent := &cobra.Command{
		Use:   "services",
		Short: "List what can be called: namespaces, services, methods, and who serves them",
		Long: "List what can be called: namespaces, services, methods, and who serves them. What is registered and\n" +
			"served by nobody is listed too; calls of it fail.\n\n" +
			"SCHEMA names the collectors whose schema of a method is not the one that it has here. Compatible ones are called\n" +
			"all the same, incompatible and unknown ones are not; -o wide says what differs.",
		Example: "  collector services\n  collector services --ns orders\n  collector services describe shop.v1.OrderService",
		Args:    noArgs,
		RunE:    list,
	}
	ls := &cobra.Command{Use: "ls", Short: "The same as collector services", Args: noArgs, RunE: list}
	for _, command := range []*cobra.Command{parent, ls} {
		command.Flags().StringVar(&namespace, "ns", "", "only this namespace")
		complete.Flag(command, "ns", completion.Namespaces)
	}
	parent.AddCommand(
		ls, describeCommand(out, target, complete), registerCommand(streams, out, target, complete),
		checkSchemaCommand(streams, out, target, complete), unregisterCommand(out, target, complete),
	)
	return parent
}

func listServices(ctx context.Context, out *render.Printer, target *remote.Target, namespace string) error {
	return target.Ask(ctx, func(ctx context.Context, s *remote.Session) error {
		res, err := s.Mesh.ListServices(ctx, &meshv1.ListServicesRequest{Namespace: namespace})
		if err != nil && connect.CodeOf(err) != connect.CodeNotFound {
			return err
		}
		unhosted := s.Unhosted(ctx, namespace, res)
		if err != nil && len(unhosted) == 0 {
			return err // a namespace that nobody is in and that has nothing registered
		}
		return out.Show(views.Services(res, unhosted))
	})
}

func describeCommand(out *render.Printer, target *remote.Target, complete *completion.Completer) *cobra.Command {
	return &cobra.Command{
		Use:   "describe SERVICE|METHOD|MESSAGE|ENUM",
		Short: "Show a symbol as proto source",
		Example: "  collector services describe shop.v1.OrderService\n" +
			"  collector services describe shop.v1.CreateOrderRequest",
		Args:              takes(1, 1),
		ValidArgsFunction: complete.Args(completion.Methods),
		RunE: func(cmd *cobra.Command, args []string) error {
			return target.Ask(cmd.Context(), func(ctx context.Context, s *remote.Session) error {
				return describe(ctx, out, s, args[0])
			})
		},
	}
}

func unregisterCommand(out *render.Printer, target *remote.Target, complete *completion.Completer) *cobra.Command {
	var namespace string
	command := &cobra.Command{
		Use:   "unregister SERVICE --ns NAMESPACE",
		Short: "Forget a registered service, with the files that only it needs",
		Long: "Forget a registered service, with the files that only it needs. A service that a program serves goes on being\n" +
			"served, by the schema that the program has.",
		Example: "  collector services unregister shop.v1.OrderService --ns orders",
		Args:    takes(1, 1),
		RunE: func(cmd *cobra.Command, args []string) error {
			return target.Ask(cmd.Context(), func(ctx context.Context, s *remote.Session) error {
				res, err := s.Registry.UnregisterService(ctx,
					&collector.UnregisterServiceRequest{Namespace: namespace, ServiceName: args[0]})
				if err != nil {
					return err
				}
				return out.Show(views.Unregistered(res))
			})
		},
	}
	command.Flags().StringVar(&namespace, "ns", "", "the namespace (required)")
	_ = command.MarkFlagRequired("ns") // the flag is there
	complete.Flag(command, "ns", completion.Namespaces)
	return command
}

func describe(ctx context.Context, out *render.Printer, s *remote.Session, symbol string) error {
	known, err := s.MeshSchema(ctx)
	if err != nil {
		return err
	}
	found, err := known.Find(strings.ReplaceAll(strings.TrimPrefix(symbol, "/"), "/", "."))
	if err != nil {
		return err
	}
	source := schema.Source(found, known.ExtensionsOf(found.FullName()))
	if out.Structured() {
		return out.Show(render.View{Document: map[string]string{"symbol": string(found.FullName()), "source": source}})
	}
	return out.Print(source)
}
