package schema

import (
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/types/descriptorpb"
)

// compareServices breaks for a service that is gone: in a mesh somebody may call it at any time, whoever knows its name.
func (c *comparison) compareServices() {
	pairs(c.before.services, c.after.services, c.compareService,
		func(gone protoreflect.ServiceDescriptor) {
			c.breaking("PACKAGE_SERVICE_NO_DELETE", gone.FullName(), "is gone")
		},
		func(added protoreflect.ServiceDescriptor) { c.compatible(added.FullName(), "is new") })
}

// compareService breaks for a method that is gone, for the same reason. Methods are matched by name: they have no number.
func (c *comparison) compareService(before, after protoreflect.ServiceDescriptor) {
	pairs(byName(before.Methods()), byName(after.Methods()), c.compareMethod,
		func(gone protoreflect.MethodDescriptor) { c.breaking("RPC_NO_DELETE", gone.FullName(), "is gone") },
		func(added protoreflect.MethodDescriptor) { c.compatible(added.FullName(), "is new") })
}

// compareMethod compares what both ends of a call have to agree on before the first message: the types, who streams, and
// whether a call may be repeated, which proxies and clients act on. What the types hold is compared with the messages.
func (c *comparison) compareMethod(before, after protoreflect.MethodDescriptor) {
	element := after.FullName()
	if was, is := before.Input().FullName(), after.Input().FullName(); was != is {
		c.breaking("RPC_SAME_REQUEST_TYPE", element, "changed its request from %s to %s", was, is)
	}
	if was, is := before.Output().FullName(), after.Output().FullName(); was != is {
		c.breaking("RPC_SAME_RESPONSE_TYPE", element, "changed its response from %s to %s", was, is)
	}
	if was, is := before.IsStreamingClient(), after.IsStreamingClient(); was != is {
		c.breaking("RPC_SAME_CLIENT_STREAMING", element, "changed its request from %s to %s", streaming(was), streaming(is))
	}
	if was, is := before.IsStreamingServer(), after.IsStreamingServer(); was != is {
		c.breaking("RPC_SAME_SERVER_STREAMING", element, "changed its response from %s to %s", streaming(was), streaming(is))
	}
	// A method that may be repeated and then may not is called twice by who does not know, the other way round GET stops
	// working.
	if was, is := idempotency(before), idempotency(after); was != is {
		c.breaking("RPC_SAME_IDEMPOTENCY_LEVEL", element, "changed its idempotency_level from %s to %s", was, is)
	}
}

// streaming says for people what one direction of a method carries.
func streaming(is bool) string {
	if is {
		return "a stream"
	}
	return "one message"
}

// idempotency is IDEMPOTENCY_UNKNOWN for a method without options.
func idempotency(method protoreflect.MethodDescriptor) descriptorpb.MethodOptions_IdempotencyLevel {
	options, _ := method.Options().(*descriptorpb.MethodOptions)
	return options.GetIdempotencyLevel()
}

// byName is the methods of a service as a path tells them apart.
func byName(methods protoreflect.MethodDescriptors) map[protoreflect.Name]protoreflect.MethodDescriptor {
	named := make(map[protoreflect.Name]protoreflect.MethodDescriptor, methods.Len())
	for method := range elements(methods) {
		named[method.Name()] = method
	}
	return named
}
