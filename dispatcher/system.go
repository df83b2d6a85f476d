package dispatcher

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"

	"connectrpc.com/connect/v2"
	"connectrpc.com/connect/v2/connecthttp"
	"google.golang.org/protobuf/reflect/protoreflect"

	"github.com/collectiverpc/collective/conn/link"
	"github.com/collectiverpc/collective/dispatcher/internal/hosted"
	"github.com/collectiverpc/collective/dispatcher/internal/ingress"
	"github.com/collectiverpc/collective/dispatcher/internal/peerschema"
	"github.com/collectiverpc/collective/dispatcher/internal/refusal"
	"github.com/collectiverpc/collective/gen/collector"
	"github.com/collectiverpc/collective/gen/collector/collectorconnect"
	"github.com/collectiverpc/collective/gen/collector/mesh/v1/meshv1connect"
	"github.com/collectiverpc/collective/internal/descriptor"
	"github.com/collectiverpc/collective/mesh"
)

// systemServices are the collector's own services, mounted. They change only with the registry.
type systemServices struct {
	ingress.Mux
	server *connect.Server
	// replaced is closed when others take their place.
	replaced chan struct{}
}

// has reports whether a service, given by its full name, is one of them.
func (s *systemServices) has(service string) bool { return slices.Contains(s.names(), service) }

// unknownMethod refuses a path that names one of them and no method of it.
func (s *systemServices) unknownMethod(path string) *refusal.Refusal {
	at := strings.LastIndexByte(path, '/')
	service, method := path[1:at], path[at+1:]
	var methods []string
	for spec := range s.server.Specs() {
		if known, ok := strings.CutPrefix(spec.Procedure, path[:at+1]); ok {
			methods = append(methods, known)
		}
	}
	return refusal.New(connect.CodeUnimplemented, mesh.ReasonMethodUnknown,
		"service "+service+" of a collector has no method "+refusal.Quoted(method)+refusal.Suggest(method, methods))
}

// files are those that declare them.
func (s *systemServices) files() []protoreflect.FileDescriptor {
	var files []protoreflect.FileDescriptor
	for spec := range s.server.Specs() {
		if schema, ok := spec.Schema.(protoreflect.MethodDescriptor); ok && schema != nil {
			files = append(files, schema.ParentFile())
		}
	}
	slices.SortFunc(files, func(a, b protoreflect.FileDescriptor) int { return strings.Compare(a.Path(), b.Path()) })
	return files
}

func (s *systemServices) names() []string {
	names := make(map[string]bool)
	for spec := range s.server.Specs() {
		names[spec.Procedure[1:strings.LastIndexByte(spec.Procedure, '/')]] = true
	}
	return slices.Sorted(maps.Keys(names))
}

// newSystemServices mounts the collector's own services and those of a registry, which may be nil.
func (d *Dispatcher) newSystemServices(registry *validator) (*systemServices, error) {
	s := &systemServices{Mux: make(ingress.Mux), server: connect.NewServer(slices.Concat([]connect.ServerInterceptor{d.observer.LogOwn}, d.interceptors)...), replaced: make(chan struct{})}
	collectorconnect.RegisterCollectiveDispatcherHandler(s.server, d)
	meshv1connect.RegisterMeshServiceHandler(s.server, meshService{d})
	if err := d.registerHealth(s.server); err != nil {
		return nil, err
	}
	if !d.options.noReflection {
		d.registerReflection(s.server)
	}
	if registry != nil && registry.handler != nil {
		if err := callRegister(registry.handler.RegisterHandler, s.server); err != nil {
			return nil, fmt.Errorf("registry: %w", err)
		}
	}
	connecthttp.Mount(s, s.server, d.port.Options(envelopeCodec{d})...)
	return s, nil
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
	meshv1connect.RegisterMeshServiceHandler(server, neighbourService{mesh: meshService{d}})
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
	return s.dispatcher.envelopes.answerServe(ctx, req), nil
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

// files are those of everything that is registered here and of the collector's own services, dependencies first. Of two
// versions of one path, in two namespaces, the one of the namespace that sorts first is in the list.
func (d *Dispatcher) files() []protoreflect.FileDescriptor {
	var roots []protoreflect.FileDescriptor
	spaces := d.methods.Snapshot().Methods
	for _, namespace := range slices.Sorted(maps.Keys(spaces)) {
		roots = append(roots, hosted.FilesOf(spaces[namespace])...)
	}
	return descriptor.WithExtensions(append(roots, d.system.Load().files()...)...)
}
