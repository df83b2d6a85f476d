package dispatcher

import (
	"context"
	"net/http"
	"strings"

	"connectrpc.com/connect/v2"
	"connectrpc.com/grpcreflect/v2"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/types/dynamicpb"

	"github.com/collectiverpc/collective/dispatcher/internal/ingress"
	"github.com/collectiverpc/collective/dispatcher/internal/routing"
	"github.com/collectiverpc/collective/mesh"
)

// reflectionPrefix begins the paths of the reflection services, the only ones of a collector that stream both ways.
const reflectionPrefix = "/grpc.reflection."

// registerReflection serves gRPC reflection of what can be called through this collector, as it is when it is asked: not
// of every type that happens to be compiled in. Like calls, it takes a namespace and a target: then it shows what is
// there.
func (d *Dispatcher) registerReflection(server *connect.Server) {
	everything := connect.NewServer()
	reflected{d, narrowed{}}.register(everything)
	for spec := range everything.Specs() {
		server.Register(connect.Method{Spec: spec, Handler: d.reflect})
	}
}

// reflect answers a reflection stream as far as its headers ask.
func (d *Dispatcher) reflect(ctx context.Context, spec connect.Spec, stream connect.ServerStream) error {
	info, ok := connect.CallInfoForServerContext(ctx)
	if !ok {
		return connect.NewError(connect.CodeInternal, "the call has no CallInfo")
	}
	v := d.view()
	n := narrowed{info.RequestHeader().Get(mesh.HeaderNamespace), info.RequestHeader().Get(mesh.HeaderTarget)}
	if n.namespace != "" && v.Namespaces[n.namespace] == nil {
		return v.UnknownNamespace(n.namespace).Err(d.id)
	}
	if n.collector != "" && n.collector != d.id && v.Peers[n.collector] == nil {
		return v.UnknownTarget(new(routing.NamespaceIndex), nil, routing.Call{Target: n.collector}).Err(d.id)
	}
	server := connect.NewServer()
	reflected{d, n}.register(server)
	return server.Call(ctx, spec.Procedure, info, stream)
}

// reflected is what one reflection stream shows.
type reflected struct {
	dispatcher *Dispatcher
	narrowed   narrowed
}

func (r reflected) register(server *connect.Server) {
	grpcreflect.Register(server,
		grpcreflect.WithNamer(grpcreflect.NamerFunc(r.names)),
		grpcreflect.WithDescriptorResolver(r),
		grpcreflect.WithExtensionResolver(r),
	)
}

// names are the services that have a descriptor, and the collector's own.
func (r reflected) names() []string { return r.dispatcher.described(r.narrowed).names }

// FindFileByPath finds a file of what can be called now.
func (r reflected) FindFileByPath(path string) (protoreflect.FileDescriptor, error) {
	return r.dispatcher.described(r.narrowed).files.FindFileByPath(path)
}

// FindDescriptorByName finds a symbol of what can be called now.
func (r reflected) FindDescriptorByName(name protoreflect.FullName) (protoreflect.Descriptor, error) {
	return r.dispatcher.described(r.narrowed).files.FindDescriptorByName(name)
}

// FindExtensionByName finds an extension of a message that can be sent now.
func (r reflected) FindExtensionByName(field protoreflect.FullName) (protoreflect.ExtensionType, error) {
	return r.dispatcher.described(r.narrowed).types.FindExtensionByName(field)
}

// FindExtensionByNumber finds an extension of a message that can be sent now.
func (r reflected) FindExtensionByNumber(
	message protoreflect.FullName, field protoreflect.FieldNumber,
) (protoreflect.ExtensionType, error) {
	return r.dispatcher.described(r.narrowed).types.FindExtensionByNumber(message, field)
}

// RangeExtensionsByMessage goes through the extensions of a message that can be sent now.
func (r reflected) RangeExtensionsByMessage(message protoreflect.FullName, yield func(protoreflect.ExtensionType) bool) {
	for _, extension := range r.dispatcher.described(r.narrowed).extensions[message] {
		if !yield(dynamicpb.NewExtensionType(extension)) {
			return
		}
	}
}

// narrowedReflection is a request for reflection whose URL names a namespace, as the same request with the header; r
// itself if it is anything else.
func narrowedReflection(r *http.Request) *http.Request {
	namespace, path := ingress.CutNamespace(r.URL.Path)
	if namespace == "" || !strings.HasPrefix(path, reflectionPrefix) {
		return r
	}
	narrowed := r.Clone(r.Context())
	narrowed.URL.Path, narrowed.URL.RawPath = path, ""
	narrowed.Header.Set(mesh.HeaderNamespace, namespace)
	return narrowed
}
