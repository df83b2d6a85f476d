package cli

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"connectrpc.com/connect/v2"
	"github.com/spf13/cobra"

	meshv1 "github.com/collectiverpc/collective/gen/collector/mesh/v1"
)

func (a *app) servicesCommand() *cobra.Command {
	var namespace string
	list := func(cmd *cobra.Command, _ []string) error { return a.listServices(cmd.Context(), namespace) }
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
		a.completeFlag(command, "ns", namespacesOf)
	}
	parent.AddCommand(ls, a.describeCommand(), a.registerCommand(), a.checkSchemaCommand())
	return parent
}

func (a *app) listServices(ctx context.Context, namespace string) error {
	return a.withSession(ctx, func(ctx context.Context, s *session) error {
		res, err := s.mesh.ListServices(ctx, &meshv1.ListServicesRequest{Namespace: namespace})
		if err != nil && connect.CodeOf(err) != connect.CodeNotFound {
			return err
		}
		unhosted := s.unhosted(ctx, namespace, res)
		if err != nil && len(unhosted) == 0 {
			return err // a namespace that nobody is in and that has nothing registered
		}
		return a.show(servicesView(res, unhosted))
	})
}

// servicesView shows what can be called, and after it what is registered and hosted by nobody.
func servicesView(res *meshv1.ListServicesResponse, unhosted []*meshv1.Service) view {
	all := &meshv1.ListServicesResponse{Services: slices.Concat(res.GetServices(), unhosted)}
	v := view{
		document: all,
		columns: []column{
			{title: "METHOD"}, {title: "NAMESPACE"}, {title: "KIND"}, {title: "SERVED BY"},
			{title: "INPUT", wide: true}, {title: "OUTPUT", wide: true}, {title: "SCHEMA"}, {title: "DIFFERENCE", wide: true},
		},
	}
	for _, service := range all.GetServices() {
		v.items = append(v.items, service)
		for _, method := range service.GetMethods() {
			v.rows = append(v.rows, []cell{
				text(service.GetName() + "/" + method.GetName()), text(service.GetNamespace()),
				text(methodKind(method)), servers(method.GetCollectorIds()), typeCell(method.GetInputType()),
				typeCell(method.GetOutputType()), skewCell(method.GetSkews()), differenceCell(method.GetSkews()),
			})
		}
	}
	if hasUncalled(res) {
		v.notes = []string{"calls do not go where the schema is incompatible or unknown; what differs: collector services -o wide"}
	}
	if len(unhosted) > 0 {
		v.notes = append(v.notes, fmt.Sprintf("served by nobody: %s registered, and no collector hosts them; a program does with RegisterImplementation or RegisterDynamic",
			plural(len(unhosted), "service")))
	}
	if len(v.rows) == 0 {
		v.notes = []string{"no services: start a collector with some, such as collector serve --example orders"}
	}
	return v
}

// servers are the collectors that host a method.
func servers(ids []string) cell {
	if len(ids) == 0 {
		return cell{"nobody", ""}
	}
	return list(ids)
}

// methodKind is the shape of a method in a word; untyped ones are the seed's.
func methodKind(method *meshv1.Method) string {
	switch {
	case method.GetClientStreaming() && method.GetServerStreaming():
		return "bidi"
	case method.GetClientStreaming():
		return "client stream"
	case method.GetServerStreaming():
		return "server stream"
	case method.GetInputType() == "":
		return "untyped"
	}
	return "unary"
}

func typeCell(name string) cell {
	if name == "" {
		return cell{none, ""}
	}
	return text(name)
}

func (a *app) describeCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "describe SERVICE|METHOD|MESSAGE|ENUM",
		Short: "Show a symbol as proto source",
		Example: "  collector services describe shop.v1.OrderService\n" +
			"  collector services describe shop.v1.CreateOrderRequest",
		Args:              takes(1, 1),
		ValidArgsFunction: a.completeMethods,
		RunE: func(cmd *cobra.Command, args []string) error {
			return a.withSession(cmd.Context(), func(ctx context.Context, s *session) error {
				return s.describe(ctx, args[0])
			})
		},
	}
}

func (s *session) describe(ctx context.Context, symbol string) error {
	known, err := s.meshSchema(ctx)
	if err != nil {
		return err
	}
	found, err := known.find(strings.ReplaceAll(strings.TrimPrefix(symbol, "/"), "/", "."))
	if err != nil {
		return err
	}
	source := protoSource(found, known.extensionsOf(found.FullName()))
	if format := s.app.format(); format == formatJSON || format == formatLines {
		return s.app.show(view{document: map[string]string{"symbol": string(found.FullName()), "source": source}})
	}
	return s.app.print(source)
}
