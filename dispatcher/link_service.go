package dispatcher

import (
	"context"

	"connectrpc.com/connect/v2"

	"github.com/collectiverpc/collective/conn/link"
	"github.com/collectiverpc/collective/dispatcher/internal/entrance"
	"github.com/collectiverpc/collective/dispatcher/internal/refusal"
	"github.com/collectiverpc/collective/gen/collector"
	"github.com/collectiverpc/collective/gen/collector/collectorconnect"
	"github.com/collectiverpc/collective/mesh"
)

// linkService is the seed's service for a peer. A call that this mesh forwards never comes here: it goes on the link in
// its namespace, to the executor and nothing else. What comes here a program has asked for by hand, see
// [conn.Manager.GetClient].
type linkService struct {
	collectorconnect.UnimplementedCollectiveDispatcherHandler
	self      string
	envelopes *entrance.Envelopes
	// shares reports whether a namespace is one of the connection to a collector; nil lets calls in all namespaces, for
	// consumers: they share none, and call as any client does.
	shares func(collector, namespace string) bool
}

// Serve runs a method here.
func (s linkService) Serve(ctx context.Context, req *collector.ServeRequest) (*collector.ServeResponse, error) {
	if r := s.checkShared(ctx, req.GetNamespace()); r != nil {
		return &collector.ServeResponse{Status: s.refused(r), ExecutorId: s.self}, nil
	}
	return s.envelopes.ServeHere(ctx, req), nil
}

// Dispatch routes a call as one that enters here, as it would by the port: on to a peer at most, which runs it or refuses
// it. Nothing that forwards calls asks for it, so it makes no circle.
func (s linkService) Dispatch(ctx context.Context, req *collector.DispatchRequest) (*collector.DispatchResponse, error) {
	if r := s.checkShared(ctx, req.GetNamespace()); r != nil {
		return &collector.DispatchResponse{
			Status: s.refused(r), HandledByCollectorId: s.self, Route: []string{s.self},
		}, nil
	}
	return s.envelopes.Dispatch(ctx, req), nil
}

func (s linkService) refused(r *refusal.Refusal) *collector.Status {
	return refusal.FailedStatus(r.Err(s.self), []string{s.self})
}

// checkShared refuses an envelope in a namespace that the connection does not share: what is inside of one must not
// reach further than a call outside of one. A namespace that is missing is refused by whoever reads the rest.
func (s linkService) checkShared(ctx context.Context, namespace string) *refusal.Refusal {
	info, _ := connect.CallInfoForServerContext(ctx)
	over, ok := info.TransportInfo.(*link.ServerInfo)
	if !ok || namespace == "" || s.shares == nil {
		return nil
	}
	id := over.Link.Peer().CollectorID
	if s.shares(id, namespace) {
		return nil
	}
	return refusal.New(connect.CodePermissionDenied, mesh.ReasonNamespaceUnknown,
		"namespace "+refusal.Quoted(namespace)+" is not shared by collectors "+refusal.Quoted(id)+" and "+refusal.Quoted(s.self))
}
