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

	"github.com/collectiverpc/collective/gen/collector"
	"github.com/collectiverpc/collective/gen/collector/collectorconnect"
	"github.com/collectiverpc/collective/gen/collector/mesh/v1/meshv1connect"
)

// systemServices are the collector's own services, mounted. They change only with the registry.
type systemServices struct {
	mux
	server *connect.Server
	// replaced is closed when others take their place.
	replaced chan struct{}
}

// has reports whether a service, given by its full name, is one of them.
func (s *systemServices) has(service string) bool { return slices.Contains(s.names(), service) }

// unknownMethod refuses a path that names one of them and no method of it.
func (s *systemServices) unknownMethod(path string) *refusal {
	at := strings.LastIndexByte(path, '/')
	service, method := path[1:at], path[at+1:]
	var methods []string
	for spec := range s.server.Specs() {
		if known, ok := strings.CutPrefix(spec.Procedure, path[:at+1]); ok {
			methods = append(methods, known)
		}
	}
	return refuse(connect.CodeUnimplemented, reasonMethodUnknown,
		"service "+service+" of a collector has no method "+quoted(method)+nearHint(method, methods))
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
	s := &systemServices{mux: make(mux), server: connect.NewServer(slices.Concat([]connect.ServerInterceptor{d.logOwn}, d.interceptors)...), replaced: make(chan struct{})}
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
	connecthttp.Mount(s, s.server, d.limits.httpOptions()...)
	return s, nil
}

// Connect answers another collector that asks for a connection. Refusals are in the Status; the error is always nil.
func (d *Dispatcher) Connect(ctx context.Context, req *collector.ConnectRequest) (*collector.ConnectResponse, error) {
	return d.conns.HandleConnect(ctx, req)
}

// linkServices are what a peer may ask of this collector itself over a link: to run a method here, the schemas of which
// it was told, and with whom this collector is connected. A connection is agreed by package conn.
func (d *Dispatcher) linkServices() *connect.Server {
	server := d.newServer()
	collectorconnect.RegisterCollectiveDispatcherHandler(server, linkService{local: d.local})
	meshv1connect.RegisterMeshServiceHandler(server, neighbourService{mesh: meshService{d}})
	meshv1connect.RegisterSchemaServiceHandler(server, schemaService{d.local})
	return server
}

// linkService has a local and nothing else, so that a call cannot go on to another collector.
type linkService struct {
	collectorconnect.UnimplementedCollectiveDispatcherHandler
	local *local
}

// Serve runs a method here.
func (s linkService) Serve(ctx context.Context, req *collector.ServeRequest) (*collector.ServeResponse, error) {
	return s.local.Serve(ctx, req)
}

// Dispatch is refused: the collector that a call entered is the one that routes it.
func (s linkService) Dispatch(_ context.Context, _ *collector.DispatchRequest) (*collector.DispatchResponse, error) {
	refused := refuse(connect.CodeUnimplemented, reasonInvalidRequest,
		"Dispatch is not answered over a link, or a call could go in circles: the collector that a call enters routes it; use Serve")
	route := []string{s.local.self}
	return &collector.DispatchResponse{
		Status: failedStatus(refused.err(route...), route), HandledByCollectorId: s.local.self, Route: route,
	}, nil
}
