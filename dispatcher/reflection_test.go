package dispatcher_test

import (
	"slices"
	"testing"

	"connectrpc.com/connect/v2"
	"connectrpc.com/connect/v2/connecthttp"
	"connectrpc.com/grpcreflect/v2"
	"google.golang.org/protobuf/reflect/protoreflect"

	"github.com/collectiverpc/collective/dispatcher"
)

const echoName protoreflect.FullName = "collector.testing.v1.EchoService"

// Reflection describes what is served at the moment, and not everything that is compiled in.
func TestReflection_FollowsRegistration(t *testing.T) {
	t.Parallel()
	a := serve(t, "a", []string{"test"})
	transport := connecthttp.NewTransport(newHTTPClient(t), "http://"+a.address, connecthttp.WithGRPC())
	stream := grpcreflect.NewClient(connect.NewClient(transport)).NewStream(t.Context())
	defer stream.Close()

	before, err := stream.ListServices()
	if err != nil {
		t.Fatal(err)
	}
	if slices.Contains(before, echoName) || !slices.Contains(before, "collector.CollectiveDispatcher") || !slices.Contains(before, "collector.mesh.v1.MeshService") {
		t.Errorf("before: %v", before)
	}
	if _, err := stream.FileContainingSymbol(echoName); err == nil {
		t.Error("a service that is not registered is described")
	}
	a.hostEcho(t, "test")
	after, err := stream.ListServices()
	if err != nil || !slices.Contains(after, echoName) {
		t.Errorf("after: %v, %v", after, err)
	}
	for _, symbol := range []protoreflect.FullName{echoName, echoName + ".Echo", "collector.testing.v1.EchoRequest"} {
		files, err := stream.FileContainingSymbol(symbol)
		if err != nil || len(files) == 0 {
			t.Errorf("%s: %v", symbol, err)
		}
	}
	a.Unregister("test", string(echoName))
	if gone, err := stream.ListServices(); err != nil || slices.Contains(gone, echoName) {
		t.Errorf("gone: %v, %v", gone, err)
	}
}

func TestReflection_CanBeLeftOut(t *testing.T) {
	t.Parallel()
	a := serve(t, "a", []string{"test"}, dispatcher.WithoutReflection())
	transport := connecthttp.NewTransport(newHTTPClient(t), "http://"+a.address, connecthttp.WithGRPC())
	stream := grpcreflect.NewClient(connect.NewClient(transport)).NewStream(t.Context())
	defer stream.Close()
	if _, err := stream.ListServices(); connect.CodeOf(err) != connect.CodeUnimplemented {
		t.Errorf("err = %v", err)
	}
}
