package dispatcher_test

import (
	"strings"
	"testing"

	"connectrpc.com/connect/v2"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/types/descriptorpb"

	"github.com/collectiverpc/collective/dispatcher"
	meshv1 "github.com/collectiverpc/collective/gen/collector/mesh/v1"
)

type fileProto = descriptorpb.FileDescriptorProto

const echoName protoreflect.FullName = "collector.testing.v1.EchoService"

// Reflection describes what is served at the moment, and not everything that is compiled in.
func TestReflection_FollowsRegistration(t *testing.T) {
	t.Parallel()
	a := serve(t, "a", []string{"test"})
	stream := a.reflectionOf(t)
	if before := listed(t, stream); strings.Contains(before, string(echoName)) ||
		!strings.Contains(before, "collector.CollectiveDispatcher") || !strings.Contains(before, "collector.mesh.v1.MeshService") {
		t.Errorf("before: %v", before)
	}
	if _, err := stream.FileContainingSymbol(echoName); err == nil {
		t.Error("a service that is not registered is described")
	}
	a.hostEcho(t, "test")
	if after := listed(t, stream); !strings.Contains(after, string(echoName)) {
		t.Errorf("after: %v", after)
	}
	checkDescribed(t, a)
	a.Unregister("test", string(echoName))
	if gone := listed(t, stream); strings.Contains(gone, string(echoName)) {
		t.Errorf("gone: %v", gone)
	}
}

func checkDescribed(t *testing.T, n node) {
	t.Helper()
	stream := n.reflectionOf(t)
	for _, symbol := range []protoreflect.FullName{echoName, echoName + ".Echo", "collector.testing.v1.EchoRequest"} {
		files, err := stream.FileContainingSymbol(symbol)
		if err != nil || len(files) == 0 {
			t.Errorf("%s: %v", symbol, err)
		}
	}
}

// What a peer registers while it runs is described here too, and forgotten when the peer withdraws it or is disconnected.
func TestReflection_OfPeers(t *testing.T) {
	t.Parallel()
	a, b := serve(t, "a", []string{"test"}), serve(t, "b", []string{"test"})
	join(t, a, b)
	b.hostEcho(t, "test")
	a.knows(t, "test", "/"+string(echoName)+"/Echo")
	a.learns(t, "b")
	checkDescribed(t, a)
	b.Unregister("test", string(echoName))
	b.hostBox(t, boxFile(t))
	a.knows(t, "test", "/box.BoxService/Open")
	a.learns(t, "b")
	if names := listed(t, a.reflectionOf(t)); strings.Contains(names, string(echoName)) || !strings.Contains(names, "box.BoxService") {
		t.Errorf("after another registration: %s", names)
	}
	if err := a.Connections().Disconnect(t.Context(), a.Connections().ListConnections()[0].GetId(), "test", false); err != nil {
		t.Fatal(err)
	}
	a.untilSchemas(t, "forgetting b", func(learned func(string) bool) bool { return !learned("b") })
	if names := listed(t, a.reflectionOf(t)); strings.Contains(names, "box.BoxService") {
		t.Errorf("after the disconnect: %s", names)
	}
	if _, err := a.status(t).GetDescriptorSet(t.Context(), &meshv1.GetDescriptorSetRequest{CollectorId: "b"}); err == nil {
		t.Error("the schemas of a disconnected peer are kept")
	}
}

// GetDescriptorSet of another collector answers its files, dependencies first, with comments.
func TestGetDescriptorSet_OfAPeer(t *testing.T) {
	t.Parallel()
	commented := func(file *fileProto) {
		file.SourceCodeInfo = &descriptorpb.SourceCodeInfo{Location: []*descriptorpb.SourceCodeInfo_Location{
			{Path: []int32{6, 0}, Span: []int32{1, 0, 5}, LeadingComments: proto.String(" A box service.\n")},
		}}
	}
	a, b := serve(t, "a", []string{"test"}), serve(t, "b", []string{"test", "secret"})
	b.hostBox(t, boxFile(t, commented))
	b.hostEcho(t, "secret")
	join(t, a, b)
	a.knows(t, "test", "/box.BoxService/Open")
	res, err := a.status(t).GetDescriptorSet(t.Context(), &meshv1.GetDescriptorSetRequest{CollectorId: "b"})
	if err != nil {
		t.Fatal(err)
	}
	files := res.GetFileDescriptorSet().GetFile()
	if len(files) != 1 || files[0].GetSourceCodeInfo().GetLocation()[0].GetLeadingComments() != " A box service.\n" {
		t.Errorf("files: %v, want box.proto with its comment and nothing of the namespace that is not shared", files)
	}
}

// One schema in two namespaces is two schemas: a client sees those of the namespace that it names.
func TestReflection_OfANamespace(t *testing.T) {
	t.Parallel()
	a, b := serve(t, "a", []string{"test", "other"}), serve(t, "b", []string{"test", "other"})
	b.hostBox(t, boxFile(t))
	b.hostEcho(t, "other")
	join(t, a, b)
	a.knows(t, "other", "/"+string(echoName)+"/Echo")
	a.learns(t, "b")
	for _, tt := range []struct {
		headers   []string
		box, echo bool
	}{
		{nil, true, true},
		{[]string{"Collective-Namespace", "test"}, true, false},
		{[]string{"Collective-Namespace", "other"}, false, true},
		{[]string{"Collective-Target", "b"}, true, true},
		{[]string{"Collective-Target", "a"}, false, false},
	} {
		names := listed(t, a.reflectionOf(t, tt.headers...))
		if strings.Contains(names, "box.BoxService") != tt.box || strings.Contains(names, string(echoName)) != tt.echo {
			t.Errorf("%v: %s", tt.headers, names)
		}
	}
	for _, headers := range [][]string{{"Collective-Namespace", "nowhere"}, {"Collective-Target", "nobody"}} {
		if _, err := a.reflectionOf(t, headers...).ListServices(); connect.CodeOf(err) != connect.CodeNotFound {
			t.Errorf("%v: %v", headers, err)
		}
	}
}

// Two peers whose files contradict each other: the first one is shown, that the other is hidden is said, and who names
// the other as the target sees it.
func TestReflection_OfPeersThatContradict(t *testing.T) {
	t.Parallel()
	rename := func(file *fileProto) { file.Service[0].Name = proto.String("CrateService") } // in another box.proto
	a, b, c := serve(t, "a", []string{"test"}), serve(t, "b", []string{"test"}), serve(t, "c", []string{"test"})
	b.hostBox(t, boxFile(t))
	c.hostBox(t, boxFile(t, rename))
	join(t, a, b)
	join(t, a, c)
	a.knows(t, "test", "/box.CrateService/Open")
	a.learns(t, "b")
	a.learns(t, "c")
	if names := listed(t, a.reflectionOf(t)); !strings.Contains(names, "box.BoxService") || strings.Contains(names, "box.CrateService") {
		t.Errorf("all: %s", names)
	}
	if names := listed(t, a.reflectionOf(t, "Collective-Target", "c")); strings.Contains(names, "box.BoxService") || !strings.Contains(names, "box.CrateService") {
		t.Errorf("c: %s", names)
	}
	status, err := a.status(t).GetStatus(t.Context(), &meshv1.GetStatusRequest{})
	if err != nil {
		t.Fatal(err)
	}
	if warnings := strings.Join(status.GetWarnings(), "\n"); !strings.Contains(warnings, "box.CrateService of c") || !strings.Contains(warnings, "box.proto") {
		t.Errorf("warnings: %s", warnings)
	}
}

func TestReflection_CanBeLeftOut(t *testing.T) {
	t.Parallel()
	a := serve(t, "a", []string{"test"}, dispatcher.WithoutReflection())
	if _, err := a.reflectionOf(t).ListServices(); connect.CodeOf(err) != connect.CodeUnimplemented {
		t.Errorf("err = %v", err)
	}
}
