package meshservice

import (
	"context"

	"connectrpc.com/connect/v2"
	"google.golang.org/protobuf/reflect/protoreflect"

	"github.com/collectiverpc/collective/dispatcher/internal/descriptorset"
	"github.com/collectiverpc/collective/dispatcher/internal/refusal"
	meshv1 "github.com/collectiverpc/collective/gen/collector/mesh/v1"
	"github.com/collectiverpc/collective/internal/descriptor"
)

// GetDescriptorSet answers the schemas of this collector, or what it knows of those of a peer.
func (s *Service) GetDescriptorSet(
	ctx context.Context, req *meshv1.GetDescriptorSetRequest,
) (*meshv1.GetDescriptorSetResponse, error) {
	if id := req.GetCollectorId(); id != "" && id != s.ID {
		return s.peerDescriptorSet(ctx, id, req.GetPageToken())
	}
	return descriptorset.Page(s.Describer.OwnFiles(), s.Sources, req.GetPageToken(), s.PageBytes)
}

// peerDescriptorSet answers what is known of a peer's schemas, all namespaces together.
// Schemas that are refused in one namespace do not hide those of others; only if nothing else is left is the refusal the
// answer. The files have the comments that they came with.
func (s *Service) peerDescriptorSet(ctx context.Context, id, pageToken string) (*meshv1.GetDescriptorSetResponse, error) {
	peer, known, err := s.Schemas.Learned(ctx, id)
	if err != nil {
		return nil, err
	}
	var roots []protoreflect.FileDescriptor
	var refused error
	for _, namespace := range peer.Shared {
		p := known.Of(id, namespace)
		for _, file := range p.Files() {
			roots = append(roots, file.Descriptor)
		}
		if p != nil && p.Err != nil {
			refused = connect.NewError(connect.CodeFailedPrecondition,
				"the schemas of collector "+refusal.Quoted(id)+" in namespace "+refusal.Quoted(namespace)+" are not shown: "+p.Refusal())
		}
	}
	if len(roots) == 0 && refused != nil {
		return nil, refused
	}
	return descriptorset.Page(descriptor.Closure(roots...), nil, pageToken, s.PageBytes)
}
