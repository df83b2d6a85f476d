package describe

import (
	"context"

	"connectrpc.com/connect/v2"
	"connectrpc.com/grpcreflect/v2"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/types/dynamicpb"

	"github.com/collectiverpc/collective/dispatcher/internal/routing"
	"github.com/collectiverpc/collective/mesh"
)

// RegisterReflection serves gRPC reflection of what can be called through this collector, as it is when it is asked: not
// of every type that happens to be compiled in. Like calls, it takes a namespace and a target: then it shows what is
// there.
func (d *Describer) RegisterReflection(server *connect.Server) {
	everything := connect.NewServer()
	reflected{d, Filter{}}.register(everything)
	for spec := range everything.Specs() {
		server.Register(connect.Method{Spec: spec, Handler: d.reflect})
	}
}

// reflect answers a reflection stream as far as its headers ask.
func (d *Describer) reflect(ctx context.Context, spec connect.Spec, stream connect.ServerStream) error {
	info, ok := connect.CallInfoForServerContext(ctx)
	if !ok {
		return connect.NewError(connect.CodeInternal, "the call has no CallInfo")
	}
	v, self := d.config.View(), d.config.Self
	filter := Filter{info.RequestHeader().Get(mesh.HeaderNamespace), info.RequestHeader().Get(mesh.HeaderTarget)}
	if filter.Namespace != "" && v.Namespaces[filter.Namespace] == nil {
		return v.UnknownNamespace(filter.Namespace).Err(self)
	}
	if filter.Collector != "" && filter.Collector != self && v.Peers[filter.Collector] == nil {
		return v.UnknownTarget(new(routing.NamespaceIndex), nil, routing.Call{Target: filter.Collector}).Err(self)
	}
	server := connect.NewServer()
	reflected{d, filter}.register(server)
	return server.Call(ctx, spec.Procedure, info, stream)
}

// reflected is what one reflection stream shows.
type reflected struct {
	describer *Describer
	filter    Filter
}

func (r reflected) register(server *connect.Server) {
	grpcreflect.Register(server,
		grpcreflect.WithNamer(grpcreflect.NamerFunc(r.names)),
		grpcreflect.WithDescriptorResolver(r),
		grpcreflect.WithExtensionResolver(r),
	)
}

// now is what it shows now.
func (r reflected) now() *SchemaSet { return r.describer.Describe(r.filter) }

// names are the services that have a descriptor, and the collector's own.
func (r reflected) names() []string { return r.now().Names }

// FindFileByPath finds a file of what can be called now.
func (r reflected) FindFileByPath(path string) (protoreflect.FileDescriptor, error) {
	return r.now().Files.FindFileByPath(path)
}

// FindDescriptorByName finds a symbol of what can be called now.
func (r reflected) FindDescriptorByName(name protoreflect.FullName) (protoreflect.Descriptor, error) {
	return r.now().Files.FindDescriptorByName(name)
}

// FindExtensionByName finds an extension of a message that can be sent now.
func (r reflected) FindExtensionByName(field protoreflect.FullName) (protoreflect.ExtensionType, error) {
	return r.now().Types.FindExtensionByName(field)
}

// FindExtensionByNumber finds an extension of a message that can be sent now.
func (r reflected) FindExtensionByNumber(
	message protoreflect.FullName, field protoreflect.FieldNumber,
) (protoreflect.ExtensionType, error) {
	return r.now().Types.FindExtensionByNumber(message, field)
}

// RangeExtensionsByMessage goes through the extensions of a message that can be sent now.
func (r reflected) RangeExtensionsByMessage(message protoreflect.FullName, yield func(protoreflect.ExtensionType) bool) {
	for _, extension := range r.now().Extensions[message] {
		if !yield(dynamicpb.NewExtensionType(extension)) {
			return
		}
	}
}
