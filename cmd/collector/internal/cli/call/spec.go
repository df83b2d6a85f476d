package call

import (
	"connectrpc.com/connect/v2"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/types/descriptorpb"

	"github.com/collectiverpc/collective/internal/name"
)

// spec is what generated code would say of the method.
func (c *Call) spec() connect.Spec {
	return connect.Spec{
		Procedure:        name.Procedure(c.Service, c.Name),
		StreamType:       streamType(c.descriptor),
		Schema:           c.descriptor,
		IdempotencyLevel: idempotency(c.descriptor),
	}
}

func streamType(method protoreflect.MethodDescriptor) connect.StreamType {
	kind := connect.StreamTypeUnary
	if method.IsStreamingClient() {
		kind |= connect.StreamTypeClient
	}
	if method.IsStreamingServer() {
		kind |= connect.StreamTypeServer
	}
	return kind
}

func idempotency(method protoreflect.MethodDescriptor) connect.IdempotencyLevel {
	options, _ := method.Options().(*descriptorpb.MethodOptions)
	return connect.IdempotencyLevel(options.GetIdempotencyLevel())
}
