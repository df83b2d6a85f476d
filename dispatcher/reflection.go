package dispatcher

import (
	"maps"
	"slices"
	"strings"

	"connectrpc.com/connect/v2"
	"connectrpc.com/grpcreflect/v2"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/reflect/protoregistry"
)

// reflectionPrefix begins the paths of the reflection services, the only ones of a collector that stream both ways.
const reflectionPrefix = "/grpc.reflection."

// registerReflection serves gRPC reflection of what this collector itself serves, as it is when it is asked: not of
// every type that happens to be compiled in.
func (d *Dispatcher) registerReflection(server *connect.Server) {
	own := reflected{d}
	grpcreflect.Register(server,
		grpcreflect.WithNamer(grpcreflect.NamerFunc(own.names)),
		grpcreflect.WithDescriptorResolver(own),
		grpcreflect.WithExtensionResolver(new(protoregistry.Types)),
	)
}

type reflected struct{ dispatcher *Dispatcher }

// names are the services that have a descriptor, in any namespace, and the collector's own.
func (r reflected) names() []string {
	names := make(map[string]bool)
	for _, methods := range r.dispatcher.local.current.Load().spaces {
		for name := range servicesOf(slices.Collect(maps.Values(methods))) {
			names[name] = true
		}
	}
	for spec := range r.dispatcher.system.Load().server.Specs() {
		names[spec.Procedure[1:strings.LastIndexByte(spec.Procedure, '/')]] = true
	}
	return slices.Sorted(maps.Keys(names))
}

// FindFileByPath finds a file of what is served now.
func (r reflected) FindFileByPath(path string) (protoreflect.FileDescriptor, error) {
	return r.dispatcher.files().FindFileByPath(path)
}

// FindDescriptorByName finds a symbol of what is served now.
func (r reflected) FindDescriptorByName(name protoreflect.FullName) (protoreflect.Descriptor, error) {
	return r.dispatcher.files().FindDescriptorByName(name)
}
