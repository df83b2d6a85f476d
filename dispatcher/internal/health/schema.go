package health

import (
	"fmt"
	"sync"

	"google.golang.org/protobuf/encoding/prototext"
	"google.golang.org/protobuf/reflect/protodesc"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/types/descriptorpb"
)

// healthFile is grpc/health/v1/health.proto. It is kept out of the global registry, and has no generated code, because
// programs that hold grpc-go too would register the same names twice and not start. A test compares it with grpc-go's.
// List is of newer releases of grpc-go; clients that do not know it never ask.
const healthFile = `
name: "grpc/health/v1/health.proto" package: "grpc.health.v1" syntax: "proto3"
options {
  go_package: "google.golang.org/grpc/health/grpc_health_v1" java_multiple_files: true java_outer_classname: "HealthProto"
  java_package: "io.grpc.health.v1" csharp_namespace: "Grpc.Health.V1" objc_class_prefix: "GrpcHealthV1"
}
message_type {
  name: "HealthCheckRequest"
  field { name: "service" number: 1 label: LABEL_OPTIONAL type: TYPE_STRING json_name: "service" }
}
message_type {
  name: "HealthCheckResponse"
  field {
    name: "status" number: 1 label: LABEL_OPTIONAL type: TYPE_ENUM json_name: "status"
    type_name: ".grpc.health.v1.HealthCheckResponse.ServingStatus"
  }
  enum_type {
    name: "ServingStatus"
    value { name: "UNKNOWN" number: 0 } value { name: "SERVING" number: 1 }
    value { name: "NOT_SERVING" number: 2 } value { name: "SERVICE_UNKNOWN" number: 3 }
  }
}
message_type { name: "HealthListRequest" }
message_type {
  name: "HealthListResponse"
  field {
    name: "statuses" number: 1 label: LABEL_REPEATED type: TYPE_MESSAGE json_name: "statuses"
    type_name: ".grpc.health.v1.HealthListResponse.StatusesEntry"
  }
  nested_type {
    name: "StatusesEntry" options { map_entry: true }
    field { name: "key" number: 1 label: LABEL_OPTIONAL type: TYPE_STRING json_name: "key" }
    field {
      name: "value" number: 2 label: LABEL_OPTIONAL type: TYPE_MESSAGE json_name: "value"
      type_name: ".grpc.health.v1.HealthCheckResponse"
    }
  }
}
service {
  name: "Health"
  method { name: "Check" input_type: ".grpc.health.v1.HealthCheckRequest" output_type: ".grpc.health.v1.HealthCheckResponse" }
  method { name: "List" input_type: ".grpc.health.v1.HealthListRequest" output_type: ".grpc.health.v1.HealthListResponse" }
  method {
    name: "Watch" input_type: ".grpc.health.v1.HealthCheckRequest" output_type: ".grpc.health.v1.HealthCheckResponse"
    server_streaming: true
  }
}`

// schema is the service that healthFile declares.
// It is built when health is first registered and not at the start of every program that links this in.
var schema = sync.OnceValues(func() (protoreflect.ServiceDescriptor, error) {
	file := new(descriptorpb.FileDescriptorProto)
	if err := prototext.Unmarshal([]byte(healthFile), file); err != nil {
		return nil, fmt.Errorf("health service: %w", err)
	}
	built, err := protodesc.NewFile(file, nil)
	if err != nil {
		return nil, fmt.Errorf("health service: %w", err)
	}
	return built.Services().ByName("Health"), nil
})
