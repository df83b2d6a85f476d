package host

import (
	"context"
	"fmt"
	"strings"
	"sync/atomic"

	"connectrpc.com/connect/v2"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protodesc"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/reflect/protoregistry"
	"google.golang.org/protobuf/types/descriptorpb"
	"google.golang.org/protobuf/types/dynamicpb"

	"github.com/collectiverpc/collective/dispatcher"
)

// services makes services that nobody generated code for. Each has a file of its own.
type services struct{ number atomic.Int64 }

// register registers a service of a name of its own.
func (s *services) register(d *dispatcher.Dispatcher, methods int) error {
	return s.registerNamed(d, fmt.Sprintf("chaos.crowd.Service%d", s.number.Add(1)), methods)
}

// registerNamed registers a service whose methods answer with an empty message.
func (s *services) registerNamed(d *dispatcher.Dispatcher, name string, methods int) error {
	service, err := describe(name, methods)
	if err != nil {
		return err
	}
	return d.RegisterDynamic(Namespace, service, answerEmpty)
}

// answerEmpty serves any method of them.
func answerEmpty(_ context.Context, spec connect.Spec, stream connect.ServerStream) error {
	method, known := spec.Schema.(protoreflect.MethodDescriptor)
	if !known {
		return connect.NewError(connect.CodeInternal, "the method has no descriptor")
	}
	if err := stream.Receive(dynamicpb.NewMessage(method.Input())); err != nil {
		return err
	}
	return stream.Send(dynamicpb.NewMessage(method.Output()))
}

// describe makes the descriptor of a service, with the messages of the work.
func describe(name string, methods int) (protoreflect.ServiceDescriptor, error) {
	const request, response = ".chaos.v1.ReadRequest", ".chaos.v1.ReadResponse"
	at := strings.LastIndexByte(name, '.')
	service := &descriptorpb.ServiceDescriptorProto{Name: proto.String(name[at+1:])}
	for i := range methods {
		service.Method = append(service.Method, &descriptorpb.MethodDescriptorProto{
			Name: proto.String(fmt.Sprintf("Method%d", i)), InputType: proto.String(request), OutputType: proto.String(response),
		})
	}
	file, err := protodesc.NewFile(&descriptorpb.FileDescriptorProto{
		Name: proto.String(strings.ReplaceAll(name, ".", "/") + ".proto"), Package: proto.String(name[:at]), Syntax: proto.String("proto3"),
		Dependency: []string{"chaos/v1/work.proto"}, Service: []*descriptorpb.ServiceDescriptorProto{service},
	}, protoregistry.GlobalFiles)
	if err != nil {
		return nil, err
	}
	return file.Services().Get(0), nil
}
