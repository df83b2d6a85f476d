package dispatcher_test

import (
	"context"
	"slices"
	"strings"
	"testing"
	"time"

	"connectrpc.com/connect/v2"
	"connectrpc.com/connect/v2/connecthttp"
	"connectrpc.com/grpcreflect/v2"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protodesc"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/types/descriptorpb"
	"google.golang.org/protobuf/types/dynamicpb"

	meshv1 "github.com/collectiverpc/collective/gen/collector/mesh/v1"
	"github.com/collectiverpc/collective/internal/meshtest"
)

// boxFile declares box.BoxService with the method Open; edits change it.
func boxFile(t testing.TB, edits ...func(*descriptorpb.FileDescriptorProto)) protoreflect.ServiceDescriptor {
	t.Helper()
	field := func(name string, number int32) *descriptorpb.FieldDescriptorProto {
		return &descriptorpb.FieldDescriptorProto{
			Name: &name, Number: &number, Type: descriptorpb.FieldDescriptorProto_TYPE_STRING.Enum(),
			Label: descriptorpb.FieldDescriptorProto_LABEL_OPTIONAL.Enum(),
		}
	}
	file := &descriptorpb.FileDescriptorProto{
		Name: proto.String("box.proto"), Package: proto.String("box"), Syntax: proto.String("proto3"),
		MessageType: []*descriptorpb.DescriptorProto{
			{Name: proto.String("OpenRequest"), Field: []*descriptorpb.FieldDescriptorProto{field("id", 1), field("key", 2)}},
			{Name: proto.String("OpenResponse"), Field: []*descriptorpb.FieldDescriptorProto{field("content", 1)}},
		},
		Service: []*descriptorpb.ServiceDescriptorProto{{
			Name: proto.String("BoxService"),
			Method: []*descriptorpb.MethodDescriptorProto{{
				Name: proto.String("Open"), InputType: proto.String(".box.OpenRequest"), OutputType: proto.String(".box.OpenResponse"),
			}},
		}},
	}
	for _, edit := range edits {
		edit(file)
	}
	built, err := protodesc.NewFile(file, nil)
	if err != nil {
		t.Fatal(err)
	}
	return built.Services().Get(0)
}

// numericID is a breaking change: box.OpenRequest.id becomes a number.
func numericID(file *descriptorpb.FileDescriptorProto) {
	file.MessageType[0].Field[0].Type = descriptorpb.FieldDescriptorProto_TYPE_INT64.Enum()
}

// moreContent is a compatible change: box.OpenResponse gets a field.
func moreContent(file *descriptorpb.FileDescriptorProto) {
	message := file.MessageType[1]
	more := proto.CloneOf(message.Field[0])
	more.Name, more.Number = proto.String("size"), proto.Int32(2)
	message.Field = append(message.Field, more)
}

// hostBox serves a version of the box service, which answers with the id of the collector.
func (n node) hostBox(t testing.TB, service protoreflect.ServiceDescriptor) {
	t.Helper()
	err := n.RegisterDynamic("test", service, func(_ context.Context, spec connect.Spec, stream connect.ServerStream) error {
		method, _ := spec.Schema.(protoreflect.MethodDescriptor)
		if err := stream.Receive(dynamicpb.NewMessage(method.Input())); err != nil {
			return err
		}
		out := dynamicpb.NewMessage(method.Output())
		out.Set(method.Output().Fields().ByName("content"), protoreflect.ValueOfString("of "+n.ID()))
		return stream.Send(out)
	})
	if err != nil {
		t.Fatal(err)
	}
}

// open calls box.BoxService.Open over the mesh as a client that was generated from a version of its schema.
func (n node) open(t testing.TB, client protoreflect.ServiceDescriptor, target string) (string, error) {
	t.Helper()
	method := client.Methods().ByName("Open")
	ctx, info := connect.NewClientContext(t.Context())
	if target != "" {
		info.RequestHeader().Set("Collective-Target", target)
	}
	out := dynamicpb.NewMessage(method.Output())
	spec := connect.Spec{Procedure: "/box.BoxService/Open", Schema: method}
	err := connect.NewClient(n.Transport("test")).CallUnary(ctx, spec, dynamicpb.NewMessage(method.Input()), out)
	return out.Get(method.Output().Fields().ByName("content")).String(), err
}

// method is how a collector lists a method; nil if it does not.
func (n node) method(t *testing.T, service, method string) *meshv1.Method {
	t.Helper()
	list, err := n.status(t).ListServices(t.Context(), &meshv1.ListServicesRequest{Namespace: "test"})
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range list.GetServices() {
		for _, m := range s.GetMethods() {
			if s.GetName() == service && m.GetName() == method {
				return m
			}
		}
	}
	return nil
}

// learns waits until a collector knows all schemas that its peer has announced, and what they mean for its calls.
func (n node) learns(t testing.TB, peer string) {
	t.Helper()
	n.untilSchemas(t, "the schemas of "+peer, func(learned func(string) bool) bool { return learned(peer) })
}

// untilSchemas waits until a condition on what a collector has learned holds.
func (n node) untilSchemas(t testing.TB, what string, condition func(learned func(peer string) bool) bool) {
	t.Helper()
	deadline := time.NewTimer(patience)
	defer deadline.Stop()
	for {
		changed, learned := n.SchemaChange()
		table := n.Connections().Changed()
		if condition(learned) {
			return
		}
		select {
		case <-changed:
		case <-table:
		case <-deadline.C:
			t.Fatalf("collector %s: %s did not come", n.ID(), what)
		}
	}
}

// reflectionOf is a reflection stream at a collector, with request headers in pairs.
func (n node) reflectionOf(t testing.TB, headers ...string) *grpcreflect.ClientStream {
	t.Helper()
	ctx, info := connect.NewClientContext(t.Context())
	for pair := range slices.Chunk(headers, 2) {
		info.RequestHeader().Set(pair[0], pair[1])
	}
	transport := connecthttp.NewTransport(meshtest.HTTP2Client(t), "http://"+n.Address, connecthttp.WithGRPC())
	stream := grpcreflect.NewClient(connect.NewClient(transport)).NewStream(ctx)
	t.Cleanup(func() { _ = stream.Close() })
	return stream
}

func listed(t testing.TB, stream *grpcreflect.ClientStream) string {
	t.Helper()
	names, err := stream.ListServices()
	if err != nil {
		t.Fatal(err)
	}
	texts := make([]string, len(names))
	for i, name := range names {
		texts[i] = string(name)
	}
	return strings.Join(texts, " ")
}

// A service that is registered while the mesh runs can be seen by everybody who looks for it, in reflection and in what
// the console asks, on every collector within a second. The fastest of a few counts: the machine may have other work, but
// no timer may be in the way.
func TestRegistrationAtRunTimeIsVisibleEverywhere(t *testing.T) {
	a, b, c := serve(t, "a", []string{"test"}), serve(t, "b", []string{"test"}), serve(t, "c", []string{"test"})
	join(t, a, b)
	join(t, c, b)
	fastest := patience
	for _, letter := range []string{"A", "B", "C", "D", "E"} {
		start := time.Now()
		b.hostBox(t, boxFile(t, func(file *descriptorpb.FileDescriptorProto) {
			file.Name, file.Package = proto.String(letter+".proto"), proto.String("box"+letter)
			method := file.Service[0].Method[0]
			method.InputType, method.OutputType = proto.String(".box"+letter+".OpenRequest"), proto.String(".box"+letter+".OpenResponse")
		}))
		for _, n := range []node{a, c} {
			n.knows(t, "test", "/box"+letter+".BoxService/Open")
			n.learns(t, "b")
		}
		fastest = min(fastest, time.Since(start))
	}
	if fastest > time.Second {
		t.Errorf("it took %v", fastest)
	}
	for _, n := range []node{a, b, c} {
		checkVisible(t, n, "boxE.BoxService", "E.proto")
	}
}

func checkVisible(t *testing.T, n node, service, file string) {
	t.Helper()
	if names := listed(t, n.reflectionOf(t)); !strings.Contains(names, service) {
		t.Errorf("reflection at %s: %s", n.ID(), names)
	}
	if method := n.method(t, service, "Open"); !slices.Equal(method.GetCollectorIds(), []string{"b"}) {
		t.Errorf("ListServices at %s: %v", n.ID(), method)
	}
	res, err := n.status(t).GetDescriptorSet(t.Context(), &meshv1.GetDescriptorSetRequest{CollectorId: "b"})
	isIt := func(f *descriptorpb.FileDescriptorProto) bool { return f.GetName() == file }
	if err != nil || !slices.ContainsFunc(res.GetFileDescriptorSet().GetFile(), isIt) {
		t.Errorf("GetDescriptorSet at %s: %v, %v", n.ID(), res, err)
	}
}
