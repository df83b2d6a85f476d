package meshservice

import (
	"context"

	"connectrpc.com/connect/v2"
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/collectiverpc/collective/conn"
	meshv1 "github.com/collectiverpc/collective/gen/collector/mesh/v1"
	"github.com/collectiverpc/collective/internal/status"
)

// ListTrust answers by which key this collector proves who it is, and those by which it knows others.
// Keys are public: nothing in it is secret.
func (s *Service) ListTrust(context.Context, *meshv1.ListTrustRequest) (*meshv1.ListTrustResponse, error) {
	key, ephemeral := s.Connections.Key()
	res := &meshv1.ListTrustResponse{Fingerprint: conn.Fingerprint(key), Ephemeral: ephemeral, Links: s.Connections.Links()}
	for _, known := range s.Connections.KnownKeys() {
		res.Keys = append(res.Keys, knownKey(known))
	}
	return res, nil
}

// ForgetTrust forgets the key of a collector.
// The answer has what was forgotten.
func (s *Service) ForgetTrust(ctx context.Context, req *meshv1.ForgetTrustRequest) (*meshv1.ForgetTrustResponse, error) {
	known, err := s.Connections.ForgetKey(ctx, req.GetCollectorId())
	if err != nil {
		return nil, status.Reauthor(err)
	}
	return &meshv1.ForgetTrustResponse{Key: knownKey(known)}, nil
}

// ReportConflict is for peers, over their links, where package conn answers it.
func (s *Service) ReportConflict(context.Context, *meshv1.ReportConflictRequest) (*meshv1.ReportConflictResponse, error) {
	return nil, connect.NewError(connect.CodePermissionDenied, "only a peer can tell of a conflict, over its link")
}

func knownKey(known conn.KnownKey) *meshv1.KnownKey {
	return &meshv1.KnownKey{
		CollectorId: known.CollectorID, Fingerprint: conn.Fingerprint(known.Key), Proof: string(known.Proof),
		FirstSeen: timestamppb.New(known.FirstSeen), LastSeen: timestamppb.New(known.LastSeen), Refused: known.Refused,
	}
}
