package main

import (
	"context"
	"fmt"
	"strings"

	"connectrpc.com/connect/v2"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protodesc"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/types/descriptorpb"
	"google.golang.org/protobuf/types/dynamicpb"

	"github.com/collectiverpc/collective/dispatcher"
)

const wideFields = 500

// registerWide adds a service whose request has hundreds of fields, changed by edit.
func registerWide(d *dispatcher.Dispatcher, edit func(request *descriptorpb.DescriptorProto)) error {
	wide := wideFile()
	edit(wide.GetMessageType()[0])
	file, err := protodesc.NewFile(wide, nil)
	if err != nil {
		return err
	}
	method := file.Services().Get(0).Methods().Get(0)
	return d.RegisterDynamic(namespace, file.Services().Get(0), func(_ context.Context, _ connect.Spec, stream connect.ServerStream) error {
		req := dynamicpb.NewMessage(method.Input())
		if err := stream.Receive(req); err != nil {
			return err
		}
		text, err := protojson.Marshal(req)
		if err != nil {
			return err
		}
		res := dynamicpb.NewMessage(method.Output())
		res.Set(method.Output().Fields().Get(0), protoreflect.ValueOfString(string(text)))
		return stream.Send(res)
	})
}

func wideFile() *descriptorpb.FileDescriptorProto {
	request := &descriptorpb.DescriptorProto{Name: proto.String("TakeRequest")}
	kinds := []descriptorpb.FieldDescriptorProto_Type{
		descriptorpb.FieldDescriptorProto_TYPE_STRING, descriptorpb.FieldDescriptorProto_TYPE_INT64,
		descriptorpb.FieldDescriptorProto_TYPE_DOUBLE, descriptorpb.FieldDescriptorProto_TYPE_BOOL,
		descriptorpb.FieldDescriptorProto_TYPE_BYTES,
	}
	for i := range int32(wideFields) {
		request.Field = append(request.Field, field(fmt.Sprintf("field_%03d", i+1), i+1, kinds[int(i)%len(kinds)]))
	}
	return &descriptorpb.FileDescriptorProto{
		Name: proto.String("rig/wide.proto"), Package: proto.String("rig"), Syntax: proto.String("proto3"),
		MessageType: []*descriptorpb.DescriptorProto{request, {
			Name:  proto.String("TakeResponse"),
			Field: []*descriptorpb.FieldDescriptorProto{field("json", 1, descriptorpb.FieldDescriptorProto_TYPE_STRING)},
		}},
		Service: []*descriptorpb.ServiceDescriptorProto{{
			Name: proto.String("WideService"),
			Method: []*descriptorpb.MethodDescriptorProto{{
				Name: proto.String("Take"), InputType: proto.String(".rig.TakeRequest"), OutputType: proto.String(".rig.TakeResponse"),
			}},
		}},
	}
}

func field(name string, number int32, kind descriptorpb.FieldDescriptorProto_Type) *descriptorpb.FieldDescriptorProto {
	return &descriptorpb.FieldDescriptorProto{
		Name: proto.String(name), JsonName: proto.String(strings.ReplaceAll(name, "_", "")), Number: proto.Int32(number),
		Type: kind.Enum(), Label: descriptorpb.FieldDescriptorProto_LABEL_OPTIONAL.Enum(),
	}
}

// asItIs leaves the request of the wide service as it is.
func asItIs(*descriptorpb.DescriptorProto) {}
