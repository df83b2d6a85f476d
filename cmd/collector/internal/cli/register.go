package cli

import (
	"context"
	"slices"

	"connectrpc.com/connect/v2"
	"github.com/spf13/cobra"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/descriptorpb"

	"github.com/collectiverpc/collective/gen/collector"
	meshv1 "github.com/collectiverpc/collective/gen/collector/mesh/v1"
	"github.com/collectiverpc/collective/internal/descriptor"
)

// registering is `services register` and `services check`, which is the same without the deed.
type registering struct {
	namespace string
	roots     []string // of .proto files; see compileImage
	force     bool
}

func (a *app) checkSchemaCommand() *cobra.Command {
	var r registering
	command := &cobra.Command{
		Use:   "check FILE --ns NAMESPACE",
		Short: "Compare a schema with the registered one: every change, and whether it breaks anybody",
		Long:  "Compare a schema with the registered one: every change, and whether it breaks anybody.\n\n" + fileHelp,
		Example: "  collector services check proto/shop/v1/orders.proto --ns orders\n" +
			"  buf build -o image.binpb && collector services check image.binpb --ns orders",
		Args: takes(1, 1),
		RunE: func(cmd *cobra.Command, args []string) error {
			return r.withImage(cmd.Context(), a, args[0], func(ctx context.Context, s *session, m *image) error {
				return r.check(ctx, s, m, args[0])
			})
		},
	}
	a.registeringFlags(command, &r)
	return command
}

func (a *app) registerCommand() *cobra.Command {
	var r registering
	command := &cobra.Command{
		Use:   "register FILE --ns NAMESPACE",
		Short: "Register a schema; one that breaks what is there needs --force",
		Long:  "Register the services of a schema and all they need; one that breaks what is there needs --force.\n\n" + fileHelp,
		Example: "  collector services register proto/shop/v1/orders.proto --ns orders\n" +
			"  buf build -o image.binpb && collector services register image.binpb --ns orders",
		Args: takes(1, 1),
		RunE: func(cmd *cobra.Command, args []string) error {
			return r.withImage(cmd.Context(), a, args[0], func(ctx context.Context, s *session, m *image) error {
				return r.register(ctx, s, m, args[0])
			})
		},
	}
	a.registeringFlags(command, &r)
	command.Flags().BoolVar(&r.force, "force", false, "register it even if it breaks what is there")
	return command
}

// fileHelp is what FILE may be.
const fileHelp = "FILE is a .proto file, which is compiled with all it imports, or an image as buf build -o and\n" +
	"protoc --descriptor_set_out write it, or - for an image from stdin. Of an image those files count that no other one\n" +
	"imports."

func (a *app) registeringFlags(command *cobra.Command, r *registering) {
	command.Flags().StringVar(&r.namespace, "ns", "", "the namespace (required)")
	_ = command.MarkFlagRequired("ns") // the flag is there
	a.completeFlag(command, "ns", namespacesOf)
	command.Flags().StringArrayVarP(&r.roots, "proto-path", "I", nil,
		"where imports of a .proto file begin; repeatable (default: where its package begins)")
}

func (r *registering) withImage(
	ctx context.Context, a *app, path string, ask func(context.Context, *session, *image) error,
) error {
	m, err := a.readImage(ctx, path, r.roots)
	if err != nil {
		return err
	}
	return a.withSession(ctx, func(ctx context.Context, s *session) error { return ask(ctx, s, m) })
}

func (r registering) check(ctx context.Context, s *session, m *image, path string) error {
	report, err := r.send(ctx, s, m, true)
	if err != nil {
		return err
	}
	if err := s.app.show(reportView(report)); err != nil {
		return err
	}
	return r.verdict(report, path)
}

// register asks about the whole image first, so that an image which is refused in one file changes nothing.
func (r registering) register(ctx context.Context, s *session, m *image, path string) error {
	report, err := r.send(ctx, s, m, true)
	if err != nil {
		return err
	}
	if err := r.verdict(report, path); err != nil && !r.force {
		return err
	}
	if report, err = r.send(ctx, s, m, false); err != nil {
		return err
	}
	if err := s.app.show(reportView(report)); err != nil {
		return err
	}
	if res, err := s.mesh.GetStatus(ctx, &meshv1.GetStatusRequest{}); err == nil && res.GetStore().GetPath() == "" {
		s.app.note("# the collector keeps it in memory, and has forgotten it after a restart")
	}
	return nil
}

// send registers every root of an image with what it imports. A dry run is forced, for its report.
func (r registering) send(ctx context.Context, s *session, m *image, dry bool) (*collector.SchemaReport, error) {
	all := new(collector.SchemaReport)
	seen := make(map[string]bool) // files that two roots import are compared twice
	for _, file := range m.roots {
		changes, err := r.sendFile(ctx, s, file, m.imports(file), dry)
		if err != nil {
			return nil, err
		}
		for _, change := range changes {
			if key := change.GetElement() + "\n" + change.GetMessage(); !seen[key] {
				seen[key] = true
				all.Changes = append(all.Changes, change)
			}
		}
	}
	return all, nil
}

// sendFile registers a file and then its services, whose own answers tell of no further change.
func (r registering) sendFile(
	ctx context.Context, s *session, file *descriptorpb.FileDescriptorProto, imports []*descriptorpb.FileDescriptorProto, dry bool,
) ([]*collector.SchemaChange, error) {
	req := &collector.RegisterProtoRequest{
		Namespace: r.namespace, FileDescriptor: descriptor.OnlyComments(file), Force: r.force || dry, DryRun: dry,
	}
	for _, imported := range imports {
		req.Dependencies = append(req.Dependencies, descriptor.OnlyComments(imported))
	}
	if proto.Size(req) > maxRequest {
		dropComments(req)
	}
	res, err := s.registry.RegisterProto(ctx, req)
	if connect.CodeOf(err) == connect.CodeResourceExhausted && dropComments(req) {
		res, err = s.registry.RegisterProto(ctx, req)
	}
	if err == nil && !dry && commented(file) && req.GetFileDescriptor().GetSourceCodeInfo() == nil {
		s.app.note("# %s is registered without its comments: with them it is too large for one request", file.GetName())
	}
	if err != nil || dry {
		return res.GetReport().GetChanges(), err
	}
	for _, service := range file.GetService() {
		if err := r.sendService(ctx, s, file, service); err != nil {
			return nil, err
		}
	}
	return res.GetReport().GetChanges(), nil
}

// sendService registers a service of a file that is registered. The file goes along only where the service could be that
// of another one: a large file has many.
func (r registering) sendService(
	ctx context.Context, s *session, file *descriptorpb.FileDescriptorProto, service *descriptorpb.ServiceDescriptorProto,
) error {
	req := &collector.RegisterServiceRequest{Namespace: r.namespace, ServiceDescriptor: service}
	_, err := s.registry.RegisterService(ctx, req)
	if connect.CodeOf(err) == connect.CodeAlreadyExists {
		req.FileDescriptor = file
		_, err = s.registry.RegisterService(ctx, req)
	}
	return err
}

// maxRequest is the largest message that a collector takes unless it was told otherwise.
const maxRequest = 4 << 20

// dropComments leaves the comments of a request out and reports whether there were any.
func dropComments(req *collector.RegisterProtoRequest) bool {
	before := proto.Size(req)
	req.FileDescriptor = descriptor.WithoutComments(req.GetFileDescriptor())
	for i, imported := range req.GetDependencies() {
		req.Dependencies[i] = descriptor.WithoutComments(imported)
	}
	return proto.Size(req) < before
}

// commented reports whether the author of a file explains anything.
func commented(file *descriptorpb.FileDescriptorProto) bool {
	return slices.ContainsFunc(file.GetSourceCodeInfo().GetLocation(), func(l *descriptorpb.SourceCodeInfo_Location) bool {
		return l.GetLeadingComments() != "" || l.GetTrailingComments() != ""
	})
}

// verdict is the failure of a schema that breaks something, with every element.
func (r registering) verdict(report *collector.SchemaReport, path string) error {
	f := failuref("%s breaks what is registered in namespace %q", path, r.namespace)
	for _, change := range report.GetChanges() {
		if change.GetBreaking() {
			f.why = append(f.why, change.GetElement()+": "+change.GetMessage()+" ("+change.GetRule()+")")
		}
	}
	if len(f.why) == 0 {
		return nil
	}
	f.report = report
	return f.hint("give what changed a new name and a new number, and keep the old",
		"collector services register "+path+r.flags()+" --force   # if nobody uses the old one")
}

// flags are those that say what to compare with what, for the hint.
func (r registering) flags() string {
	text := " --ns " + r.namespace
	for _, root := range r.roots {
		text += " -I " + root
	}
	return text
}

func reportView(report *collector.SchemaReport) view {
	v := view{
		document: report,
		columns:  []column{{title: "ELEMENT"}, {title: "VERDICT"}, {title: "RULE"}, {title: "CHANGE"}},
	}
	for _, change := range report.GetChanges() {
		verdict := "compatible"
		if change.GetBreaking() {
			verdict = "BREAKING"
		}
		v.items = append(v.items, change)
		v.rows = append(v.rows, []cell{text(change.GetElement()), text(verdict), typeCell(change.GetRule()), text(change.GetMessage())})
	}
	if len(v.rows) == 0 {
		v.notes = []string{"nothing that is registered would change"}
	}
	return v
}
