package dispatcher

import (
	"context"
	"fmt"
	"slices"

	"connectrpc.com/connect/v2"

	"github.com/collectiverpc/collective/conn/link"
	"github.com/collectiverpc/collective/dispatcher/internal/describe"
	"github.com/collectiverpc/collective/dispatcher/internal/descriptorset"
	"github.com/collectiverpc/collective/dispatcher/internal/health"
	"github.com/collectiverpc/collective/dispatcher/internal/ingress"
	"github.com/collectiverpc/collective/dispatcher/internal/meshservice"
	"github.com/collectiverpc/collective/dispatcher/internal/peerschema"
	"github.com/collectiverpc/collective/dispatcher/internal/refusal"
	"github.com/collectiverpc/collective/gen/collector"
	"github.com/collectiverpc/collective/gen/collector/collectorconnect"
	meshv1 "github.com/collectiverpc/collective/gen/collector/mesh/v1"
	"github.com/collectiverpc/collective/gen/collector/mesh/v1/meshv1connect"
	"github.com/collectiverpc/collective/mesh"
)

// newSystemServices mounts the collector's own services and those of a registry, which may be nil.
func (d *Dispatcher) newSystemServices(registry *validator) (*ingress.Services, error) {
	server := connect.NewServer(slices.Concat([]connect.ServerInterceptor{d.observer.LogOwn}, d.interceptors)...)
	collectorconnect.RegisterCollectiveDispatcherHandler(server, d)
	meshv1connect.RegisterMeshServiceHandler(server, d.mesh)
	if err := health.Register(server, d.health()); err != nil {
		return nil, err
	}
	if !d.options.noReflection {
		d.describer.RegisterReflection(server)
	}
	if registry != nil && registry.handler != nil {
		if err := callRegister(registry.handler.RegisterHandler, server); err != nil {
			return nil, fmt.Errorf("registry: %w", err)
		}
	}
	return d.port.Mount(server, envelopeCodec{d}), nil
}

// health is what the health of this collector follows from.
func (d *Dispatcher) health() health.Config {
	return health.Config{
		Self: d.id, View: d.view, Own: func() health.Own { return d.system.Load() }, Draining: d.draining,
		Changes: func() health.Changes {
			return health.Changes{
				Peers: d.conns.Changed(), Registered: d.methods.Snapshot().Replaced, Own: d.system.Load().Replaced,
			}
		},
	}
}

// describe makes what tells others of the mesh.
func (d *Dispatcher) describe() {
	pageBytes := descriptorset.PageBytes(d.limits.MessageBytes)
	d.describer = describe.New(describe.Config{
		Self: d.id, View: d.view, Known: d.schemas.Known, Own: func() describe.Own { return d.system.Load() },
		Methods: d.methods, Sources: d.options.sources, PageBytes: pageBytes,
	})
	d.mesh = meshservice.New(meshservice.Config{
		ID: d.id, Address: d.address, Session: d.session, Version: d.options.version, StorePath: d.options.storePath(),
		Namespaces: d.namespaces, Started: d.started,
		Connections: d.conns, Schemas: d.schemas, Describer: d.describer, Recorder: d.recorder,
		View: d.view, Balance: d.pipeline.Balance, Sources: d.options.sources, PageBytes: pageBytes,
		Limits: d.LimitTexts, Authorize: d.options.admin,
	})
}

// Explain says which collector would run a call and why. It is the router's own verdict; no call is made. Where equal
// peers take turns, one of them is named first as for the next call.
func (d *Dispatcher) Explain(req *meshv1.ExplainRouteRequest) *meshv1.ExplainRouteResponse {
	return d.mesh.Explain(req)
}

// Connect answers another collector that asks for a connection. Refusals are in the Status; the error is always nil.
func (d *Dispatcher) Connect(ctx context.Context, req *collector.ConnectRequest) (*collector.ConnectResponse, error) {
	return d.conns.HandleConnect(ctx, req)
}

// linkServices are what a peer may ask of this collector itself over a link: to run a method here, the schemas of which
// it was told, and with whom this collector is connected. A connection is agreed by package conn.
func (d *Dispatcher) linkServices(consumers bool) *connect.Server {
	server := d.newServer()
	collectorconnect.RegisterCollectiveDispatcherHandler(server, linkService{dispatcher: d, consumers: consumers})
	meshv1connect.RegisterMeshServiceHandler(server, meshservice.NewNeighbour(d.id, func() []*collector.Connection { return d.conns.ListConnections() }))
	meshv1connect.RegisterSchemaServiceHandler(server, peerschema.NewService(d.id, d.methods, d.limits.Link.MaxMessage))
	return server
}

// linkService is the seed's service for a peer. A call that this mesh forwards never comes here: it goes on the link in
// its namespace, to a local and nothing else. What comes here a program has asked for by hand, see
// [conn.Manager.GetClient].
type linkService struct {
	collectorconnect.UnimplementedCollectiveDispatcherHandler
	dispatcher *Dispatcher
	consumers  bool // for those, who share no namespaces but call as any client does
}

// Serve runs a method here.
func (s linkService) Serve(ctx context.Context, req *collector.ServeRequest) (*collector.ServeResponse, error) {
	if r := s.checkShared(ctx, req.GetNamespace()); r != nil {
		return &collector.ServeResponse{Status: s.refused(r), ExecutorId: s.dispatcher.id}, nil
	}
	return s.dispatcher.envelopes.ServeHere(ctx, req), nil
}

// Dispatch routes a call as one that enters here, as it would by the port: on to a peer at most, which runs it or refuses
// it. Nothing that forwards calls asks for it, so it makes no circle.
func (s linkService) Dispatch(ctx context.Context, req *collector.DispatchRequest) (*collector.DispatchResponse, error) {
	if r := s.checkShared(ctx, req.GetNamespace()); r != nil {
		return &collector.DispatchResponse{
			Status: s.refused(r), HandledByCollectorId: s.dispatcher.id, Route: []string{s.dispatcher.id},
		}, nil
	}
	return s.dispatcher.Dispatch(ctx, req)
}

func (s linkService) refused(r *refusal.Refusal) *collector.Status {
	return refusal.FailedStatus(r.Err(s.dispatcher.id), []string{s.dispatcher.id})
}

// checkShared refuses an envelope in a namespace that the connection does not share: what is inside of one must not
// reach further than a call outside of one. A namespace that is missing is refused by whoever reads the rest.
func (s linkService) checkShared(ctx context.Context, namespace string) *refusal.Refusal {
	info, _ := connect.CallInfoForServerContext(ctx)
	over, ok := info.TransportInfo.(*link.ServerInfo)
	if !ok || namespace == "" || s.consumers {
		return nil
	}
	id := over.Link.Peer().CollectorID
	if peer, ok := s.dispatcher.conns.Table().Peer(id); ok && slices.Contains(peer.Shared, namespace) {
		return nil
	}
	return refusal.New(connect.CodePermissionDenied, mesh.ReasonNamespaceUnknown,
		"namespace "+refusal.Quoted(namespace)+" is not shared by collectors "+refusal.Quoted(id)+" and "+refusal.Quoted(s.dispatcher.id))
}
