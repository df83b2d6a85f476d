package dispatcher_test

import (
	"context"
	"errors"
	"io"
	"strings"
	"testing"

	"connectrpc.com/connect/v2"
	"github.com/google/go-cmp/cmp"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protodesc"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/types/descriptorpb"
	"google.golang.org/protobuf/types/dynamicpb"

	"github.com/collectiverpc/collective/dispatcher"
	"github.com/collectiverpc/collective/gen/collector"
	testingv1 "github.com/collectiverpc/collective/gen/collector/testing/v1"
	"github.com/collectiverpc/collective/gen/collector/testing/v1/testingv1connect"
)

func echoService() protoreflect.ServiceDescriptor {
	return testingv1.File_collector_testing_v1_testing_proto.Services().ByName("EchoService")
}

func TestRegister_EveryWayServesAllItsStreamKinds(t *testing.T) {
	t.Parallel()
	ways := map[string]func(n node) error{
		"Register": func(n node) error {
			return n.Register("test", func(s *connect.Server) { testingv1connect.RegisterEchoServiceHandler(s, echo{"b"}) })
		},
		"RegisterImplementation": func(n node) error { return n.RegisterImplementation("test", echoService(), echo{"b"}) },
		"RegisterDynamic":        func(n node) error { return n.RegisterDynamic("test", echoService(), dynamicEcho) },
	}
	for name, register := range ways {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			a, b := serve(t, "a", []string{"test"}), serve(t, "b", []string{"test"})
			if err := register(b); err != nil {
				t.Fatal(err)
			}
			join(t, a, b)
			a.knows(t, "test", testingv1connect.EchoServiceConverseProcedure)
			for _, entrance := range []node{a, b} {
				exerciseStreams(t, entrance.client(t), "b")
				exerciseStreams(t, testingv1connect.NewEchoServiceClient(connect.NewClient(entrance.Transport("test"))), "b")
			}
		})
	}
}

// dynamicEcho is echo{"b"} without any generated type.
func dynamicEcho(ctx context.Context, spec connect.Spec, stream connect.ServerStream) error {
	method := spec.Schema.(protoreflect.MethodDescriptor)
	text, number := method.Input().Fields().ByName("text"), method.Input().Fields().ByName("number")
	echo{"b"}.Reply(ctx, "")
	answer := func(field protoreflect.Name, value protoreflect.Value) error {
		out := dynamicpb.NewMessage(method.Output())
		out.Set(method.Output().Fields().ByName(field), value)
		return stream.Send(out)
	}
	sum := int64(0)
	for {
		in := dynamicpb.NewMessage(method.Input())
		if err := stream.Receive(in); errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			return err
		}
		switch {
		case text != nil:
			if err := answer("text", protoreflect.ValueOfString(in.Get(text).String()+" on b")); err != nil {
				return err
			}
		case number != nil:
			sum += in.Get(number).Int()
		default:
			limit := in.Get(method.Input().Fields().ByName("limit")).Int()
			for n := int64(1); n <= limit; n++ {
				if err := answer("number", protoreflect.ValueOfInt64(n)); err != nil {
					return err
				}
			}
		}
	}
	if number != nil {
		return answer("sum", protoreflect.ValueOfInt64(sum))
	}
	return nil
}

func TestHandle_ServesOneMethod(t *testing.T) {
	t.Parallel()
	a := serve(t, "a", []string{"test"})
	method := echoService().Methods().ByName("Echo")
	err := dispatcher.Handle(a.Dispatcher, "test", method, func(_ context.Context, in *testingv1.EchoRequest) (*testingv1.EchoResponse, error) {
		return &testingv1.EchoResponse{Text: strings.ToUpper(in.GetText())}, nil
	})
	if err != nil {
		t.Fatal(err)
	}
	res, err := a.client(t).Echo(t.Context(), &testingv1.EchoRequest{Text: "hi"})
	if err != nil || res.GetText() != "HI" {
		t.Errorf("%v, %v", res, err)
	}
	if _, err := a.client(t).Look(t.Context(), &testingv1.LookRequest{}); connect.CodeOf(err) != connect.CodeUnimplemented {
		t.Errorf("a method that is not registered: %v", err)
	}
}

func TestRegister_Misuse(t *testing.T) {
	t.Parallel()
	a := serve(t, "a", []string{"test"})
	a.hostEcho(t, "test")
	a.registerString(t, "test", "S", "M")
	echoMethod := echoService().Methods().ByName("Echo")
	nothing := func(context.Context, any) (any, error) { return nil, nil }
	tests := []struct {
		name string
		err  error
		want []string // parts of the text, all of them
	}{
		{"another namespace", a.RegisterService("tset", "S", "M", nothing), []string{`namespace "tset"`, "made for the namespaces test", "add it to New"}},
		{"bad namespace", a.RegisterService("Te st", "S", "M", nothing), []string{"want 1 to 63 of a-z"}},
		{"bad names", a.RegisterService("test", "S/x", "", nil), []string{"service", "method", "the handler is nil"}},
		{"twice, untyped", a.RegisterService("test", "S", "M", nothing), []string{"S/M is registered already: untyped handler"}},
		{"over a typed one", a.RegisterService("test", "collector.testing.v1.EchoService", "Echo", nothing), []string{"is registered already: typed handler (collector.testing.v1.EchoRequest) returns (collector.testing.v1.EchoResponse)"}},
		{"twice, all of it", a.RegisterImplementation("test", echoService(), echo{}), []string{"EchoService/Echo is registered", "EchoService/Converse is registered already: typed handler (stream collector.testing.v1.ConverseRequest) returns (stream "}},
		{"nothing", a.Register("test", func(*connect.Server) {}), []string{"there is no method in it"}},
		{"panic", a.Register("test", func(s *connect.Server) {
			testingv1connect.RegisterEchoServiceHandler(s, echo{})
			testingv1connect.RegisterEchoServiceHandler(s, echo{})
		}), []string{"panicked", "duplicate procedure"}},
		{"the collector's own", a.RegisterDynamic("test", collector.File_collector_dispatcher_proto.Services().Get(0), dynamicEcho), []string{"collector.CollectiveDispatcher/Serve belongs to the collector itself"}},
		{"nil descriptor", a.RegisterDynamic("test", nil, dynamicEcho), []string{"nil"}},
		{"nil implementation", a.RegisterImplementation("test", echoService(), nil), []string{"nil"}},
		{"wrong messages", dispatcher.Handle(a.Dispatcher, "test", echoMethod, func(context.Context, *testingv1.LookRequest) (*testingv1.LookResponse, error) { return nil, nil }),
			[]string{"Echo takes collector.testing.v1.EchoRequest, the function has collector.testing.v1.LookRequest", "returns collector.testing.v1.EchoResponse, the function has"}},
		{"interface messages", dispatcher.Handle(a.Dispatcher, "test", echoMethod, func(context.Context, proto.Message) (proto.Message, error) { return nil, nil }), []string{"has an interface there"}},
		{"dynamic messages", dispatcher.Handle(a.Dispatcher, "test", echoMethod, func(context.Context, *dynamicpb.Message) (*dynamicpb.Message, error) { return nil, nil }), []string{"use RegisterDynamic"}},
		{"streaming method", dispatcher.Handle(a.Dispatcher, "test", echoService().Methods().ByName("Count"), func(context.Context, *testingv1.CountRequest) (*testingv1.CountResponse, error) { return nil, nil }), []string{"streams; use Register"}},
		{"nil method and function", dispatcher.Handle[*testingv1.EchoRequest, *testingv1.EchoResponse](a.Dispatcher, "test", nil, nil), []string{"the method descriptor is nil"}},
	}
	for _, tt := range tests {
		if !errors.Is(tt.err, dispatcher.ErrRegistration) {
			t.Errorf("%s: %v", tt.name, tt.err)
			continue
		}
		for _, part := range tt.want {
			if !strings.Contains(tt.err.Error(), part) {
				t.Errorf("%s: %q does not say %q", tt.name, tt.err, part)
			}
		}
	}
}

// wrongEcho has every kind of mistake.
type wrongEcho struct{}

func (wrongEcho) Echo(*testingv1.EchoRequest) (*testingv1.EchoResponse, error) { return nil, nil }
func (wrongEcho) Look(context.Context, *testingv1.EchoRequest) (*testingv1.LookResponse, error) {
	return nil, nil
}
func (wrongEcho) Fail(context.Context, *testingv1.FailRequest) (*testingv1.EchoResponse, string) {
	return nil, ""
}
func (wrongEcho) Collect(context.Context, *testingv1.CollectRequest) (*testingv1.CollectResponse, error) {
	return nil, nil
}
func (wrongEcho) Count(context.Context, *testingv1.CountRequest, testingv1connect.EchoServiceConverseServerStream) error {
	return nil
}

func TestRegisterImplementation_ListsEveryMismatch(t *testing.T) {
	t.Parallel()
	a := serve(t, "a", []string{"test"})
	err := a.RegisterImplementation("test", echoService(), wrongEcho{})
	if err == nil {
		t.Fatal("no error")
	}
	problems := strings.Split(strings.TrimPrefix(err.Error(), `registration refused: namespace "test": `), "; ")
	var got []string
	for _, p := range problems {
		if !strings.HasPrefix(p, "want ") {
			got = append(got, p)
		}
	}
	want := []string{
		"Echo: wrong number of parameters or results",
		"Look: parameter 2 is a collector.testing.v1.EchoRequest, not a collector.testing.v1.LookRequest",
		"Fail: result 1 is a collector.testing.v1.EchoResponse, not a collector.testing.v1.FailResponse",
		"Collect: parameter 2 is neither connect.ServerStream nor a generated stream",
		"Count: parameter 3 does not send collector.testing.v1.CountResponse",
		"Converse: dispatcher_test.wrongEcho has no method Converse",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("problems (-want +got):\n%s", diff)
	}
	if !strings.Contains(err.Error(), "want func(context.Context, *EchoRequest) (*EchoResponse, error), have func(*testingv1.EchoRequest)") {
		t.Errorf("no wanted signature in %v", err)
	}
}

// plainStreams implements the streaming methods with connect's own stream type.
type plainStreams struct{ echo }

func (plainStreams) Count(ctx context.Context, req *testingv1.CountRequest, stream connect.ServerStream) error {
	for n := range req.GetLimit() {
		if err := stream.Send(&testingv1.CountResponse{Number: n + 1}); err != nil {
			return err
		}
	}
	return nil
}

func TestRegisterImplementation_TakesPlainStreams(t *testing.T) {
	t.Parallel()
	a := serve(t, "a", []string{"test"})
	if err := a.RegisterImplementation("test", echoService(), plainStreams{echo{"a"}}); err != nil {
		t.Fatal(err)
	}
	stream, err := a.client(t).Count(t.Context(), &testingv1.CountRequest{Limit: 1})
	if err != nil {
		t.Fatal(err)
	}
	defer stream.Close()
	if res, err := stream.Receive(); err != nil || res.GetNumber() != 1 {
		t.Errorf("%v, %v", res, err)
	}
}

func TestUnregister_TakesEffectHereAndOnPeers(t *testing.T) {
	t.Parallel()
	a, b := pair(t)
	const procedure = testingv1connect.EchoServiceEchoProcedure
	if !b.UnregisterMethod("test", "collector.testing.v1.EchoService", "Echo") || b.UnregisterMethod("test", "collector.testing.v1.EchoService", "Echo") {
		t.Error("UnregisterMethod does not report what it did")
	}
	if _, err := b.client(t).Echo(t.Context(), &testingv1.EchoRequest{}); connect.CodeOf(err) != connect.CodeUnimplemented {
		t.Errorf("at b: %v", err)
	}
	a.waitFor(t, "withdrawal", func() bool { return len(a.Connections().Table().Serving("test", procedure)) == 0 })
	if _, err := a.client(t).Echo(t.Context(), &testingv1.EchoRequest{}); connect.CodeOf(err) != connect.CodeUnimplemented {
		t.Errorf("at a: %v", err)
	}
	if _, err := a.client(t).Look(t.Context(), &testingv1.LookRequest{}); err != nil {
		t.Errorf("another method: %v", err)
	}
	if !b.Unregister("test", "collector.testing.v1.EchoService") || b.Unregister("test", "collector.testing.v1.EchoService") {
		t.Error("Unregister does not report what it did")
	}
	b.hostEcho(t, "test")
	a.knows(t, "test", procedure)
	if _, err := a.client(t).Echo(t.Context(), &testingv1.EchoRequest{}); err != nil {
		t.Errorf("registered again: %v", err)
	}
}

// A service that exists only as a descriptor is served, forwarded and called without any generated code.
func TestRegisterDynamic_WithoutGeneratedCode(t *testing.T) {
	t.Parallel()
	file, err := protodesc.NewFile(&descriptorpb.FileDescriptorProto{
		Name: proto.String("made/up.proto"), Package: proto.String("made.up"), Syntax: proto.String("proto3"),
		MessageType: []*descriptorpb.DescriptorProto{{Name: proto.String("M"), Field: []*descriptorpb.FieldDescriptorProto{{
			Name: proto.String("text"), JsonName: proto.String("text"), Number: proto.Int32(1),
			Type: descriptorpb.FieldDescriptorProto_TYPE_STRING.Enum(), Label: descriptorpb.FieldDescriptorProto_LABEL_OPTIONAL.Enum(),
		}}}},
		Service: []*descriptorpb.ServiceDescriptorProto{{Name: proto.String("Service"), Method: []*descriptorpb.MethodDescriptorProto{{
			Name: proto.String("do_it"), InputType: proto.String(".made.up.M"), OutputType: proto.String(".made.up.M"),
		}}}},
	}, nil)
	if err != nil {
		t.Fatal(err)
	}
	a, b := serve(t, "a", []string{"test"}), serve(t, "b", []string{"test"})
	if err := b.RegisterDynamic("test", file.Services().Get(0), dynamicEcho); err != nil {
		t.Fatal(err)
	}
	join(t, a, b)
	a.knows(t, "test", "/made.up.Service/do_it")
	message := file.Messages().Get(0)
	for _, n := range []node{a, b} {
		in, out := dynamicpb.NewMessage(message), dynamicpb.NewMessage(message)
		in.Set(message.Fields().Get(0), protoreflect.ValueOfString("hi"))
		client := connect.NewClient(n.Transport("test"))
		if err := client.CallUnary(t.Context(), connect.Spec{Procedure: "/made.up.Service/do_it"}, in, out); err != nil {
			t.Fatal(err)
		}
		if got := out.Get(message.Fields().Get(0)).String(); got != "hi on b" {
			t.Errorf("at %s: %q", n.ID(), got)
		}
	}
}

func TestNew_ListsWhatIsWrong(t *testing.T) {
	t.Parallel()
	_, err := dispatcher.New("Bad Id", "", []string{"ok", "Not Ok", "ok", "system.x"})
	if err == nil {
		t.Fatal("no error")
	}
	for _, part := range []string{`collector id "Bad Id"`, `namespace "Not Ok"`, `namespace "ok" is given twice`, `namespace "system.x" is reserved`, "want 1 to 63 of a-z"} {
		if !strings.Contains(err.Error(), part) {
			t.Errorf("%q does not say %q", err, part)
		}
	}
}
