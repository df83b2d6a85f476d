package dispatcher

import (
	"context"

	"connectrpc.com/connect/v2"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/types/descriptorpb"

	meshv1 "github.com/collectiverpc/collective/gen/collector/mesh/v1"
	"github.com/collectiverpc/collective/internal/name"
	schemas "github.com/collectiverpc/collective/internal/schema"
)

// anyType is what the methods of the seed's untyped handlers take and return on the wire. A method with this input
// gets the Any of an envelope as it is.
const anyType = "google.protobuf.Any"

// method is a procedure registered in a namespace of this collector. It never changes.
type method struct {
	namespace     string
	service, name string
	spec          connect.Spec
	input, output string // full names of the messages
	schema        protoreflect.MethodDescriptor
	fingerprint   uint64
	open          bool // its messages may hold types that the schema does not name; see openStream
	// server holds the method with the interceptors around it. It is filled before the method is published and never
	// after, as connect asks; methods that were registered together share one.
	server *connect.Server
}

// newMethod describes a method of a server. A nil schema makes it untyped.
func newMethod(namespace string, spec connect.Spec, server *connect.Server) (*method, error) {
	service, short, err := name.SplitProcedure(spec.Procedure)
	if err != nil {
		return nil, err
	}
	m := &method{
		namespace: namespace, service: service, name: short, spec: spec,
		input: anyType, output: anyType, server: server,
	}
	if schema, ok := spec.Schema.(protoreflect.MethodDescriptor); ok && schema != nil {
		m.schema = schema
		m.input, m.output = string(schema.Input().FullName()), string(schema.Output().FullName())
		m.fingerprint = schemas.Fingerprint(schema)
		m.open = schemas.Open(schema)
	}
	return m, nil
}

func (m *method) call(ctx context.Context, info *connect.CallInfo, stream connect.ServerStream) error {
	return m.server.Call(ctx, m.spec.Procedure, info, stream)
}

// String says what is registered, for those who try to register it again.
func (m *method) String() string {
	if m.schema == nil {
		return "untyped handler"
	}
	text := "typed handler ("
	if m.schema.IsStreamingClient() {
		text += "stream "
	}
	text += m.input + ") returns ("
	if m.schema.IsStreamingServer() {
		text += "stream "
	}
	return text + m.output + ")"
}

// catalogMethod is how peers hear of the method.
func (m *method) catalogMethod() *meshv1.CatalogMethod {
	return &meshv1.CatalogMethod{
		Namespace:        m.namespace,
		Procedure:        m.spec.Procedure,
		InputType:        m.input,
		OutputType:       m.output,
		ClientStreaming:  m.spec.StreamType&connect.StreamTypeClient != 0,
		ServerStreaming:  m.spec.StreamType&connect.StreamTypeServer != 0,
		IdempotencyLevel: int32(m.spec.IdempotencyLevel),
		Fingerprint:      m.fingerprint,
	}
}

// specOf is the spec that generated code would have for a method.
func specOf(schema protoreflect.MethodDescriptor) connect.Spec {
	kind := connect.StreamTypeUnary
	if schema.IsStreamingClient() {
		kind |= connect.StreamTypeClient
	}
	if schema.IsStreamingServer() {
		kind |= connect.StreamTypeServer
	}
	return connect.Spec{
		StreamType:       kind,
		IdempotencyLevel: idempotencyOf(schema),
		Schema:           schema,
		Procedure:        name.Procedure(string(schema.Parent().FullName()), string(schema.Name())),
	}
}

func idempotencyOf(schema protoreflect.MethodDescriptor) connect.IdempotencyLevel {
	options, ok := schema.Options().(*descriptorpb.MethodOptions)
	if !ok {
		return connect.IdempotencyUnknown
	}
	return connect.IdempotencyLevel(options.GetIdempotencyLevel())
}
