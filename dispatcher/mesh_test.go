package dispatcher_test

import (
	"context"
	"slices"
	"strings"
	"testing"

	"connectrpc.com/connect/v2"
	"connectrpc.com/connect/v2/connecthttp"
	"github.com/google/go-cmp/cmp"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protodesc"
	"google.golang.org/protobuf/testing/protocmp"
	"google.golang.org/protobuf/types/descriptorpb"

	"github.com/collectiverpc/collective/dispatcher"
	meshv1 "github.com/collectiverpc/collective/gen/collector/mesh/v1"
	"github.com/collectiverpc/collective/gen/collector/mesh/v1/meshv1connect"
	testingv1 "github.com/collectiverpc/collective/gen/collector/testing/v1"
	"github.com/collectiverpc/collective/internal/meshtest"
)

func (n node) status(t *testing.T, opts ...connecthttp.Option) meshv1connect.MeshServiceClient {
	t.Helper()
	return meshv1connect.NewMeshServiceClient(connect.NewClient(connecthttp.NewTransport(meshtest.HTTP2Client(t), "http://"+n.Address, opts...)))
}

func explainEcho(n node) *meshv1.ExplainRouteResponse {
	return n.Explain(&meshv1.ExplainRouteRequest{Namespace: "test", ServiceName: "EchoService", MethodName: "Echo"})
}

func TestMesh_GetStatus(t *testing.T) {
	t.Parallel()
	a, b := pair(t, dispatcher.WithVersion("v1"))
	for _, n := range []node{a, b} {
		got, err := n.status(t, connecthttp.WithHTTPGet()).GetStatus(t.Context(), &meshv1.GetStatusRequest{})
		if err != nil {
			t.Fatal(err)
		}
		other := map[node]node{a: b, b: a}[n]
		if got.GetCollectorId() != n.ID() || got.GetVersion() != "v1" || got.GetStore().GetPath() != "" || got.GetSessionId() == "" {
			t.Errorf("%v", got)
		}
		if len(got.GetPeers()) != 1 || got.GetPeers()[0].GetCollectorId() != other.ID() || got.GetPeers()[0].GetDialed() != (n == a) ||
			!cmp.Equal(got.GetPeers()[0].GetSharedNamespaces(), []string{"test"}) {
			t.Errorf("peers %v", got.GetPeers())
		}
		if got.GetLimits()["message"] != "4 MiB" || got.GetLimits()["connections"] != "512" {
			t.Errorf("limits %v", got.GetLimits())
		}
	}
}

func TestMesh_ListServices(t *testing.T) {
	t.Parallel()
	a, b := pair(t)
	a.registerString(t, "test", "S", "M")
	b.knows(t, "test", "/S/M")
	for _, n := range []node{a, b} {
		got, err := n.status(t).ListServices(t.Context(), &meshv1.ListServicesRequest{Namespace: "test"})
		if err != nil {
			t.Fatal(err)
		}
		if len(got.GetServices()) != 2 {
			t.Fatalf("at %s: %v", n.ID(), got)
		}
		want := &meshv1.Service{Namespace: "test", Name: "S", Methods: []*meshv1.Method{{Name: "M", Procedure: "/S/M", CollectorIds: []string{"a"}}}}
		if diff := cmp.Diff(want, got.GetServices()[0], protocmp.Transform()); diff != "" {
			t.Errorf("at %s (-want +got):\n%s", n.ID(), diff)
		}
		converse := got.GetServices()[1].GetMethods()[1]
		if converse.GetName() != "Converse" || !converse.GetClientStreaming() || !converse.GetServerStreaming() || converse.GetInputType() != "collector.testing.v1.ConverseRequest" {
			t.Errorf("at %s: %v", n.ID(), converse)
		}
	}
	if _, err := a.status(t).ListServices(t.Context(), &meshv1.ListServicesRequest{Namespace: "tset"}); connect.CodeOf(err) != connect.CodeNotFound {
		t.Errorf("unknown namespace: %v", err)
	}
}

func TestMesh_ExplainRoute(t *testing.T) {
	t.Parallel()
	a, b := pair(t)
	c := serve(t, "c", []string{"test"})
	join(t, a, c)
	b.registerString(t, "test", "S", "M")
	a.knows(t, "test", "/S/M")
	got, err := a.status(t).ExplainRoute(t.Context(), &meshv1.ExplainRouteRequest{ServiceName: "EchoService", MethodName: "Echo"})
	if err != nil {
		t.Fatal(err)
	}
	want := &meshv1.ExplainRouteResponse{
		Namespace: "test", Procedure: "/collector.testing.v1.EchoService/Echo", ChosenCollectorId: "b",
		Candidates: []*meshv1.Candidate{
			{CollectorId: "a", Local: true, Reason: "not registered here"},
			{CollectorId: "b", Rank: 1, Eligible: true, Reason: `registered, shared namespace "test", active`},
			{CollectorId: "c", Reason: `shares "test" but has no such method`},
		},
	}
	if diff := cmp.Diff(want, got, protocmp.Transform()); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	refused, err := a.status(t).ExplainRoute(t.Context(), &meshv1.ExplainRouteRequest{Namespace: "test", ServiceName: "EchoService", MethodName: "Echo", TargetCollectorId: "c"})
	if err != nil {
		t.Fatal(err)
	}
	if refused.GetCode() != "unimplemented" || refused.GetReason() != "target_not_serving" || refused.GetChosenCollectorId() != "" || len(refused.GetCandidates()) != 3 {
		t.Errorf("%v", refused)
	}
	for service, reason := range map[string]string{"Nope": "method_unknown", "": "invalid_request"} {
		res, err := a.status(t).ExplainRoute(t.Context(), &meshv1.ExplainRouteRequest{ServiceName: service, MethodName: "M"})
		if err != nil || res.GetReason() != reason {
			t.Errorf("service %q: %v, %v", service, res, err)
		}
	}
}

func TestMesh_ConnectToAndDisconnect(t *testing.T) {
	t.Parallel()
	a, b := serve(t, "a", []string{"test"}), serve(t, "b", []string{"test", "more"})
	b.hostEcho(t, "test")
	connected, err := a.status(t).ConnectTo(t.Context(), &meshv1.ConnectToRequest{Address: b.Address})
	if err != nil {
		t.Fatal(err)
	}
	if c := connected.GetConnection(); c.GetTargetCollectorId() != "b" || !cmp.Equal(c.GetSharedNamespaces(), []string{"test"}) {
		t.Errorf("connection %v", c)
	}
	a.knows(t, "test", "/collector.testing.v1.EchoService/Echo")
	closed, err := a.status(t).Disconnect(t.Context(), &meshv1.DisconnectRequest{ConnectionId: connected.GetConnection().GetId(), Reason: "enough"})
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(closed.GetConnection().GetCloseReason(), "enough") {
		t.Errorf("connection %v", closed.GetConnection())
	}
	listed, err := a.status(t).ListConnections(t.Context(), &meshv1.ListConnectionsRequest{})
	if err != nil || len(listed.GetConnections()) != 1 {
		t.Errorf("%v, %v", listed, err)
	}
	for address, code := range map[string]connect.Code{a.Address: connect.CodeInvalidArgument, "127.0.0.1:1": connect.CodeUnavailable} {
		if _, err := a.status(t).ConnectTo(t.Context(), &meshv1.ConnectToRequest{Address: address}); connect.CodeOf(err) != code || !strings.Contains(err.Error(), ":") {
			t.Errorf("ConnectTo %s: %v, want %v", address, err, code)
		}
	}
}

func TestMesh_GetDescriptorSet(t *testing.T) {
	t.Parallel()
	commented := protodesc.ToFileDescriptorProto(testingv1.File_collector_testing_v1_testing_proto)
	commented.SourceCodeInfo = &descriptorpb.SourceCodeInfo{Location: []*descriptorpb.SourceCodeInfo_Location{{Path: []int32{6, 0}, Span: []int32{1, 0, 1}, LeadingComments: proto.String("echoes")}}}
	a := serve(t, "a", []string{"test"}, dispatcher.WithSources(&descriptorpb.FileDescriptorSet{File: []*descriptorpb.FileDescriptorProto{commented}}))
	a.hostEcho(t, "test")
	got, err := a.status(t).GetDescriptorSet(t.Context(), &meshv1.GetDescriptorSetRequest{CollectorId: "a"})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := protodesc.NewFiles(got.GetFileDescriptorSet()); err != nil {
		t.Errorf("the set is not complete: %v", err)
	}
	seen := make(map[string]bool)
	for _, file := range got.GetFileDescriptorSet().GetFile() {
		for _, dependency := range file.GetDependency() {
			if !seen[dependency] {
				t.Errorf("%s comes before %s, which it imports", file.GetName(), dependency)
			}
		}
		seen[file.GetName()] = true
		if file.GetName() == "collector/testing/v1/testing.proto" && len(file.GetSourceCodeInfo().GetLocation()) != 1 {
			t.Error("the comments are lost")
		}
	}
	for _, want := range []string{"collector/testing/v1/testing.proto", "collector/dispatcher.proto", "collector/mesh/v1/mesh.proto"} {
		if !seen[want] {
			t.Errorf("%s is missing", want)
		}
	}
	again, err := a.status(t).GetDescriptorSet(t.Context(), &meshv1.GetDescriptorSetRequest{})
	if err != nil || again.GetContentHash() != got.GetContentHash() || len(got.GetContentHash()) != 64 {
		t.Errorf("hashes %q and %q, %v", got.GetContentHash(), again.GetContentHash(), err)
	}
	if _, err := a.status(t).GetDescriptorSet(t.Context(), &meshv1.GetDescriptorSetRequest{CollectorId: "b"}); connect.CodeOf(err) != connect.CodeNotFound {
		t.Errorf("another collector's: %v", err)
	}
}

// Each side's interceptors meet a routed call once, outermost first.
func TestInterceptors_MeetARoutedCallOnce(t *testing.T) {
	t.Parallel()
	var met []string
	note := func(name string) connect.ServerInterceptor {
		return func(next connect.ServerFunc) connect.ServerFunc {
			return func(ctx context.Context, spec connect.Spec, stream connect.ServerStream) error {
				if strings.HasPrefix(spec.Procedure, "/collector.testing") {
					met = append(met, name)
				}
				return next(ctx, spec, stream)
			}
		}
	}
	out := func(next connect.ClientFunc) connect.ClientFunc {
		return func(ctx context.Context, spec connect.Spec) (connect.ClientStream, error) {
			met = append(met, "a client")
			return next(ctx, spec)
		}
	}
	a := serve(t, "a", []string{"test"}, dispatcher.WithServerInterceptors(note("a 1"), note("a 2")), dispatcher.WithClientInterceptors(out))
	b := serve(t, "b", []string{"test"}, dispatcher.WithServerInterceptors(note("b 1"), note("b 2")))
	b.hostEcho(t, "test")
	join(t, a, b)
	a.knows(t, "test", "/collector.testing.v1.EchoService/Echo")
	for n, want := range map[node][]string{a: {"a 1", "a 2", "a client", "b 1", "b 2"}, b: {"b 1", "b 2"}} {
		met = nil
		if _, err := n.client(t).Echo(t.Context(), &testingv1.EchoRequest{}); err != nil {
			t.Fatal(err)
		}
		if !slices.Equal(met, want) {
			t.Errorf("at %s: %v, want %v", n.ID(), met, want)
		}
	}
}
