package rules_test

import (
	"context"
	"errors"
	"io"
	"strings"
	"testing"

	rulesproto "buf.build/gen/go/bufbuild/protovalidate/protocolbuffers/go/buf/validate"
	"buf.build/go/protovalidate"
	"connectrpc.com/connect/v2"
	"connectrpc.com/connect/v2/connecthttp"
	"connectrpc.com/connect/v2/connectproto"
	"connectrpc.com/validate"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protodesc"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/reflect/protoregistry"
	"google.golang.org/protobuf/types/descriptorpb"
	"google.golang.org/protobuf/types/dynamicpb"
	"google.golang.org/protobuf/types/known/anypb"

	"github.com/collectiverpc/collective/dispatcher"
	"github.com/collectiverpc/collective/gen/collector"
	meshv1 "github.com/collectiverpc/collective/gen/collector/mesh/v1"
	"github.com/collectiverpc/collective/gen/collector/mesh/v1/meshv1connect"
	"github.com/collectiverpc/collective/registry"
	"github.com/collectiverpc/collective/rules"
)

func ruled(opts ...validate.Option) dispatcher.Option {
	return dispatcher.WithServerInterceptors(rules.NewServerInterceptor(opts...))
}

// entrance is a way into a collector. Its error is a Status' text in the envelopes, a Connect error elsewhere.
type entrance func(t *testing.T, n node, file protoreflect.FileDescriptor, in proto.Message) error

// failed is the failure of an envelope.
type failed struct{ *collector.Status }

func (f failed) Error() string { return f.GetMessage() }

func entrances() map[string]entrance {
	return map[string]entrance{
		"native Connect":  native(),
		"native JSON":     native(connecthttp.WithSendCodec(connect.CodecNameJSON), connecthttp.WithProtoJSON()),
		"native gRPC":     native(connecthttp.WithGRPC()),
		"native gRPC-Web": native(connecthttp.WithGRPCWeb()),
		"in process": func(t *testing.T, n node, file protoreflect.FileDescriptor, in proto.Message) error {
			return place(t, n.Transport("shop"), file, in)
		},
		"Dispatch": func(t *testing.T, n node, file protoreflect.FileDescriptor, in proto.Message) error {
			res, err := n.Dispatch(t.Context(), &collector.DispatchRequest{
				Namespace: "shop", Service: orderService(file), MethodName: "Place", Input: packed(t, in),
			})
			return statusErr(res.GetStatus(), err)
		},
		"Serve": func(t *testing.T, n node, file protoreflect.FileDescriptor, in proto.Message) error {
			res, err := n.Serve(t.Context(), &collector.ServeRequest{
				Namespace: "shop", Service: orderService(file), MethodName: "Place", Input: packed(t, in),
			})
			return statusErr(res.GetStatus(), err)
		},
	}
}

func native(opts ...connecthttp.Option) entrance {
	return func(t *testing.T, n node, file protoreflect.FileDescriptor, in proto.Message) error {
		return place(t, n.transport(t, opts...), file, in)
	}
}

func place(t *testing.T, transport connect.Transport, file protoreflect.FileDescriptor, in proto.Message) error {
	t.Helper()
	out := dynamicpb.NewMessage(file.Messages().ByName("Receipt"))
	return connect.NewClient(transport).CallUnary(t.Context(), specOf(file, "OrderService", "Place"), in, out)
}

func orderService(file protoreflect.FileDescriptor) *collector.ServiceTypeRef {
	return &collector.ServiceTypeRef{ServiceName: string(file.Services().ByName("OrderService").FullName())}
}

func packed(t *testing.T, message proto.Message) *anypb.Any {
	t.Helper()
	in, err := anypb.New(message)
	if err != nil {
		t.Fatal(err)
	}
	return in
}

func statusErr(status *collector.Status, err error) error {
	if err != nil || status.GetCode() == 200 {
		return err
	}
	return failed{status}
}

// checkInvalid wants invalid_argument and the field in the text, however the entrance tells it.
func checkInvalid(t *testing.T, err error, field string) {
	t.Helper()
	text, code, reason := "", "", ""
	if status, ok := errors.AsType[failed](err); ok {
		text, code, reason = status.Error(), status.GetDetails()["code"], status.GetDetails()["reason"]
		if status.GetCode() != 400 {
			t.Errorf("the status is %d", status.GetCode())
		}
	} else if refused, ok := errors.AsType[*connect.Error](err); ok {
		text, code, reason = refused.Message(), refused.Code().String(), checkDetails(t, refused, field)
	}
	if code != "invalid_argument" || !strings.Contains(text, field+": ") || reason != "input_invalid" {
		t.Errorf("%q %q %q, want field %s", code, reason, text, field)
	}
}

// checkDetails finds the field in the details too, for programs, and answers the reason of the CallFailure.
func checkDetails(t *testing.T, err *connect.Error, field string) (reason string) {
	t.Helper()
	for _, detail := range err.Details() {
		message, err := connectproto.UnmarshalErrorDetail(detail)
		if err != nil {
			t.Fatal(err)
		}
		switch m := message.(type) {
		case *meshv1.CallFailure:
			reason = m.GetReason()
		case *rulesproto.Violations:
			if got := protovalidate.FieldPathString(m.GetViolations()[0].GetField()); got != field {
				t.Errorf("the violation is in %q, want %q", got, field)
			}
		}
	}
	return reason
}

// a forwards to b. Wherever a call comes in, the rules of b's schema decide before b's handler sees it.
func TestEveryEntranceIsJudged(t *testing.T) {
	t.Parallel()
	file := compile(t, "entrances")
	a, b := serve(t, "a", ruled()), serve(t, "b", ruled())
	b.host(t, file, "OrderService")
	join(t, a, b, "/entrances.OrderService/Place")
	homeless := order(file, "tea", 1)
	homeless.Mutable(homeless.Descriptor().Fields().ByName("to"))
	for name, enter := range entrances() {
		for _, n := range []node{a, b} {
			if name == "Serve" && n.ID() == "a" {
				continue // it runs nothing there
			}
			t.Run(name+" at "+n.ID(), func(t *testing.T) {
				before := b.ran.Load()
				checkInvalid(t, enter(t, n, file, order(file, "te", 1)), "sku")
				checkInvalid(t, enter(t, n, file, order(file, "tea", 101)), "quantity")
				checkInvalid(t, enter(t, n, file, homeless), "to.city")
				if b.ran.Load() != before {
					t.Error("the handler ran")
				}
				if err := enter(t, n, file, order(file, "tea", 100)); err != nil {
					t.Errorf("valid: %v", err)
				}
				if b.ran.Load() != before+1 {
					t.Error("the handler did not run")
				}
			})
		}
	}
}

func TestEachMessageOfAStreamIsJudged(t *testing.T) {
	t.Parallel()
	file := compile(t, "streams")
	a, b := serve(t, "a", ruled()), serve(t, "b", ruled())
	b.host(t, file, "OrderService")
	join(t, a, b, "/streams.OrderService/Place")
	for name, transport := range map[string]connect.Transport{
		"gRPC at a": a.transport(t, connecthttp.WithGRPC()), "Connect at b": b.transport(t), "in process at a": a.Transport("shop"),
	} {
		for _, method := range []protoreflect.Name{"PlaceMany", "Negotiate"} {
			t.Run(name+" "+string(method), func(t *testing.T) {
				before := b.ran.Load()
				stream, err := connect.NewClient(transport).CallClientStream(t.Context(), specOf(file, "OrderService", method))
				if err != nil {
					t.Fatal(err)
				}
				defer stream.Close()
				for _, sku := range []string{"tea", "milk", "x", "sugar"} {
					if err := stream.Send(order(file, sku, 1)); err != nil && !errors.Is(err, io.EOF) {
						t.Fatal(err)
					}
				}
				_ = stream.CloseSend()
				checkInvalid(t, stream.Receive(dynamicpb.NewMessage(file.Messages().ByName("Receipt"))), "sku")
				if got := b.ran.Load() - before; got != 2 {
					t.Errorf("the handler got %d messages", got)
				}
			})
		}
	}
}

// An untyped handler gets a message of a type of this process: its rules count.
func TestUntypedHandlersAreJudged(t *testing.T) {
	t.Parallel()
	file := compile(t, "untyped")
	if err := protoregistry.GlobalTypes.RegisterMessage(dynamicpb.NewMessageType(file.Messages().ByName("Order"))); err != nil {
		t.Fatal(err)
	}
	n := serve(t, "a", ruled())
	err := n.RegisterService("shop", "untyped.OrderService", "Place", func(context.Context, any) (any, error) {
		n.ran.Add(1)
		return "done", nil
	})
	if err != nil {
		t.Fatal(err)
	}
	enter := entrances()
	checkInvalid(t, enter["Serve"](t, n, file, order(file, "te", 1)), "sku")
	checkInvalid(t, enter["Dispatch"](t, n, file, order(file, "tea", 101)), "quantity")
	if n.ran.Load() != 0 {
		t.Error("the handler ran")
	}
	if err := enter["Serve"](t, n, file, order(file, "tea", 1)); err != nil || n.ran.Load() != 1 {
		t.Errorf("valid: %v", err)
	}
}

// b does not judge its calls, and so nobody does: neither the rules that a hears of over the link, nor those that a
// request stores in a's registry, are a's to evaluate.
func TestRulesOfOthersAreNeverEvaluated(t *testing.T) {
	t.Parallel()
	file := compile(t, "peers")
	reg, err := registry.New(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	a, b := serve(t, "a", ruled(validate.WithValidator(tripwire{t})), dispatcher.WithRegistry(reg)), serve(t, "b")
	b.host(t, file, "OrderService")
	join(t, a, b, "/peers.OrderService/Place")
	_, err = reg.RegisterProto(t.Context(), &collector.RegisterProtoRequest{
		Namespace: "shop", FileDescriptor: protodesc.ToFileDescriptorProto(file),
		Dependencies: []*descriptorpb.FileDescriptorProto{protodesc.ToFileDescriptorProto(rulesproto.File_buf_validate_validate_proto)},
	})
	if err != nil {
		t.Fatal(err)
	}
	set, err := meshv1connect.NewMeshServiceClient(connect.NewClient(a.transport(t))).
		GetDescriptorSet(t.Context(), &meshv1.GetDescriptorSetRequest{CollectorId: "b"})
	if err != nil || len(set.GetFileDescriptorSet().GetFile()) == 0 {
		t.Fatalf("a does not have b's schema: %v, %v", set, err)
	}
	for name, enter := range entrances() {
		if name == "Serve" {
			continue // it runs nothing at a
		}
		if err := enter(t, a, file, order(file, "te", 101)); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// tripwire is a validator that is asked about nothing but the collector's own messages, which have no rules.
type tripwire struct{ t *testing.T }

func (w tripwire) Validate(message proto.Message, _ ...protovalidate.ValidationOption) error {
	if name := message.ProtoReflect().Descriptor().FullName(); !strings.HasPrefix(string(name), "collector.") {
		w.t.Errorf("asked about a %s", name)
	}
	return nil
}

func TestRulesThatDoNotCompileAreNotTheCallersFault(t *testing.T) {
	t.Parallel()
	file := compile(t, "broken")
	n := serve(t, "a", ruled())
	n.host(t, file, "BrokenService")
	in, out := dynamicpb.NewMessage(file.Messages().ByName("Broken")), dynamicpb.NewMessage(file.Messages().ByName("Receipt"))
	err := connect.NewClient(n.transport(t)).CallUnary(t.Context(), specOf(file, "BrokenService", "Place"), in, out)
	if connect.CodeOf(err) != connect.CodeInternal || !strings.Contains(err.Error(), "cannot be evaluated") || n.ran.Load() != 0 {
		t.Errorf("%v, ran %d", err, n.ran.Load())
	}
}

// A small request can break a rule very often. It is told once.
func TestAnswerToManyViolationsIsSmall(t *testing.T) {
	t.Parallel()
	file := compile(t, "many")
	n := serve(t, "a", ruled())
	n.host(t, file, "OrderService")
	in := order(file, "tea", 1)
	notes := in.Mutable(in.Descriptor().Fields().ByName("notes")).List()
	for range 100_000 {
		notes.Append(protoreflect.ValueOfString("too long"))
	}
	err := place(t, n.transport(t), file, in)
	checkInvalid(t, err, "notes[0]")
	if len(err.Error()) > 1000 {
		t.Errorf("the text has %d bytes", len(err.Error()))
	}
}

func TestResponsesAreJudgedIfAsked(t *testing.T) {
	t.Parallel()
	file := compile(t, "responses")
	n := serve(t, "a", ruled(validate.WithValidateResponses()))
	err := n.RegisterDynamic("shop", file.Services().ByName("OrderService"), func(_ context.Context, _ connect.Spec, stream connect.ServerStream) error {
		if err := stream.Receive(order(file, "", 0)); err != nil {
			return err
		}
		return stream.Send(dynamicpb.NewMessage(file.Messages().ByName("Receipt")))
	})
	if err != nil {
		t.Fatal(err)
	}
	err = place(t, n.transport(t), file, order(file, "tea", 1))
	if connect.CodeOf(err) != connect.CodeInternal || !strings.Contains(err.Error(), "number: ") {
		t.Errorf("%v", err)
	}
}
