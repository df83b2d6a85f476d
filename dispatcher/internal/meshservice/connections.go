package meshservice

import (
	"context"
	"slices"
	"time"

	"connectrpc.com/connect/v2"

	"github.com/collectiverpc/collective/gen/collector"
	meshv1 "github.com/collectiverpc/collective/gen/collector/mesh/v1"
	"github.com/collectiverpc/collective/internal/status"
)

// ListConnections answers the persisted connections.
// Those that are over are among them until they are pruned.
func (s *Service) ListConnections(
	_ context.Context, req *meshv1.ListConnectionsRequest,
) (*meshv1.ListConnectionsResponse, error) {
	return listConnections(s.ID, s.Connections.ListConnections(), req)
}

// listConnections answers a page of the connections of the collector self that a request asks for.
// A page token is the id of the last connection of the page before, so that pages stay apart when records are added
// meanwhile. A page size of 0 is no bound. The filters have to be the same for all pages: a token that they leave out is
// refused rather than taken for the end.
func listConnections(
	self string, records []*collector.Connection, req *meshv1.ListConnectionsRequest,
) (*meshv1.ListConnectionsResponse, error) {
	res := new(meshv1.ListConnectionsResponse)
	begun := req.GetPageToken() == ""
	for _, record := range records {
		if !wanted(self, req, record) {
			continue
		}
		if begun && req.GetPageSize() > 0 && len(res.Connections) == int(req.GetPageSize()) {
			res.NextPageToken = res.Connections[len(res.Connections)-1].GetId()
			break
		}
		if begun {
			res.Connections = append(res.Connections, record)
		}
		begun = begun || record.GetId() == req.GetPageToken()
	}
	if !begun {
		return nil, connect.Errorf(connect.CodeInvalidArgument, "page_token %q is no connection that is listed: begin again without it", req.GetPageToken())
	}
	return res, nil
}

// wanted applies the filters of a request; one that is not set lets everything through. A collector is the source of some
// of its connections and the target of others.
func wanted(self string, req *meshv1.ListConnectionsRequest, record *collector.Connection) bool {
	peer := record.GetSourceCollectorId()
	if peer == self {
		peer = record.GetTargetCollectorId()
	}
	return (req.GetPeerCollectorId() == "" || req.GetPeerCollectorId() == peer) &&
		(len(req.GetStates()) == 0 || slices.Contains(req.GetStates(), record.GetState()))
}

// ConnectTo dials another collector.
// Without namespaces it offers all of this collector's. A failure is told as this collector's own answer: its code and text
// came from another, which the caller did not call.
func (s *Service) ConnectTo(ctx context.Context, req *meshv1.ConnectToRequest) (*meshv1.ConnectToResponse, error) {
	namespaces := req.GetNamespaces()
	if len(namespaces) == 0 {
		namespaces = s.Namespaces
	}
	res, err := s.Connections.ConnectTo(ctx, req.GetAddress(), namespaces)
	if err != nil {
		return nil, status.Reauthor(err)
	}
	return &meshv1.ConnectToResponse{Connection: s.record(res.GetConnectionId())}, nil
}

// Disconnect closes a connection for good.
// Neither end dials again by itself. The answer has the record as it is afterwards.
func (s *Service) Disconnect(ctx context.Context, req *meshv1.DisconnectRequest) (*meshv1.DisconnectResponse, error) {
	if err := s.Connections.Disconnect(ctx, req.GetConnectionId(), req.GetReason(), false); err != nil {
		return nil, status.Reauthor(err)
	}
	return &meshv1.DisconnectResponse{Connection: s.record(req.GetConnectionId())}, nil
}

// PruneConnections forgets connections that are over.
// The age is the time since the state changed last. It answers the records that are gone.
func (s *Service) PruneConnections(
	ctx context.Context, req *meshv1.PruneConnectionsRequest,
) (*meshv1.PruneConnectionsResponse, error) {
	gone, err := s.Connections.Prune(ctx, time.Duration(req.GetOlderThanNanos()), int(req.GetKeep()))
	if err != nil {
		return nil, status.Reauthor(err)
	}
	return &meshv1.PruneConnectionsResponse{Connections: gone}, nil
}

// record finds the record of a connection by its id; nil if there is none.
func (s *Service) record(id string) *collector.Connection {
	for _, record := range s.Connections.ListConnections() {
		if record.GetId() == id {
			return record
		}
	}
	return nil
}
