package main

import (
	"os"

	"google.golang.org/genproto/googleapis/rpc/status"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protodesc"
	"google.golang.org/protobuf/types/descriptorpb"
	"google.golang.org/protobuf/types/known/anypb"

	testingv1 "github.com/collectiverpc/collective/gen/collector/testing/v1"
)

// service is what all clients ask.
const service = "collector.testing.v1.EchoService"

// missing is a method that the clients' schema has and no collector: how else would they ask for it.
const missing = "Nope"

// writeSchema writes what the clients know: the test service with the method that is missing, and how gRPC carries the
// details of an error.
func writeSchema(path string) error {
	service := protodesc.ToFileDescriptorProto(testingv1.File_collector_testing_v1_testing_proto)
	for _, s := range service.GetService() {
		s.Method = append(s.Method, &descriptorpb.MethodDescriptorProto{
			Name:       proto.String(missing),
			InputType:  proto.String(".collector.testing.v1.EchoRequest"),
			OutputType: proto.String(".collector.testing.v1.EchoResponse"),
		})
	}
	encoded, err := proto.Marshal(&descriptorpb.FileDescriptorSet{File: []*descriptorpb.FileDescriptorProto{
		protodesc.ToFileDescriptorProto(anypb.File_google_protobuf_any_proto),
		protodesc.ToFileDescriptorProto(status.File_google_rpc_status_proto),
		service,
	}})
	if err != nil {
		return err
	}
	return os.WriteFile(path, encoded, 0o600)
}
