package image

import (
	"context"
	"slices"

	"connectrpc.com/connect/v2"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/descriptorpb"

	"github.com/collectiverpc/collective/gen/collector"
	"github.com/collectiverpc/collective/gen/collector/collectorconnect"
	"github.com/collectiverpc/collective/internal/descriptor"
)

// maxRequest is the largest message that a collector takes unless it was told otherwise.
const maxRequest = 4 << 20

// Upload registers images with a collector, in one namespace.
type Upload struct {
	Registry  collectorconnect.CollectorRegistryClient
	Namespace string
	// Force registers what breaks the schema that is there.
	Force bool
	// Dry only asks what would change. It is forced, for its report.
	Dry bool
	// Uncommented is called with the name of each file that is registered without its comments.
	Uncommented func(file string)
}

// Send registers every root of an image with what it imports, and reports what changed.
func (u Upload) Send(ctx context.Context, m *Image) (*collector.SchemaReport, error) {
	all := new(collector.SchemaReport)
	seen := make(map[string]bool) // files that two roots import are compared twice
	for _, file := range m.roots {
		changes, err := u.sendFile(ctx, file, m.imports(file))
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
func (u Upload) sendFile(
	ctx context.Context, file *descriptorpb.FileDescriptorProto, imports []*descriptorpb.FileDescriptorProto,
) ([]*collector.SchemaChange, error) {
	req := u.request(file, imports)
	res, err := u.Registry.RegisterProto(ctx, req)
	if connect.CodeOf(err) == connect.CodeResourceExhausted && dropComments(req) {
		res, err = u.Registry.RegisterProto(ctx, req)
	}
	if err != nil || u.Dry {
		return res.GetReport().GetChanges(), err
	}
	if commented(file) && req.GetFileDescriptor().GetSourceCodeInfo() == nil {
		u.Uncommented(file.GetName())
	}
	for _, service := range file.GetService() {
		if err := u.sendService(ctx, file, service); err != nil {
			return nil, err
		}
	}
	return res.GetReport().GetChanges(), nil
}

// request has comments as long as they fit.
func (u Upload) request(file *descriptorpb.FileDescriptorProto, imports []*descriptorpb.FileDescriptorProto) *collector.RegisterProtoRequest {
	req := &collector.RegisterProtoRequest{
		Namespace: u.Namespace, FileDescriptor: descriptor.OnlyComments(file), Force: u.Force || u.Dry, DryRun: u.Dry,
	}
	for _, imported := range imports {
		req.Dependencies = append(req.Dependencies, descriptor.OnlyComments(imported))
	}
	if proto.Size(req) > maxRequest {
		dropComments(req)
	}
	return req
}

// sendService registers a service of a file that is registered. The file goes along only where the service could be that
// of another one: a large file has many.
func (u Upload) sendService(
	ctx context.Context, file *descriptorpb.FileDescriptorProto, service *descriptorpb.ServiceDescriptorProto,
) error {
	req := &collector.RegisterServiceRequest{Namespace: u.Namespace, ServiceDescriptor: service}
	_, err := u.Registry.RegisterService(ctx, req)
	if connect.CodeOf(err) == connect.CodeAlreadyExists {
		req.FileDescriptor = file
		_, err = u.Registry.RegisterService(ctx, req)
	}
	return err
}

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
