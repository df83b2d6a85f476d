package remote

import (
	"context"

	"connectrpc.com/connect/v2"
	"golang.org/x/sync/errgroup"
	"google.golang.org/protobuf/types/descriptorpb"

	"github.com/collectiverpc/collective/cmd/collector/internal/cli/schema"
	meshv1 "github.com/collectiverpc/collective/gen/collector/mesh/v1"
)

// Schema fetches the descriptors of a collector; "" is the one that is asked.
func (s *Session) Schema(ctx context.Context, collectorID string) (*schema.Set, error) {
	set, err := s.Descriptors(ctx, collectorID)
	if err != nil {
		return nil, err
	}
	return schema.New(set)
}

// Descriptors fetches all pages of the descriptors of a collector, and begins again if they change meanwhile.
func (s *Session) Descriptors(ctx context.Context, collectorID string) (*descriptorpb.FileDescriptorSet, error) {
	set := new(descriptorpb.FileDescriptorSet)
	req := &meshv1.GetDescriptorSetRequest{CollectorId: collectorID}
	for {
		res, err := s.Mesh.GetDescriptorSet(ctx, req)
		switch {
		case connect.CodeOf(err) == connect.CodeAborted && req.GetPageToken() != "":
			set.File, req.PageToken = nil, ""
			continue
		case err != nil:
			return nil, err
		}
		set.File = append(set.File, res.GetFileDescriptorSet().GetFile()...)
		if req.PageToken = res.GetNextPageToken(); req.PageToken == "" {
			return set, nil
		}
	}
}

// asked is how many collectors are asked for their descriptors at once.
const asked = 32

// joinSchemas joins the descriptors of several collectors. Where two differ about a file, the first one wins; who does
// not tell is left out, and keeps nobody else waiting.
func (s *Session) joinSchemas(ctx context.Context, collectorIDs []string) (*schema.Set, error) {
	sets := make([]*descriptorpb.FileDescriptorSet, len(collectorIDs))
	var all errgroup.Group
	all.SetLimit(asked)
	for i, id := range collectorIDs {
		all.Go(func() error {
			sets[i], _ = s.Descriptors(ctx, id) // nil if it does not tell
			return nil
		})
	}
	_ = all.Wait() // none of them fails
	return schema.New(joinSets(sets))
}

func joinSets(sets []*descriptorpb.FileDescriptorSet) *descriptorpb.FileDescriptorSet {
	joined := &descriptorpb.FileDescriptorSet{}
	seen := make(map[string]bool)
	for _, set := range sets {
		for _, file := range set.GetFile() {
			if !seen[file.GetName()] {
				seen[file.GetName()] = true
				joined.File = append(joined.File, file)
			}
		}
	}
	return joined
}

// MeshSchema joins the schemas of the asked collector and its reachable peers. Where two differ, the first wins. Who may not see
// which peers there are gets the schemas of the collector.
func (s *Session) MeshSchema(ctx context.Context) (*schema.Set, error) {
	res, err := s.Mesh.GetStatus(ctx, &meshv1.GetStatusRequest{})
	if code := connect.CodeOf(err); err != nil && code != connect.CodeUnauthenticated && code != connect.CodePermissionDenied {
		return nil, err
	}
	ids := []string{""}
	for _, peer := range res.GetPeers() {
		ids = append(ids, peer.GetCollectorId())
	}
	return s.joinSchemas(ctx, ids)
}
