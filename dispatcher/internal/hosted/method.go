package hosted

import (
	"context"
	"strings"

	"connectrpc.com/connect/v2"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/types/descriptorpb"

	"github.com/collectiverpc/collective/dispatcher/internal/admission"
	meshv1 "github.com/collectiverpc/collective/gen/collector/mesh/v1"
	"github.com/collectiverpc/collective/internal/name"
	schemas "github.com/collectiverpc/collective/internal/schema"
)

// AnyType is what the methods of the seed's untyped handlers take and return on the wire. A method with this input
// gets the Any of an envelope as it is.
const AnyType = "google.protobuf.Any"

// Method is a procedure registered in a namespace of this collector. It never changes, but for its gate.
type Method struct {
	Namespace     string
	Service, Name string
	Spec          connect.Spec
	Input, Output string // full names of the messages
	Schema        protoreflect.MethodDescriptor
	Fingerprint   uint64
	Open          bool // its messages may hold types that the schema does not name; see openStream
	// Gate is what calls of a unary method go through. It is the only part that changes.
	Gate admission.Gate
	// server holds the method with the interceptors around it. It is filled before the method is published and never
	// after, as connect asks; methods that were registered together share one.
	server *connect.Server
}

// NewMethod describes a method of a server. A nil schema makes it untyped.
// The error is that of a procedure which is no name. The method does not run before server has it.
func NewMethod(namespace string, spec connect.Spec, server *connect.Server) (*Method, error) {
	service, short, err := name.SplitProcedure(spec.Procedure)
	if err != nil {
		return nil, err
	}
	m := &Method{
		Namespace: namespace, Service: service, Name: short, Spec: spec,
		Input: AnyType, Output: AnyType, server: server,
	}
	if schema, ok := spec.Schema.(protoreflect.MethodDescriptor); ok && schema != nil {
		m.Schema = schema
		m.Input, m.Output = string(schema.Input().FullName()), string(schema.Output().FullName())
		m.Fingerprint = schemas.Fingerprint(schema)
		m.Open = schemas.Open(schema)
	}
	return m, nil
}

// Call runs the method, with the interceptors around it.
// It may be called at any time after the method was published, from many goroutines.
func (m *Method) Call(ctx context.Context, info *connect.CallInfo, stream connect.ServerStream) error {
	return m.server.Call(ctx, m.Spec.Procedure, info, stream)
}

// String says what is registered, for those who try to register it again.
func (m *Method) String() string {
	if m.Schema == nil {
		return "untyped handler"
	}
	text := "typed handler ("
	if m.Schema.IsStreamingClient() {
		text += "stream "
	}
	text += m.Input + ") returns ("
	if m.Schema.IsStreamingServer() {
		text += "stream "
	}
	return text + m.Output + ")"
}

// catalogMethod is how peers hear of the method.
func (m *Method) catalogMethod() *meshv1.CatalogMethod {
	return &meshv1.CatalogMethod{
		Namespace:        m.Namespace,
		Procedure:        m.Spec.Procedure,
		InputType:        m.Input,
		OutputType:       m.Output,
		ClientStreaming:  m.Spec.StreamType&connect.StreamTypeClient != 0,
		ServerStreaming:  m.Spec.StreamType&connect.StreamTypeServer != 0,
		IdempotencyLevel: int32(m.Spec.IdempotencyLevel),
		Fingerprint:      m.Fingerprint,
	}
}

// StreamType is the kind of a method by who sends more than one message, as descriptors and catalogs say it.
func StreamType(client, server bool) connect.StreamType {
	kind := connect.StreamTypeUnary
	if client {
		kind |= connect.StreamTypeClient
	}
	if server {
		kind |= connect.StreamTypeServer
	}
	return kind
}

// SpecOf is the spec that generated code would have for a method.
func SpecOf(schema protoreflect.MethodDescriptor) connect.Spec {
	return connect.Spec{
		StreamType:       StreamType(schema.IsStreamingClient(), schema.IsStreamingServer()),
		IdempotencyLevel: idempotencyOf(schema),
		Schema:           schema,
		Procedure:        name.Procedure(string(schema.Parent().FullName()), string(schema.Name())),
	}
}

// idempotencyOf reads the option of the schema; connect has the same numbers for it.
func idempotencyOf(schema protoreflect.MethodDescriptor) connect.IdempotencyLevel {
	options, ok := schema.Options().(*descriptorpb.MethodOptions)
	if !ok {
		return connect.IdempotencyUnknown
	}
	return connect.IdempotencyLevel(options.GetIdempotencyLevel())
}

// ServicesOf are the descriptors of methods that have one, by full name.
func ServicesOf(methods []*Method) map[string]protoreflect.ServiceDescriptor {
	services := make(map[string]protoreflect.ServiceDescriptor)
	for _, m := range methods {
		if m.Schema == nil {
			continue
		}
		if service, ok := m.Schema.Parent().(protoreflect.ServiceDescriptor); ok {
			services[m.Service] = service
		}
	}
	return services
}

// byNamespace groups methods.
// A change is mostly of one namespace, and copies the maps of those alone that it touches.
func byNamespace(methods []*Method) map[string][]*Method {
	by := make(map[string][]*Method, 1)
	for _, m := range methods {
		by[m.Namespace] = append(by[m.Namespace], m)
	}
	return by
}

// OwnService reports services that the port of every collector serves itself.
// They are reserved: nobody registers them in a namespace, and no path of theirs is a call of the mesh.
func OwnService(service string) bool {
	switch service {
	case "collector.CollectiveDispatcher", "collector.CollectorRegistry":
		return true
	}
	return strings.HasPrefix(service, "collector.mesh.v1.") || strings.HasPrefix(service, "grpc.reflection.") ||
		service == "grpc.health.v1.Health"
}
