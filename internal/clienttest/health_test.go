package clienttest_test

import (
	"os/exec"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"google.golang.org/grpc/codes"
	healthpb "google.golang.org/grpc/health/grpc_health_v1"
	reflectionpb "google.golang.org/grpc/reflection/grpc_reflection_v1"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protodesc"
	"google.golang.org/protobuf/testing/protocmp"
	"google.golang.org/protobuf/types/descriptorpb"
)

// grpc-go's own health client gets answers of a collector, also about a service that only its peer has.
func TestHealth(t *testing.T) {
	a, _ := startHost(t)
	client := healthpb.NewHealthClient(dial(t, a))
	for _, service := range []string{"", "collector.testing.v1.EchoService", "Greeter", "grpc.health.v1.Health"} {
		res, err := client.Check(t.Context(), &healthpb.HealthCheckRequest{Service: service})
		if err != nil || res.GetStatus() != healthpb.HealthCheckResponse_SERVING {
			t.Errorf("%q: %v, %v", service, res, err)
		}
		watch, err := client.Watch(t.Context(), &healthpb.HealthCheckRequest{Service: service})
		if err != nil {
			t.Fatal(err)
		}
		if res, err := watch.Recv(); err != nil || res.GetStatus() != healthpb.HealthCheckResponse_SERVING {
			t.Errorf("watching %q: %v, %v", service, res, err)
		}
	}
	if _, err := client.Check(t.Context(), &healthpb.HealthCheckRequest{Service: "no.Such"}); status.Code(err) != codes.NotFound {
		t.Errorf("unknown: %v", err)
	}
	list, err := client.List(t.Context(), &healthpb.HealthListRequest{})
	if err != nil {
		t.Fatal(err)
	}
	got := list.GetStatuses()["collector.testing.v1.EchoService"].GetStatus()
	if diff := cmp.Diff(healthpb.HealthCheckResponse_SERVING, got); diff != "" {
		t.Errorf("List (-want +got):\n%s", diff)
	}
}

// The schema that reflection shows is the official one, as grpc-go has it.
func TestHealthSchema(t *testing.T) {
	a, _ := startHost(t)
	stream, err := reflectionpb.NewServerReflectionClient(dial(t, a)).ServerReflectionInfo(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if err := stream.Send(&reflectionpb.ServerReflectionRequest{
		MessageRequest: &reflectionpb.ServerReflectionRequest_FileContainingSymbol{FileContainingSymbol: "grpc.health.v1.Health"},
	}); err != nil {
		t.Fatal(err)
	}
	res, err := stream.Recv()
	if err != nil || len(res.GetFileDescriptorResponse().GetFileDescriptorProto()) != 1 {
		t.Fatalf("%v, %v", res, err)
	}
	got := new(descriptorpb.FileDescriptorProto)
	if err := proto.Unmarshal(res.GetFileDescriptorResponse().GetFileDescriptorProto()[0], got); err != nil {
		t.Fatal(err)
	}
	want := protodesc.ToFileDescriptorProto(healthpb.File_grpc_health_v1_health_proto)
	sortMethods := protocmp.SortRepeated(func(a, b *descriptorpb.MethodDescriptorProto) bool { return a.GetName() < b.GetName() })
	if diff := cmp.Diff(want, got, protocmp.Transform(), sortMethods); diff != "" {
		t.Errorf("schema (-want +got):\n%s", diff)
	}
}

// Anybody can ask for health with curl, over HTTP/1.1, with JSON; a service that only the peer has, too.
func TestHealthByCurl(t *testing.T) {
	a, _ := startHost(t)
	for _, service := range []string{"", "collector.testing.v1.EchoService"} {
		out, err := exec.CommandContext(t.Context(), "curl", "--silent", "--fail-with-body", "--http1.1", "--noproxy", "*",
			"-H", "Content-Type: application/json", "-d", `{"service":"`+service+`"}`, "http://"+a+"/grpc.health.v1.Health/Check").CombinedOutput()
		if err != nil || strings.ReplaceAll(string(out), " ", "") != `{"status":"SERVING"}` {
			t.Errorf("%q: %s, %v", service, out, err)
		}
	}
}
