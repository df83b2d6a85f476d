package rules_test

import (
	"context"
	"fmt"

	rulesproto "buf.build/gen/go/bufbuild/protovalidate/protocolbuffers/go/buf/validate"
	"connectrpc.com/connect/v2"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protodesc"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/reflect/protoregistry"
	"google.golang.org/protobuf/types/descriptorpb"
	"google.golang.org/protobuf/types/dynamicpb"

	"github.com/collectiverpc/collective/dispatcher"
	"github.com/collectiverpc/collective/rules"
)

// orders is the schema of a service whose orders are of at least one piece, as if written in a .proto file:
//
//	int32 quantity = 1 [(buf.validate.field).int32.gte = 1];
func orders() protoreflect.ServiceDescriptor {
	atLeastOne := &descriptorpb.FieldOptions{}
	proto.SetExtension(atLeastOne, rulesproto.E_Field, &rulesproto.FieldRules{Type: &rulesproto.FieldRules_Int32{
		Int32: &rulesproto.Int32Rules{GreaterThan: &rulesproto.Int32Rules_Gte{Gte: 1}},
	}})
	file, err := protodesc.NewFile(&descriptorpb.FileDescriptorProto{
		Syntax: proto.String("proto3"), Name: proto.String("example/orders.proto"), Package: proto.String("example"),
		Dependency: []string{"buf/validate/validate.proto"},
		MessageType: []*descriptorpb.DescriptorProto{{Name: proto.String("Order"), Field: []*descriptorpb.FieldDescriptorProto{{
			Name: proto.String("quantity"), JsonName: proto.String("quantity"), Number: proto.Int32(1), Options: atLeastOne,
			Type: descriptorpb.FieldDescriptorProto_TYPE_INT32.Enum(), Label: descriptorpb.FieldDescriptorProto_LABEL_OPTIONAL.Enum(),
		}}}},
		Service: []*descriptorpb.ServiceDescriptorProto{{Name: proto.String("Orders"), Method: []*descriptorpb.MethodDescriptorProto{{
			Name: proto.String("Place"), InputType: proto.String(".example.Order"), OutputType: proto.String(".example.Order"),
		}}}},
	}, protoregistry.GlobalFiles)
	if err != nil {
		panic(err)
	}
	return file.Services().Get(0)
}

func Example() {
	d, err := dispatcher.New("shop", "", []string{"shop"}, dispatcher.WithServerInterceptors(rules.NewServerInterceptor()))
	if err != nil {
		fmt.Println(err)
		return
	}
	defer d.Shutdown(context.Background())
	place := orders().Methods().ByName("Place")
	err = d.RegisterDynamic("shop", orders(), func(_ context.Context, _ connect.Spec, stream connect.ServerStream) error {
		order := dynamicpb.NewMessage(place.Input())
		if err := stream.Receive(order); err != nil {
			return err // an order that breaks a rule ends here
		}
		return stream.Send(order)
	})
	if err != nil {
		fmt.Println(err)
		return
	}

	client := connect.NewClient(d.Transport("shop"))
	for _, quantity := range []int32{2, 0} {
		order, placed := dynamicpb.NewMessage(place.Input()), dynamicpb.NewMessage(place.Output())
		order.Set(place.Input().Fields().ByName("quantity"), protoreflect.ValueOfInt32(quantity))
		err := client.CallUnary(context.Background(), connect.Spec{Procedure: "/example.Orders/Place", Schema: place}, order, placed)
		fmt.Println(quantity, err)
	}
	// Output:
	// 2 <nil>
	// 0 invalid_argument: validation error: quantity: must be greater than or equal to 1
}
